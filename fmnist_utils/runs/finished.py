"""Finished runs by what was trained: the seeds of an experiment together, with one accuracy wherever it is shown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fmnist_utils.analysis import metrics
from fmnist_utils.basics.system import PUBLISHED, from_root
from fmnist_utils.runs import trace
from fmnist_utils.runs.groups import Group
from fmnist_utils.runs.record import stale
from fmnist_utils.runs.store import Store
from fmnist_utils.training.experiment import TRAINING_VERSION, Experiment


class _Name(NamedTuple):
    """What tells experiments of a folder apart, their seed aside; two contents of one data set are two."""

    dataset: str
    checksum: str
    canonical: str


@dataclass
class _Entry:
    experiment: Experiment  # with seed 0
    train_size: int
    keys: dict[int, str] = field(default_factory=dict)  # seed -> key


class Folder:
    """The finished experiments of one reports folder.

    Parameters
    ----------
    out : a reports folder

    Attributes
    ----------
    records : the records of all its runs, those of other training versions included
    entries : its experiments, of today's training version and of models that there still are; nets of a
        cross-validation, which saw a part of the training images each, are none
    """

    def __init__(self, out: str | Path) -> None:
        self.store = Store(out)
        self.published = from_root(out) == from_root(PUBLISHED)
        self.records = self.store.records()
        if self.published:
            trace.note_asked(trace.OF_PUBLISHED, from_root(out))
        self.entries: dict[_Name, _Entry] = {}
        for record in self.records:
            if record["training_version"] == TRAINING_VERSION and not stale(record):
                self._add(record)

    def _add(self, record: dict[str, Any]) -> None:
        where, experiment = record["provenance"], Experiment(**record["experiment"])
        if experiment.folds:
            return
        first = experiment.but(seed=0)
        name = _Name(where["dataset"], where.get("dataset_checksum", ""), first.canonical())
        entry = self.entries.setdefault(name, _Entry(first, where["train_size"]))
        entry.keys[experiment.seed] = record["key"]

    def find(self, experiment: Experiment) -> _Name | None:
        """Name the entry of `experiment`, whatever its seed: the one with most seeds; None if there is none."""
        canonical = experiment.but(seed=0).canonical()
        found = [n for n in self.entries if (n.dataset, n.canonical) == (experiment.dataset, canonical)]
        return max(found, key=lambda name: len(self.entries[name].keys), default=None)

    def group(self, name: _Name) -> Group:
        """Read the runs of one entry, in the order of their seeds; damaged ones are put aside."""
        keys = self.entries[name].keys
        return Group(run for seed in sorted(keys) if (run := self.store.load(keys[seed])))

    def on_part(self, name: _Name) -> bool:
        """Say whether an entry saw less than half of the images that others of its data set did."""
        data = name.dataset, name.checksum
        most = max(entry.train_size for other, entry in self.entries.items() if (other.dataset, other.checksum) == data)
        return self.entries[name].train_size < most / 2

    @cached_property
    def accuracies(self) -> dict[_Name, metrics.Estimate]:
        """Test accuracy of every entry.

        What its few seeds cannot tell of their spread comes from the other experiments on these data, those on about
        as many images (`on_part`): fewer images spread more.
        """
        estimates = (metrics.estimate_all(table) for table in self._tables.values())
        return {name: estimate for table in estimates for name, estimate in table.items()}

    @cached_property
    def _tables(self) -> dict[tuple[str, str, bool], dict[_Name, list[NDArray[np.bool_]]]]:
        """Entries that learn from each other, with the test images that each of their seeds gets right."""
        tables: dict[tuple[str, str, bool], dict[_Name, list[NDArray[np.bool_]]]] = defaultdict(dict)
        for name in self.entries:
            if correct := self.group(name).correct:
                tables[self._table(name)][name] = correct
        return tables

    def _table(self, name: _Name) -> tuple[str, str, bool]:
        return name.dataset, name.checksum, self.on_part(name)

    def view_accuracy(self, name: _Name) -> metrics.Estimate | None:
        """Accuracy of an entry over six views of each image; None if it has none.

        The spread comes from its seeds and from the other entries' accuracies without views, as few have any.
        """
        correct = [
            run.view_predictions == run.test_labels for run in self.group(name) if run.view_predictions is not None
        ]
        others = [group for other, group in self._tables[self._table(name)].items() if other != name and len(group) > 1]
        spread = metrics.learn_spread(others) if others else None
        return metrics.accuracy_estimate(correct, spread) if correct else None


class Finished:
    """What is finished in some reports folders.

    The runs of an experiment come from one folder, the one that has most of its seeds (of equal ones the first):
    so a published experiment has one accuracy, with one interval, in the README and on every page.

    Parameters
    ----------
    outs : reports folders

    Attributes
    ----------
    records : the records of all their runs, those of other training versions included
    """

    def __init__(self, *outs: str | Path) -> None:
        folders = {from_root(out): Folder(out) for out in outs}
        self.folders = list(folders.values())
        self.records = [record for folder in self.folders for record in folder.records]

    def _find(self, experiment: Experiment) -> tuple[Folder, _Name] | None:
        found = [(folder, name) for folder in self.folders if (name := folder.find(experiment))]
        return max(found, key=lambda place: len(place[0].entries[place[1]].keys), default=None)

    def group(self, experiment: Experiment) -> Group:
        """Read all seeds of `experiment`, on a data set of that name; an empty group if there is none."""
        place = self._find(experiment)
        return place[0].group(place[1]) if place else Group()

    def accuracy(self, experiment: Experiment) -> metrics.Estimate:
        """Estimate the test accuracy of a finished experiment, among all of its folder.

        Raises
        ------
        KeyError
            If it is not finished.
        """
        place = self._find(experiment)
        if place is None:
            raise KeyError(experiment.label)
        return place[0].accuracies[place[1]]

    def view_accuracy(self, experiment: Experiment) -> metrics.Estimate | None:
        """Estimate the accuracy over six views of each test image; None if there are none."""
        place = self._find(experiment)
        return place[0].view_accuracy(place[1]) if place else None

    def published(self, experiment: Experiment) -> bool:
        """Say whether the runs of `experiment` are the published ones, not those of another folder."""
        place = self._find(experiment)
        return place is not None and place[0].published
