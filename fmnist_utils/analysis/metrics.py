"""What predictions are worth: scores per class, calibration; and, from `compare`, how sure every number is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import sklearn.metrics
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fmnist_utils.analysis.compare import (
    CANNOT_BE_JUDGED,
    UNCERTAINTY,
    Comparison,
    Estimate,
    accuracy_estimate,
    compare,
    compare_all,
    compare_pairs,
    compare_zero,
    corrected,
    estimate_all,
    holm,
    paired,
    reaches,
)
from fmnist_utils.analysis.mistakes import Mistakes
from fmnist_utils.analysis.power import power_table
from fmnist_utils.analysis.shares import confused_pair, confused_pairs, mixed_up, share_estimate
from fmnist_utils.analysis.spread import CONFIDENCE, NO_SPREAD, Spread, learn_spread
from fmnist_utils.basics.text import interval, number, percent, points

# The one place where notebooks and reports find all of it.
__all__ = [
    "CANNOT_BE_JUDGED", "CONFIDENCE", "NO_SPREAD", "UNCERTAINTY", "Comparison", "Estimate", "Mistakes",
    "Spread", "accuracy_by_coverage", "accuracy_estimate", "compare", "compare_all", "compare_pairs", "compare_zero",
    "confused_pair", "confused_pairs", "confusion", "corrected", "coverage_at", "ece", "ece_by_image", "estimate_all",
    "holm", "interval", "learn_spread", "log_loss", "mixed_up", "number", "paired", "pareto_front", "per_class",
    "percent", "points", "power_table", "reaches", "reliability", "share_estimate", "temperature", "tempered",
]  # fmt: skip


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
        The true class in rows, the predicted one in columns, as in scikit-learn.
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


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean negative logarithm (natural) of the true class's probability; 0 is perfect.

    Rows are made to sum to 1 first, since stored probabilities are rounded; a zero counts as 2.2e-16,
    the distance of 1 from the next number, so that one image cannot make the mean infinite.
    """
    matrix = np.asarray(probabilities, dtype=np.float64)
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    return float(sklearn.metrics.log_loss(labels, matrix, labels=range(matrix.shape[1])))


def reliability(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15, equal_mass: bool = True) -> pd.DataFrame:
    """Sort predictions by their confidence into `bins` bins.

    Parameters
    ----------
    probabilities : float (n, classes)
    labels : int (n,)
    bins : int
    equal_mass : bool
        Bins of equally many images (Nixon et al. 2019), where equal confidences stay together; else of equal
        width (Guo et al. 2017).

    Returns
    -------
    DataFrame, one row a bin that holds images
        confidence (mean), accuracy: fractions; count: images.
    """
    confidence, correct = _sure_and_right(probabilities, labels)
    where = _bins(confidence, bins, equal_mass)
    count = np.bincount(where, minlength=bins)
    sure, right = (np.bincount(where, values, minlength=bins)[count > 0] for values in (confidence, correct))
    count = count[count > 0]
    return pd.DataFrame({"confidence": sure / count, "accuracy": right / count, "count": count})


def _sure_and_right(probabilities: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Confidence of each answer, and whether it is right, both (n,)."""
    matrix = np.asarray(probabilities)
    return matrix.max(axis=1).astype(np.float64), matrix.argmax(axis=1) == np.asarray(labels)


def _bins(confidence: NDArray[np.float64], bins: int, equal_mass: bool) -> NDArray[np.intp]:
    """Number of the bin that each image is in, (n,): bins of as many images each, or of as much confidence."""
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(np.quantile(confidence, inner)) if equal_mass else inner
    return np.searchsorted(edges, confidence, side="right")


def ece(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15, equal_mass: bool = True) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over the images, 0 to 1."""
    table = reliability(probabilities, labels, bins, equal_mass)
    return float(np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["count"]))


TEMPERATURES = (float(np.exp(-3)), float(np.exp(3)))  # the ends of the search for one


def temperature(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Fit the temperature that makes probabilities the likeliest (Guo et al. 2017): above 1 they were too sure.

    Parameters
    ----------
    probabilities : float (n, classes), of images that were neither trained on nor tested
    labels : int (n,)

    Returns
    -------
    float within `TEMPERATURES`; near one of these ends the fit found none
    """
    fitted = optimize.minimize_scalar(
        lambda exponent: log_loss(labels, tempered(probabilities, float(np.exp(exponent)))), bounds=np.log(TEMPERATURES)
    )
    return float(np.exp(fitted.x))


def tempered(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Divide the logarithms of probabilities (n, classes) by `temperature`, and make them sum to 1 again."""
    logarithms = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-8)) / temperature
    return special.softmax(logarithms, axis=1)


def accuracy_by_coverage(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Accuracy on the surest image, on the two surest, and so on to all, float (n,)."""
    confidence, correct = _sure_and_right(probabilities, labels)
    order = np.argsort(-confidence, kind="stable")
    return np.cumsum(correct[order]) / np.arange(1, len(order) + 1)


def coverage_at(accuracy: float, by_coverage: ArrayLike) -> float:
    """Greatest share of the images, the surest ones, on which the accuracy is at least `accuracy`; 0 for none."""
    enough = np.flatnonzero(np.asarray(by_coverage) >= accuracy)
    return float((enough[-1] + 1) / len(np.asarray(by_coverage))) if len(enough) else 0.0


def ece_by_image(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> NDArray[np.float64]:
    """Say what each image adds to the `ece` (with equal-mass bins), so that `compare` can set two nets side by side.

    In a bin that is overconfident on the whole, an image adds its confidence less 1 if it is classified correctly and
    less 0 if not; in an underconfident bin the same with the other sign. `compare` then takes the bins and their signs
    for fixed. That is the first order of what other images would change; what it leaves out shifts every ECE upward,
    and so cancels, in part, from a difference.

    Returns
    -------
    float (n,)
        Their mean is the ECE; single ones lie between -1 and 1.
    """
    confidence, correct = _sure_and_right(probabilities, labels)
    excess = confidence - correct  # (n,)
    where = _bins(confidence, bins, equal_mass=True)
    signs = np.sign(np.bincount(where, excess, minlength=bins))  # (bins,)
    return excess * signs[where]


def pareto_front(cost: ArrayLike, value: ArrayLike) -> NDArray[np.bool_]:
    """Mark what no other entry beats: none is both as cheap and as good, and better in one of the two."""
    costs, values = np.asarray(cost)[:, None], np.asarray(value)[:, None]
    beats = (costs <= costs.T) & (values >= values.T) & ((costs < costs.T) | (values > values.T))
    return np.asarray(~beats.any(axis=0))


def __dir__() -> list[str]:
    return sorted(__all__)
