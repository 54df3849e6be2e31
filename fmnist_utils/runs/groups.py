"""Groups of runs: one experiment over several seeds, several experiments side by side, and how they compare."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_utils import sentences
from fmnist_utils.analysis import metrics
from fmnist_utils.basics.errors import UserError, brief, listed, nearest
from fmnist_utils.basics.text import counted, duration, number, percent, span
from fmnist_utils.data.dataset import Dataset, split
from fmnist_utils.runs.runner import run_all
from fmnist_utils.training.experiment import Experiment, recorded_digests
from fmnist_utils.training.run import Run


class Group(list[Run]):
    """The runs of one experiment, one a seed; shows itself as a line of a table at the end of a cell."""

    @property
    def correct(self) -> list[NDArray[np.bool_]]:
        """Which test images each run gets right: one bool (images,) a seed."""
        return [run.correct for run in self]

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The class that each seed's net gives each test image, int64 (seeds, images)."""
        return np.stack([run.predictions for run in self])

    def __getitem__(self, place: Any) -> Any:
        """One run, or for a slice the group of some."""
        found = super().__getitem__(place)
        return Group(found) if isinstance(place, slice) else found

    def __add__(self, other: Iterable[Run]) -> Group:  # type: ignore[override]
        """These runs and others after them."""
        return Group([*self, *other])

    def copy(self) -> Group:
        """The same runs in a group of its own."""
        return Group(self)

    @property
    def is_cross_validation(self) -> bool:
        """Whether these are nets that learned from other parts of the training images each (`cross_validate`)."""
        return any(run.experiment.folds for run in self)

    def check(self, name: str = "", folds: bool = False) -> None:
        """Raise UserError if there are no runs, or they are not of one experiment, one a seed (or a fold: `folds`)."""
        called = f"group {brief(name)}" if name else "the group"
        if not self:
            raise UserError(f"{called} has no runs to compare: leave it out")
        stored = [run.key for run in self if run.folder]
        if twice := [key for key in stored if stored.count(key) > 1]:
            raise UserError(f"{called} has run {twice[0]} {stored.count(twice[0])} times: a seed counts once")
        for run in self[1:]:
            if differs := _difference(self[0], run):
                raise UserError(f"{called} mixes experiments, {differs}: make a group of each")
        if self.is_cross_validation and not folds:
            raise UserError(
                f"{called} is a cross-validation, whose nets learned from different images, so they are no seeds of "
                "one experiment: `accuracy` and `out_of_fold` have what can be said of them"
            )
        if self.is_cross_validation and len({run.experiment.seed for run in self}) > 1:
            raise UserError(f"{called} mixes cross-validations of several seeds: make a group of each")

    @property
    def accuracy(self) -> metrics.Estimate:
        """Test accuracy, with the interval that this group gives by itself (`Groups.accuracies` has narrower ones)."""
        self.check(folds=True)
        found = metrics.accuracy_estimate(self.correct)
        return replace(found, each="fold") if self.is_cross_validation else found

    @property
    def gap(self) -> float:
        """Mean of training minus test accuracy, a share: what the net knows by heart."""
        return float(np.mean([run.train_accuracy - run.test_accuracy for run in self]))

    @property
    def gap_by_image(self) -> list[NDArray[Any]]:
        """Training accuracy minus correctness on each test image, float (images,) a seed; the mean is the gap."""
        return [run.train_accuracy - run.correct for run in self]

    @property
    def timed(self) -> Group:
        """Those that were trained as the first was, on its device and threads and in its precision: for times."""
        ways = [(run.provenance.get("device"), run.provenance.get("threads"), run.precision) for run in self]
        return Group(run for run, way in zip(self, ways, strict=True) if way == ways[0])

    @property
    def seconds(self) -> float:
        """Mean seconds of a training (`timed`)."""
        return float(np.mean([run.seconds for run in self.timed]))

    def per_class(self, class_names: tuple[str, ...]) -> pd.DataFrame:
        """Scores of each class, the mean over the seeds (`metrics.per_class`)."""
        self._check_names(class_names)
        tables = [metrics.per_class(run.test_labels, run.predictions, class_names) for run in self]
        return sum(tables[1:], start=tables[0]) / len(self)

    def recalls(self, class_names: tuple[str, ...]) -> dict[str, metrics.Estimate]:
        """Recall of each class that has test images, with its interval."""
        self._check_names(class_names)
        labels = self[0].test_labels
        present = {name: labels == i for i, name in enumerate(class_names) if (labels == i).any()}
        return metrics.estimate_all({name: [right[mask] for right in self.correct] for name, mask in present.items()})

    def _check_names(self, class_names: tuple[str, ...]) -> None:
        self.check()
        if len(class_names) != (classes := self[0].classes):
            raise UserError(f"{counted(len(class_names), 'name')} for {counted(classes, 'class')}: give one each")

    def out_of_fold(self, dataset: Dataset) -> NDArray[np.float32]:
        """What nets of a cross-validation (`cross_validate`) say of training images that they never saw.

        Returns
        -------
        float32 (n, classes), in the order of the training images

        Raises
        ------
        UserError
            These are not all nets of a cross-validation, or were trained on other data.
        """
        self.check(folds=True)
        folds, there = self[0].experiment.folds, {run.experiment.fold for run in self if run.experiment.folds}
        if not folds or there != set(range(folds)):
            raise UserError(f"{counted(len(there), 'fold')} of {folds or 'none'}: give what cross_validate returns")
        joined = np.full((len(dataset.train_labels), len(dataset.class_names)), np.nan, np.float32)
        for run in self:
            run.check_data(dataset)
            wanted = run.experiment
            _, held_out = split(dataset.train_labels, wanted.train_size, True, wanted.folds, wanted.fold)
            assert run.held_out_probabilities is not None
            joined[held_out.numpy()] = run.held_out_probabilities
        return joined

    def mistakes(self, data: Dataset) -> metrics.Mistakes:
        """Gather what each seed says of the test images that some seed gets wrong; `data` is what was trained on.

        UserError if it is not.
        """
        for run in self:
            run.check_data(data)
        seeds = tuple(run.experiment.label.rpartition(", ")[2] for run in self)  # "seed 0", or "fold 1"
        return metrics.Mistakes(data, self.predictions, np.stack([run.confidence for run in self]), seeds)

    def __repr__(self) -> str:
        try:
            return f"{self[0].experiment.model}: {self.accuracy}" if self else "no runs"
        except UserError:  # of several experiments, whose accuracies have no mean
            return counted(len(self), "run")

    def _repr_html_(self) -> str:
        return Groups({"": self})._repr_html_() if self else repr(self)


