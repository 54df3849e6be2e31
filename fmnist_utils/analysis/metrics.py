"""What predictions are worth: scores per class, intervals over seeds, paired comparison, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fmnist_utils.text import counted

CONFIDENCE = 0.95  # of every interval in this project


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; all numbers are fractions (0.93), printed as percent."""

    mean: float
    std: float  # over seeds; NaN for a single one
    low: float
    high: float
    n: int  # seeds

    def __str__(self) -> str:
        return f"{100 * self.mean:.2f} % ± {50 * (self.high - self.low):.2f} ({counted(self.n, 'seed')})"


@dataclass(frozen=True)
class Comparison:
    """How much more accurate a is than b; fractions, so 0.003 means 0.3 percentage points."""

    difference: float
    low: float
    high: float
    p: float
    n: int  # seeds of each side

    @property
    def verdict(self) -> str:
        """``"better"``, ``"worse"`` or ``"no measurable difference"``: whether the interval leaves out 0."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no measurable difference"

    def sentence(self, a: str, b: str) -> str:
        """Say the comparison in words; `a` and `b` name the two sides."""
        change, low, high = (f"{100 * value:+.2f}" for value in (self.difference, self.low, self.high))
        return (
            f"Against {b}, {a} changes accuracy by {change} points "
            f"(95 % interval {low} to {high}, {counted(self.n, 'seed')}): {self.verdict}."
        )


class Pair(NamedTuple):
    """Two classes that are taken for each other: how often, and the share of all mistakes (0 to 1)."""

    first: str
    second: str
    mistakes: int
    share: float


def confusion(labels: ArrayLike, predictions: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Count the predictions per class.

    Parameters
    ----------
    labels, predictions : int (n,)
        Class numbers; those of several runs may be concatenated.
    n_classes : int

    Returns
    -------
    int64 (n_classes, n_classes)
        The true class in rows, the predicted one in columns.
    """
    return confusion_matrix(labels, predictions, labels=range(n_classes)).astype(np.int64)


def per_class(labels: ArrayLike, predictions: ArrayLike, class_names: Sequence[str]) -> pd.DataFrame:
    """Score each class.

    Returns
    -------
    DataFrame, one row a class
        precision, recall, f1, miss rate (1 - recall): fractions, NaN where undefined (a class without
        images, or one never predicted); support: images of the class.
    """
    scores = precision_recall_fscore_support(labels, predictions, labels=range(len(class_names)), zero_division=np.nan)
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), scores, strict=True)))
    table.insert(3, "miss rate", 1 - table["recall"])
    table.index = pd.Index(class_names, name="class")
    return table


def worst_class(table: pd.DataFrame) -> str:
    """Name the class of lowest recall in a `per_class` table."""
    return str(table["recall"].idxmin())


def worst_pair(matrix: NDArray[np.int64], class_names: Sequence[str]) -> Pair:
    """Find the two classes with the most mutual mistakes in a confusion matrix of two classes or more."""
    mistakes = matrix - np.diag(np.diag(matrix))
    mutual = np.triu(mistakes + mistakes.T, k=1)
    rows, columns = np.triu_indices_from(mutual, k=1)
    worst = int(np.argmax(mutual[rows, columns]))
    first, second = int(rows[worst]), int(columns[worst])
    between, total = int(mutual[first, second]), int(mistakes.sum())
    return Pair(class_names[first], class_names[second], between, between / max(1, total))


def mean_interval(values: ArrayLike) -> Estimate:
    """Mean of one fraction per seed, with Student's t interval.

    The interval covers what another seed would change, on the same test images.

    Raises
    ------
    ValueError
        For fewer than two values, which say nothing about their spread (for one run's accuracy: `wilson`).
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2:
        raise ValueError(f"an interval over seeds needs at least 2 values, not {array.size}")
    mean, std = float(array.mean()), float(array.std(ddof=1))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, array.size - 1)) * std / float(np.sqrt(array.size))
    return Estimate(mean, std, mean - half, mean + half, int(array.size))


def wilson(correct: int, n: int) -> Estimate:
    """Accuracy of one run with Wilson's interval: what other test images would change."""
    interval = stats.binomtest(int(correct), int(n)).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(correct / n, float("nan"), float(interval.low), float(interval.high), 1)


