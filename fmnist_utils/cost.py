"""What a training will cost: from stored runs of the same model where there are any, else from its size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from statistics import median
from typing import Any

from fmnist_utils import models
from fmnist_utils.experiment import Experiment

# Two CPU cores bring about this many multiply-adds a second to a training step (forward and backward
# together are three passes), and lose about this many seconds an image to everything else.
MULTIPLY_ADDS_A_SECOND = 57e9
SECONDS_AN_IMAGE = 1.2e-4
FEW_IMAGES = 10_000


@cache
def _multiply_adds(model: str) -> int:
    return models.count_multiply_adds(models.build(model))


def seconds_of(multiply_adds: float) -> float:
    """Estimate the seconds that one image costs a training on two CPU cores, from those of its forward pass."""
    return 3 * multiply_adds / MULTIPLY_ADDS_A_SECOND + SECONDS_AN_IMAGE


def _cores(record: dict[str, Any]) -> int:
    where = record["provenance"]
    return where["threads"] if where["device"] == "cpu" else 2


def estimate(experiment: Experiment, records: Sequence[dict[str, Any]], images: int = 60_000) -> float:
    """Estimate the seconds of a training on two CPU cores.

    Stored trainings on one thread count half, for two of them ran side by side; those on a GPU count as they are.

    Parameters
    ----------
    experiment : what would be trained
    records : records of finished runs (`Store.records`); those of the same model and batch size count
    images : training images of the whole data set
    """
    rates = [
        record["seconds"] * _cores(record) / 2 / len(record["history"]) / record["provenance"]["train_size"]
        for record in records
        if record["experiment"]["model"] == experiment.model
        and record["experiment"]["batch_size"] == experiment.batch_size
        and record["provenance"]["train_size"] >= FEW_IMAGES  # an epoch of fewer is mostly its validation
    ]
    size = experiment.train_size or (images * 11 // 12 if experiment.validation else images)
    fallback = seconds_of(_multiply_adds(experiment.model))
    return size * experiment.epochs * (median(rates) if rates else fallback)