class Groups(dict[str, Group]):
    """Groups of runs by name; together they tell more of the spread between seeds than each alone."""

    def __init__(self, groups: Mapping[str, Iterable[Run]] | Iterable[tuple[str, Iterable[Run]]] = ()) -> None:
        super().__init__({name: _as_group(name, runs) for name, runs in dict(groups).items()})

    @property
    def accuracies(self) -> dict[str, metrics.Estimate]:
        """Test accuracy of each group; those of few seeds lean on the spread of all (docs/statistics.md).

        Groups that were trained on other data tell nothing of that spread.
        """
        alike: dict[str, dict[str, list[NDArray[np.bool_]]]] = {}
        for name, group in self.items():
            group.check(name)
            alike.setdefault(_data_of(group[0]), {})[name] = group.correct
        found = {name: one for groups in alike.values() for name, one in metrics.estimate_all(groups).items()}
        return {name: found[name] for name in self}

    @property
    def runs(self) -> list[Run]:
        """All runs."""
        return [run for group in self.values() for run in group]

    @property
    def seconds_an_epoch(self) -> dict[str, list[float]]:
        """Seconds that an epoch of each training took, on the mean, by group."""
        return {name: [run.seconds / max(1, len(run.history)) for run in group] for name, group in self.items()}

    def __repr__(self) -> str:
        try:
            return "\n".join(f"{name}: {found}" for name, found in self.accuracies.items()) if self else "no groups"
        except UserError:  # one has no accuracy
            return "\n".join(f"{name}: {group!r}" for name, group in self.items())

    def costs(self) -> pd.DataFrame:
        """Set what each group costs beside its accuracy, the most accurate first.

        Returns
        -------
        DataFrame, one row a group
            parameters, multiply-adds (of one image), seconds an epoch; accuracy, low, high, gap: shares.
        """
        if not self:
            raise UserError("there are no groups whose costs could be compared")
        rows = {
            name: {
                "parameters": group[0].parameters,
                "multiply-adds": group[0].multiply_adds,
                "seconds an epoch": group.seconds / float(np.mean([len(run.history) for run in group.timed])),
                "accuracy": accuracy.mean,
                "low": accuracy.low,
                "high": accuracy.high,
                "gap": group.gap,
            }
            for (name, group), accuracy in zip(self.items(), self.accuracies.values(), strict=True)
        }
        return pd.DataFrame.from_dict(rows, orient="index").sort_values("accuracy", ascending=False, kind="stable")

    def same_as(self, reference: str) -> list[str]:
        """Name the groups whose runs are those of `reference`, bit for bit: what was changed never acted."""
        _check(self, reference)
        others = (name for name in self if name != reference)
        return [name for name in others if all(map(_same, self[name], self[reference]))]

    def without(self, names: Collection[str]) -> Groups:
        """Return the groups but those called `names`."""
        return Groups({name: group for name, group in self.items() if name not in names})

    def __or__(self, other: Mapping[str, Group]) -> Groups:  # type: ignore[override]
        return Groups({**self, **other})

    def _repr_html_(self) -> str:
        try:
            accuracies = self.accuracies
        except UserError:
            return f"<pre>{escape(repr(self))}</pre>"
        if not self:
            return repr(self)
        # of several groups, times invite a comparison
        timed = len(self) == 1 or sentences.comparable(self.seconds_an_epoch)
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(group[0].experiment.model)}</td><td>{escape(str(accuracy))}</td>"
            f"<td>{escape(number(group.gap, 2, signed=True))}</td>"
            f"<td>{span([len(run.history) for run in group])}</td>"
            f"{f'<td>{duration(group.seconds)}</td>' if timed else ''}</tr>"
            for (name, group), accuracy in zip(self.items(), accuracies.values(), strict=True)
        )
        heads = ("", "model", "test accuracy", "gap (points)", "epochs", *(["a training"] if timed else []))
        head = "".join(f"<th>{name}</th>" for name in heads)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _as_group(name: object, runs: Any) -> Group:
    """Take a run, or a list of them, for a group; UserError if there is something else among them."""
    runs = list(runs) if isinstance(runs, Iterable) else [runs]
    if strange := [run for run in runs if not isinstance(run, Run)]:
        raise UserError(f"group {brief(name)} has {brief(strange[0])} among its runs, which is none")
    return Group(runs)


