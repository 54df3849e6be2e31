"""The data sets of this process: read once for many experiments, and again when their files have changed."""

from __future__ import annotations

from collections.abc import Iterable

from fmnist_utils.data.dataset import Dataset, load_dataset
from fmnist_utils.data.locate import fingerprint
from fmnist_utils.training.experiment import Experiment

KEPT = 4  # data sets, in memory
_read: dict[tuple[str, str], tuple[str, Dataset]] = {}  # place -> fingerprint of its files, and what they hold


def data_of(experiment: Experiment) -> Dataset:
    """Return the data set of an experiment, as `forget_changed` has left it."""
    place = experiment.dataset, experiment.data_dir
    if place not in _read:
        data = load_dataset(*place)
        while len(_read) >= KEPT:
            del _read[next(iter(_read))]
        _read[place] = fingerprint(*place), data
    return _read[place][1]


def forget_changed(experiments: Iterable[Experiment]) -> None:
    """Have data sets whose files are no longer what this process has read be read again."""
    for place in {(item.dataset, item.data_dir) for item in experiments} & _read.keys():
        if fingerprint(*place) != _read[place][0]:
            del _read[place]
