"""What every notebook needs to speak: computed sentences and tables, with names escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd
from IPython.display import Markdown, display

from fmnist_utils import frontier, metrics
from fmnist_utils.experiment import Experiment
from fmnist_utils.run import Run, accuracies

__all__ = ["accuracies", "changes", "gap", "headline", "md", "say"]


def say(text: str) -> None:
    """Display a sentence made from results, as Markdown."""
    display(Markdown(text))


def md(name: object) -> str:
    """Escape a name (of a class, a data set, a file) so that Markdown and HTML show it as it is, on one line."""
    # entities mean nothing to Markdown, so no character can begin a list, a link or a tag
    return re.sub(r"[!-/:-@[-`{-~]", lambda match: f"&#{ord(match[0])};", " ".join(str(name).split()))


def changes(groups: Mapping[str, Sequence[Run]], reference: str) -> pd.DataFrame:
    """Compare every group of runs with the one called `reference`, on the same test images.

    Returns
    -------
    DataFrame, one row a group but the reference
        accuracy, difference, low, high (fractions), verdict, gap (training minus test accuracy).
    """
    rows = {}
    for name, runs in groups.items():
        if name == reference:
            continue
        change = metrics.compare([run.correct for run in runs], [run.correct for run in groups[reference]])
        rows[name] = {
            "accuracy": accuracies(runs).mean,
            "difference": change.difference,
            "low": change.low,
            "high": change.high,
            "verdict": change.verdict,
            "gap": gap(runs),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def gap(runs: Sequence[Run]) -> float:
    """Mean of training minus test accuracy: what a model knows by heart."""
    return float(sum(run.train_accuracy - run.test_accuracy for run in runs) / len(runs))


def headline(dataset: str, data_dir: str, epochs: int, seed: int, train_size: int = 0) -> Experiment:
    """Return the headline experiment of notebooks 05 and 06: the frontier's sprint in a budget of the caller's."""
    return frontier.SPRINT.but(
        dataset=dataset,
        data_dir=data_dir,
        epochs=epochs,
        seed=seed,
        train_size=train_size,
        validation=True,
        test_time_views=False,
    )