def _data_of(run: Run) -> str:
    """Checksum of the data that a run was trained on; "" where that is not known."""
    return str(run.provenance.get("dataset_checksum", ""))


def _difference(one: Run, other: Run) -> str:
    """Say in what two runs differ that are more than two seeds, or folds, of one experiment; "" if they are not."""
    if _data_of(one) and _data_of(other) and _data_of(one) != _data_of(other):
        return " and ".join(f"on {brief(r.provenance.get('dataset', ''))} ({_data_of(r)[:8]})" for r in (one, other))
    if recorded_digests(one.provenance) != recorded_digests(other.provenance):
        return f"before and after a part of {one.experiment.model} was changed"
    values = [json.loads(run.experiment.but(seed=0, fold=0).canonical()) for run in (one, other)]
    fields = sorted(name for name in {**values[0], **values[1]} if values[0].get(name) != values[1].get(name))
    said = [f"{name} {' and '.join(brief(run.experiment.said(name), 60) for run in (one, other))}" for name in fields]
    return f"which differ in {', '.join(said)}" if said else ""


def _alike(one: Run, other: Run) -> bool:
    """Whether two runs had the same training loss in every epoch, to the last bit."""
    losses = [[row.get("train_loss") for row in run.history] for run in (one, other)]
    return losses[0] == losses[1] != [] and None not in losses[0]


def _same(one: Run, other: Run) -> bool:
    """Whether two runs are one training that was read out in one way, and so give the same answers."""
    losses = [[row["validation_loss"] for row in run.history] for run in (one, other)]
    return _alike(one, other) and losses[0] == losses[1] and np.array_equal(one.predictions, other.predictions)


