"""What a training will cost: measured by a few steps of it here, or estimated from the size of its model."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from fmnist_utils import models
from fmnist_utils.training.batches import test_time_views
from fmnist_utils.training.evaluate import SAMPLE
from fmnist_utils.training.experiment import Experiment

if TYPE_CHECKING:
    from fmnist_utils.data.dataset import Dataset

# Two CPU cores bring about this many multiply-adds a second to a training step (forward and backward
# together are three passes), and lose about this many seconds an image to everything else.
MULTIPLY_ADDS_A_SECOND = 57e9
SECONDS_AN_IMAGE = 1.2e-4
FEW_IMAGES = 10_000
CONTENTION = 1.1  # a run side by side with others takes so many times as long as alone on as many threads
MEASURED_SECONDS = 0.4  # of training steps, after one that is not counted


@cache
def _multiply_adds(model: str) -> int:
    return models.count_multiply_adds(models.build(model))


def seconds_of(multiply_adds: float) -> float:
    """Estimate the seconds that one image costs a training on two CPU cores, from those of its forward pass."""
    return 3 * multiply_adds / MULTIPLY_ADDS_A_SECOND + SECONDS_AN_IMAGE


def _cores(record: dict[str, Any]) -> int:
    where = record["provenance"]
    return where["threads"] if where["device"] == "cpu" else 2


def images_seen(experiment: Experiment, images: int = 60_000) -> int:
    """Count the images that a training sees, repeated ones included, if the data set has `images` for training."""
    size = experiment.train_size or images - round(images * experiment.held_out)
    return size * experiment.epochs


def estimate(experiment: Experiment, records: Sequence[dict[str, Any]], images: int = 60_000) -> float:
    """Estimate the seconds of a training on two CPU cores, without measuring anything.

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
    fallback = seconds_of(_multiply_adds(experiment.model))
    return images_seen(experiment, images) * (median(rates) if rates else fallback)


class Stopwatch:
    """Tells what trainings take on this machine, from a few steps of each net; equal nets are measured once.

    Parameters
    ----------
    device : "auto", "cuda", "cuda:1" and so on, "mps" or "cpu"
    precision : "auto", "fp32" or "bf16"
    threads : CPU threads of a training
    jobs : trainings side by side
    """

    def __init__(self, device: str, precision: str, threads: int, jobs: int) -> None:
        self.device, self.precision, self.threads, self.jobs = device, precision, threads, jobs
        self._rates: dict[str, tuple[float, float]] = {}

    def seconds(self, experiment: Experiment, dataset: Dataset) -> float:
        """Estimate the seconds of a training with its evaluations, from its steps on this machine."""
        steps_alike = experiment.but(
            epochs=1, seed=0, train_size=None, low_resolution=0.0, early_stopping=0, schedule="constant"
        )  # fmt: skip  (a schedule may know no more steps than an epoch has)
        name = steps_alike.canonical()
        if name not in self._rates:
            self._rates[name] = self._measure(steps_alike, dataset)
        step, evaluated = self._rates[name]
        images = len(dataset.train_labels)
        held_out = images * experiment.held_out * experiment.epochs
        views = len(test_time_views(dataset.test_images[:1])) if experiment.test_time_views else 0
        tested = len(dataset.test_labels) * (1 + views) + min(SAMPLE, images)
        trained = images_seen(experiment, images)
        alone = trained * step * (1 - experiment.low_resolution / 2) + (held_out + tested) * evaluated
        return alone * (CONTENTION if self.jobs > 1 else 1.0)

    def _measure(self, experiment: Experiment, dataset: Dataset) -> tuple[float, float]:
        """Return seconds an image of a training step, and of an evaluation."""
        from fmnist_utils.training.device import choose_device, choose_precision, reproducible
        from fmnist_utils.training.evaluate import evaluation_batch
        from fmnist_utils.training.trainer import Trainer

        where = choose_device(self.device)
        with reproducible(where, self.threads, experiment.seed):
            trainer = Trainer(experiment, dataset, where, choose_precision(self.precision, where))
            trainer.model.train()
            indices = trainer.training[: experiment.batch_size]
            step = _seconds_each(lambda: trainer.step(*trainer.batch(indices, 0))[0].item())
            tested = dataset.test_images[: evaluation_batch(where)].to(where)
            evaluated = _seconds_each(lambda: trainer.probabilities(tested))
        return step / len(indices), evaluated / len(tested)


def _seconds_each(act: Callable[[], object]) -> float:
    """Time `act` again and again for a moment, after a first time that does not count."""
    act()
    started, times = time.perf_counter(), 0
    while times < 2 or time.perf_counter() - started < MEASURED_SECONDS:
        act()
        times += 1
    return (time.perf_counter() - started) / times


def wall_seconds(costs: Iterable[float], jobs: int) -> float:
    """Say how long trainings of these `costs` take, `jobs` side by side, the longest begun first."""
    ends = [0.0] * jobs
    for cost in sorted(costs, reverse=True):
        heapq.heapreplace(ends, ends[0] + cost)
    return max(ends)
