"""Groups of runs: one experiment over several seeds, several experiments side by side, and how they compare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_utils.analysis import metrics
from fmnist_utils.runs.runner import run_all
from fmnist_utils.text import duration, percent, points
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.run import Run


class Group(list[Run]):
    """The runs of one experiment, one a seed; shows itself as a line of a table at the end of a cell."""

    @property
    def correct(self) -> list[NDArray[np.bool_]]:
        """Which test images each run gets right: one bool (images,) a seed."""
        return [run.correct for run in self]

    @property
    def accuracy(self) -> metrics.Estimate:
        """Test accuracy, with the interval that this group gives by itself (`Groups.accuracies` has narrower ones)."""
        return metrics.accuracy_estimate(self.correct)

    @property
    def gap(self) -> float:
        """Mean of training minus test accuracy, a share: what the net knows by heart."""
        return float(np.mean([run.train_accuracy - run.test_accuracy for run in self]))

    @property
    def seconds(self) -> float:
        """Mean seconds of a training."""
        return float(np.mean([run.seconds for run in self]))

    def per_class(self, class_names: tuple[str, ...]) -> pd.DataFrame:
        """Scores of each class, the mean over the seeds (`metrics.per_class`)."""
        tables = [metrics.per_class(run.test_labels, run.predictions, class_names) for run in self]
        return sum(tables[1:], start=tables[0]) / len(self)

    def confusion(self, n_classes: int) -> NDArray[np.int64]:
        """Confusion matrix (classes, classes) of all seeds together: the truth in rows, the answers in columns."""
        matrices = [metrics.confusion(run.test_labels, run.predictions, n_classes) for run in self]
        return np.sum(matrices, axis=0)

    def _repr_html_(self) -> str:
        return Groups({"": self})._repr_html_()


class Groups(dict[str, Group]):
    """Groups of runs by name; together they tell more of the spread between seeds than each alone."""

    @property
    def accuracies(self) -> dict[str, metrics.Estimate]:
        """Test accuracy of each group; those of few seeds lean on the spread of all (docs/statistics.md)."""
        return metrics.estimate_all({name: group.correct for name, group in self.items()})

    @property
    def runs(self) -> list[Run]:
        """All runs."""
        return [run for group in self.values() for run in group]

    def costs(self) -> pd.DataFrame:
        """Set what each group costs beside its accuracy, the most accurate first.

        Returns
        -------
        DataFrame, one row a group
            parameters, multiply-adds (of one image), seconds an epoch; accuracy, low, high, gap: shares.
        """
        rows = {
            name: {
                "parameters": group[0].parameters,
                "multiply-adds": group[0].multiply_adds,
                "seconds an epoch": sum(run.seconds for run in group) / sum(len(run.history) for run in group),
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
        others = (name for name in self if name != reference)
        return [name for name in others if all(map(_same, self[name], self[reference]))]

    def without(self, names: Collection[str]) -> Groups:
        """Return the groups but those called `names`."""
        return Groups({name: group for name, group in self.items() if name not in names})

    def __or__(self, other: Mapping[str, Group]) -> Groups:  # type: ignore[override]
        return Groups({**self, **other})

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(group[0].experiment.model)}</td><td>{escape(str(accuracy))}</td>"
            f"<td>{escape(points(group.gap).removesuffix(' points'))}</td><td>{len(group[0].history)}</td>"
            f"<td>{duration(group.seconds)}</td></tr>"
            for (name, group), accuracy in zip(self.items(), self.accuracies.values(), strict=True)
        )
        heads = ("", "model", "test accuracy", "gap (points)", "epochs", "a training")
        head = "".join(f"<th>{name}</th>" for name in heads)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _same(one: Run, other: Run) -> bool:
    """Whether two runs had the same losses in every epoch and give every test image the same probabilities."""
    losses = [[(row["train_loss"], row["validation_loss"]) for row in run.history] for run in (one, other)]
    return losses[0] == losses[1] and np.array_equal(one.test_probabilities, other.test_probabilities)


def run_groups(
    experiments: Mapping[str, Experiment],
    seeds: int,
    out: str = "reports/quick",
    device: str = "auto",
    also: Iterable[Experiment] = (),
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
    """
    wanted = [experiment.but(seed=seed) for experiment in experiments.values() for seed in range(seeds)]
    runs = iter(run_all([*wanted, *also], out, device))
    return Groups({name: Group(next(runs) for _ in range(seeds)) for name in experiments})


def compare(groups: Mapping[str, Group], reference: str) -> pd.DataFrame:
    """Compare every group with the one called `reference`, on the same test images.

    Returns
    -------
    DataFrame, one row a group but the reference, the greatest difference first
        accuracy : a share
        difference, low, high, verdict, p, p_adjusted, seeds, borrowed : as in `metrics.compare_all`
        gap : mean of training minus test accuracy, a share
        ``attrs["each"]`` has the difference of each seed of a group to the reference's mean, for plots.
    """
    table = metrics.compare_all({name: group.correct for name, group in groups.items()}, reference)
    table.insert(0, "accuracy", [np.mean([run.test_accuracy for run in groups[name]]) for name in table.index])
    table["gap"] = [groups[name].gap for name in table.index]
    start = float(np.mean([run.test_accuracy for run in groups[reference]]))
    table.attrs["each"] = {name: [run.test_accuracy - start for run in groups[name]] for name in table.index}
    return table.sort_values("difference", ascending=False, kind="stable")


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Write a table of `compare` for people: accuracy, change with its interval, verdict, gap, seeds; all text."""
    intervals = [metrics.interval(row["low"], row["high"], signed=True) for _, row in table.iterrows()]
    return pd.DataFrame(
        {
            "accuracy": table["accuracy"].map(percent),
            "change (points)": table["difference"].map(lambda value: points(value).partition(" ")[0]),
            "95 % interval": intervals,
            "verdict": table["verdict"],
            "gap (points)": table["gap"].map(lambda value: points(value).partition(" ")[0]),
            "seeds": table["seeds"],
        },
        index=table.index,
    )