def _one_training(one: Run, other: Run) -> bool:
    """Whether two runs are one training, read out in one way or, as with an average of the weights, in two.

    Losses alone do not tell: that of a training's first step is the same whatever the step does then.
    """
    without = [run.experiment.but(ema=0) for run in (one, other)]
    return _alike(one, other) and (without[0] == without[1] or _same(one, other))


def _read_otherwise(groups: Mapping[str, Group], reference: str) -> list[str]:
    """Name the groups that are the reference's own trainings, seed by seed, perhaps read out in another way.

    Of single seeds none is named: they have no spread of their own.
    """
    seeds = len(groups[reference])
    others = {name: group for name, group in groups.items() if name != reference and len(group) == seeds > 1}
    return [name for name, group in others.items() if all(map(_one_training, group, groups[reference]))]


def run_groups(
    experiments: Mapping[str, Experiment],
    seeds: int,
    out: str = "reports/quick",
    device: str = "auto",
    also: Iterable[Experiment] | Experiment = (),
) -> Groups:
    """Train every experiment with seeds 0 to `seeds` - 1, or read its runs from the store.

    Parameters
    ----------
    experiments : what to train, by a name of yours; equal ones are trained once
    seeds : trainings of each
    out, device : as in `run_all`
    also : what else to train in the same go, with its own seeds; a study reads these runs from the store

    Returns
    -------
    Groups
        ``{name: Group}``, in the order of `experiments`.

    Raises
    ------
    UserError
        As in `run_all`; or `seeds` is no whole number above 0, or an experiment has a seed of its own.
    """
    if not isinstance(experiments, Mapping):
        raise UserError(f"run_groups takes experiments by name, {{'mine': Experiment(…)}}, not {brief(experiments)}")
    if type(seeds) is not int or seeds < 1:
        raise UserError(f"seeds = {brief(seeds)} is not allowed, must be a whole number from 1 on")
    if strange := [item for item in experiments.values() if not isinstance(item, Experiment)]:
        raise UserError(f"run_groups takes experiments by name, but {brief(strange[0])} is no Experiment")
    if seeded := next((name for name, item in experiments.items() if item.seed), None):
        raise UserError(
            f"run_groups trains the seeds from 0 on, so seed {experiments[seeded].seed} of {brief(seeded)} would be "
            "lost: leave it out, or use run_all"
        )
    others = [also] if isinstance(also, Experiment) else list(also)
    wanted = [item.but(seed=seed) for item in experiments.values() for seed in range(seeds)]
    labels = [f"{name}, seed {seed}" for name in experiments for seed in range(seeds)]
    labels += [item.label for item in others]
    runs = iter(run_all([*wanted, *others], out, device, names=labels))
    return Groups({name: Group(next(runs) for _ in range(seeds)) for name in experiments})


def cross_validate(experiment: Experiment, folds: int, out: str = "reports/quick", device: str = "auto") -> Group:
    """Train `experiment` once for each of `folds` equal parts of the training images, holding that part out.

    `Group.out_of_fold` has what the nets say of the images that they never saw; `out` and `device` are those of
    `run_all`.
    """
    return Group(run_all(fold_experiments(experiment, folds), out, device))


def fold_experiments(experiment: Experiment, folds: int) -> list[Experiment]:
    """Say what `cross_validate` trains: for `run_groups` (`also`), which then trains all of it in one go."""
    if not isinstance(experiment, Experiment):
        raise UserError(f"a cross-validation is of one Experiment, not of {brief(experiment)}")
    if type(folds) is not int or folds < 2:
        raise UserError(
            f"folds = {brief(folds)} is not allowed, must be a whole number from 2 on, to hold each part out once"
        )
    return [experiment.but(validation=True, folds=folds, fold=fold) for fold in range(folds)]