def accuracy_estimate(correct: Sequence[NDArray[np.bool_]]) -> Estimate:
    """Accuracy of one experiment from its runs.

    Parameters
    ----------
    correct : list of bool (n_images,)
        One array a seed: which test images it gets right.

    Returns
    -------
    Estimate
        With Student's t interval over seeds; for a single seed with Wilson's interval over images.
    """
    if len(correct) == 1:
        return wilson(int(correct[0].sum()), correct[0].size)
    estimate = mean_interval([array.mean() for array in correct])
    low, high = max(0.0, estimate.low), min(1.0, estimate.high)
    return Estimate(estimate.mean, estimate.std, low, high, estimate.n)


def compare(correct_a: Sequence[NDArray[np.bool_]], correct_b: Sequence[NDArray[np.bool_]]) -> Comparison:
    """Compare two experiments on the same test images, seed by seed.

    Parameters
    ----------
    correct_a, correct_b : list of bool (n_images,)
        One array a seed, the same seeds and images on both sides.

    Returns
    -------
    Comparison
        The difference a - b. Its squared standard error adds two parts: the variance over images of the
        difference between the two mean correctnesses, over the number of images; and the variance over
        seeds of the difference in accuracy, over the number of seeds k (0 for k = 1). The interval is the
        normal one: the first part rests on thousands of images, and Student's t with k - 1 degrees of
        freedom would stretch it by 6.5 at k = 2. So with two or three seeds the verdict is a little bold.

    Raises
    ------
    ValueError
        If the sides differ in the number of seeds or images.
    """
    a, b = np.asarray(correct_a, dtype=np.float64), np.asarray(correct_b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"a paired comparison needs the same seeds and images: {a.shape} against {b.shape}")
    seeds, images = a.shape
    per_image, per_seed = (a - b).mean(axis=0), (a - b).mean(axis=1)
    variance = per_image.var(ddof=1) / images + (per_seed.var(ddof=1) / seeds if seeds > 1 else 0.0)
    difference, error = float(per_image.mean()), float(np.sqrt(variance))
    half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * error
    p = 2 * float(stats.norm.sf(abs(difference) / error)) if error else float(difference == 0)
    return Comparison(difference, difference - half, difference + half, p, seeds)


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> pd.DataFrame:
    """Sort predictions by their confidence into `bins` bins of equal width.

    Parameters
    ----------
    probabilities : float (n, classes)
    labels : int (n,)

    Returns
    -------
    DataFrame, one row a bin that holds images
        confidence (mean), accuracy: fractions; count: images.
    """
    matrix = np.asarray(probabilities)
    confidence = matrix.max(axis=1)
    frame = pd.DataFrame({"confidence": confidence, "accuracy": matrix.argmax(axis=1) == np.asarray(labels)})
    groups = frame.groupby(np.minimum((confidence * bins).astype(int), bins - 1))
    return groups.mean().assign(count=groups.size()).reset_index(drop=True)


def ece(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over the images, 0 to 1."""
    table = reliability(probabilities, labels, bins)
    return float(np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["count"]))


def pareto_front(cost: ArrayLike, value: ArrayLike) -> NDArray[np.bool_]:
    """Mark what no other entry beats: none is both as cheap and as good, and better in one of the two."""
    costs, values = np.asarray(cost)[:, None], np.asarray(value)[:, None]
    beats = (costs <= costs.T) & (values >= values.T) & ((costs < costs.T) | (values > values.T))
    return np.asarray(~beats.any(axis=0))