def compare(groups: Mapping[str, Iterable[Run]], reference: str) -> pd.DataFrame:
    """Compare every group with the one called `reference`, on the same test images.

    Parameters
    ----------
    groups : runs by name, each those of one experiment, one a seed: what `run_groups` returns, or lists of `run_all`
    reference : the name of one of them

    Returns
    -------
    DataFrame, one row a group but the reference, the greatest difference first
        accuracy : a share
        difference, low, high, verdict, p, p_adjusted, seeds, borrowed : as in `metrics.compare_all`
        paired : whether the group is the reference's own trainings, read out in another way, such as by an average of
            the weights: these are numbers of the same nets, and compared as such (`metrics.paired`)
        gap : mean of training minus test accuracy, a share
        ``attrs["each"]`` has the difference of each seed of a group to the reference's mean, for plots; of a group that
        is paired, to the same seed of the reference.

    Raises
    ------
    UserError
        No group is called so, one has no runs, or they were tested on different images.
    """
    groups = _check(groups, reference)
    paired = _read_otherwise(groups, reference)
    table = _compare({name: group.correct for name, group in groups.items()}, reference, paired)
    accuracies = [metrics.accuracy_estimate(groups[name].correct).mean for name in table.index]
    table.insert(0, "accuracy", accuracies)  # to the last bit those of `Groups.accuracies`: rounded, they are the same
    table["gap"] = [groups[name].gap for name in table.index]
    return table


def _check(groups: Mapping[str, Iterable[Run]], *names: str) -> Groups:
    """Take lists of runs for groups.

    Raises
    ------
    UserError
        There are no groups of such names, or they cannot be compared image by image.
    """
    if not isinstance(groups, Mapping):
        raise UserError(
            f"{brief(groups)} is no table of groups: give runs by name, and the name of one to set the others beside: "
            "compare({'plain': [run, …], 'mine': [run, …]}, 'plain')"
        )
    for name in names:
        check_name(name, groups)
    checked = Groups(groups)
    for name, group in checked.items():
        group.check(name)
    _check_data(checked.items())
    return checked


def check_name(name: str, groups: Collection[str]) -> None:
    """Raise UserError if no group is called so."""
    if name not in groups:
        there = f"(groups: {listed(map(str, groups)) or 'none'})"
        raise UserError(f"no group is called {brief(name)}{nearest(name, groups)} {there}")


def _check_data(groups: Iterable[tuple[str, Group]]) -> None:
    """Raise UserError if groups were tested on the images of different data sets."""
    tested: dict[str, tuple[str, Run]] = {}
    for name, group in groups:
        if group and (checksum := _data_of(group[0])):
            tested.setdefault(checksum, (name, group[0]))
    if len(tested) > 1:
        one, other = (
            f"group {brief(name)} on {brief(run.provenance.get('dataset', ''))} ({checksum[:8]})"
            for checksum, (name, run) in list(tested.items())[:2]
        )
        raise UserError(f"runs of different data sets cannot be compared: {one}, {other}; leave one of them out")


def _compare(values: Mapping[str, list[NDArray[Any]]], reference: str, paired: Collection[str] = ()) -> pd.DataFrame:
    """Compare arrays (images,), one a seed, with those of the reference; sorted, and with each seed for plots."""
    table = _judged(values, reference, paired)
    means = {name: np.array([array.mean() for array in arrays]) for name, arrays in values.items()}
    start = means[reference]
    table.attrs["each"] = {
        name: (means[name] - (start if name in paired else start.mean())).tolist() for name in table.index
    }
    return table.sort_values("difference", ascending=False, kind="stable")


def _judged(values: Mapping[str, list[NDArray[Any]]], reference: str, paired: Collection[str]) -> pd.DataFrame:
    """Compare as `metrics.compare_all` does, but those groups seed by seed that are `paired` with the reference."""
    table = metrics.compare_all(values, reference)
    for name in paired:
        change = metrics.paired(values[name], values[reference])
        table.loc[name, ["low", "high", "p"]] = change.low, change.high, change.p
    return metrics.corrected(table).assign(paired=table.index.isin(paired))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Write a table of comparisons for people: change with its interval, verdict, seeds; all text.

    Accuracy and gap stand in it, too, where they are in the table (`compare`, `compare_gaps`).
    """
    if lacking := sorted({"low", "high", "difference", "verdict", "seeds"} - set(table)):
        raise UserError(f"a table without {lacking[0]!r} cannot be made readable: give what compare returns")
    judged = table["low"].notna()
    pairs = zip(table["low"], table["high"], strict=True)
    intervals = pd.Series([metrics.interval(*pair, signed=True) for pair in pairs], table.index, dtype=object)
    columns = {
        "accuracy": table["accuracy"].map(percent) if "accuracy" in table else None,
        "change (points)": table["difference"].map(lambda share: number(share, 2, signed=True)),
        "95 % interval": intervals.where(judged, "–"),
        "verdict": table["verdict"].where(judged, metrics.CANNOT_BE_JUDGED),
        "gap (points)": table["gap"].map(lambda share: number(share, 2, signed=True)) if "gap" in table else None,
        "seeds": table["seeds"],
    }
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None}, index=table.index)


def compare_gaps(groups: Mapping[str, Iterable[Run]], reference: str) -> pd.DataFrame:
    """Compare by how much the gap between training and test accuracy is narrower than the reference's.

    Training images are the same for all groups, so seeds and test images are what varies.

    Returns
    -------
    DataFrame, one row a group but the reference, the narrowest gap first
        gap : mean of training minus test accuracy, a share
        difference, low, high : by how much it is narrower than that of the reference, shares
        verdict : "better" (measurably narrower), "worse" (wider) or "no measurable difference"
        p, p_adjusted, seeds, borrowed, paired; ``attrs["each"]`` : as in `compare`
    """
    groups = _check(groups, reference)
    # turned round, so that above 0 is narrower
    values = {name: [-gaps for gaps in group.gap_by_image] for name, group in groups.items()}
    table = _compare(values, reference, _read_otherwise(groups, reference))
    table.insert(0, "gap", [groups[name].gap for name in table.index])
    return table


def compare_moves(
    before: Mapping[str, Iterable[Run]], after: Mapping[str, Iterable[Run]], reference: str
) -> pd.DataFrame:
    """Compare how accuracies move from `before` to `after` with how the reference's moves.

    It is the difference of two differences: how an effect depends on what changed between the two, such as the
    number of epochs. All groups have as many seeds before as after.

    Returns
    -------
    DataFrame, one row a group of `after` but the reference, as `compare` without accuracy and gap
    """
    after, before = _check(after, reference), _check(before, *after)
    _check_data([*before.items(), *after.items()])
    if odd := [name for name, group in after.items() if len(group) != len(before[name])]:
        seeds = f"{len(before[odd[0]])} seeds before and {len(after[odd[0]])} after"
        raise UserError(f"group {brief(odd[0])} has {seeds}: train it with as many of both")
    moved = {
        name: [last.astype(float) - first for first, last in zip(before[name].correct, group.correct, strict=True)]
        for name, group in after.items()
    }
    paired = set(_read_otherwise(before, reference)) & set(_read_otherwise(after, reference))
    return _compare(moved, reference, paired)


def compare_parts(
    groups: Mapping[str, Iterable[Run]], reference: str, parts: Mapping[str, NDArray[np.bool_]]
) -> pd.DataFrame:
    """Compare every group with the reference on parts of the test images, such as the classes.

    Parameters
    ----------
    groups, reference : as in `compare`
    parts : {name: bool (images,)}, which images are in the part; one without images is left out

    Returns
    -------
    DataFrame, one row a group and part, indexed by ("name", "part")
        As `metrics.compare_all`, with paired as in `compare`; the verdicts are corrected for all rows, over all parts.
    """
    groups = _check(groups, reference)
    images = len(groups[reference][0].test_labels)
    if odd := [part for part, mask in parts.items() if np.shape(mask) != (images,) or np.asarray(mask).dtype != bool]:
        raise UserError(f"part {brief(odd[0])} is not allowed, must be bool ({images},), one for each test image")
    if not any(mask.any() for mask in parts.values()):
        raise UserError(f"no part holds a test image, of {counted(len(parts), 'part')}: name one that does")
    tables, paired = {}, _read_otherwise(groups, reference)
    for part, mask in parts.items():
        if mask.any():
            inside = {name: [right[mask] for right in group.correct] for name, group in groups.items()}
            tables[part] = _judged(inside, reference, paired)
    return metrics.corrected(pd.concat(tables, names=["part", "name"]).swaplevel())
