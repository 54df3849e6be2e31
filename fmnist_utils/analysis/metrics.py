"""What predictions are worth: scores per class, calibration; and, from `compare`, how sure every number is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import sklearn.metrics
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats
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
    "Spread", "accuracy_by_coverage", "accuracy_estimate", "brier", "compare", "compare_all", "compare_pairs",
    "compare_zero", "confidence_auroc", "confused_pair", "confused_pairs", "confusion", "corrected", "coverage_at",
    "ece", "ece_by_image", "ece_interval", "estimate_all", "holm", "interval", "learn_spread", "log_loss", "mcnemar",
    "mixed_up", "number", "paired", "pareto_front", "per_class", "percent", "points", "power_table", "reaches",
    "reliability", "share_estimate", "temperature", "tempered", "top_k", "worst_class",
]  # fmt: skip


def confusion(
    labels: ArrayLike, predictions: ArrayLike, n_classes: int, predicted_in_rows: bool = False
) -> NDArray[np.int64]:
    """Count the predictions per class.

    Parameters
    ----------
    labels, predictions : int (n,)
        Class numbers; those of several runs may be concatenated.
    n_classes : int
    predicted_in_rows : bool
        Both ways are common; ours, scikit-learn's, has the true class in rows.

    Returns
    -------
    int64 (n_classes, n_classes)
        The true class in rows, the predicted one in columns; with `predicted_in_rows` the other way round.
    """
    sides = (predictions, labels) if predicted_in_rows else (labels, predictions)
    return confusion_matrix(*sides, labels=range(n_classes)).astype(np.int64)


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


def top_k(labels: ArrayLike, probabilities: ArrayLike, k: int = 2) -> float:
    """Share of the images whose class is among the `k` most probable ones.

    Parameters
    ----------
    labels : int (n,)
    probabilities : float (n, classes)
    """
    matrix, truth = np.asarray(probabilities), np.asarray(labels)
    above = (matrix > matrix[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    return float((above < k).mean())


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean negative logarithm (natural) of the true class's probability; 0 is perfect.

    Rows are made to sum to 1 first, since stored probabilities are rounded; a zero counts as the least positive
    number of its type, so that one image cannot make the mean infinite.
    """
    matrix = np.asarray(probabilities, dtype=np.float64)
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    return float(sklearn.metrics.log_loss(labels, matrix, labels=range(matrix.shape[1])))


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Brier's score (1950) of several classes: mean squared distance from the truth, 0 (perfect) to 2."""
    matrix, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    return float(((matrix - np.eye(matrix.shape[1])[truth]) ** 2).sum(axis=1).mean())


def confidence_auroc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Tell how well confidence separates right from wrong predictions: area under the ROC curve.

    Returns
    -------
    float
        Chance that a right prediction is the more confident one of a right and a wrong; 0.5 is guessing. NaN
        where all predictions are right, or all wrong.
    """
    matrix = np.asarray(probabilities)
    correct = matrix.argmax(axis=1) == np.asarray(labels)
    if correct.all() or not correct.any():
        return float("nan")
    return float(sklearn.metrics.roc_auc_score(correct, matrix.max(axis=1)))


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """McNemar's exact test (1947) of two trained nets on the same images.

    It is about these two nets, not about the methods that made them: another seed is not in it (for that:
    `compare`).

    Parameters
    ----------
    correct_a, correct_b : bool (n_images,)

    Returns
    -------
    float
        Two-sided p value: of the images that one of the two gets right, each does with chance one half.
    """
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


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
    matrix = np.asarray(probabilities)
    confidence = matrix.max(axis=1).astype(np.float64)
    count, sure, right = _binned(confidence, matrix.argmax(axis=1) == np.asarray(labels), bins, equal_mass)
    return pd.DataFrame({"confidence": sure / count, "accuracy": right / count, "count": count})


def _binned(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int, equal_mass: bool
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Images, sum of confidences and sum of right predictions of each bin that holds images."""
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(np.quantile(confidence, inner)) if equal_mass else inner
    where = np.searchsorted(edges, confidence, side="right")
    count = np.bincount(where, minlength=bins)
    sure, right = (np.bincount(where, values, minlength=bins).astype(np.float64) for values in (confidence, correct))
    return count[count > 0], sure[count > 0], right[count > 0]


def ece(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15, equal_mass: bool = True) -> float:
    """Expected calibration error: mean distance between confidence and accuracy over the images, 0 to 1."""
    table = reliability(probabilities, labels, bins, equal_mass)
    return float(np.average((table["confidence"] - table["accuracy"]).abs(), weights=table["count"]))


def temperature(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Fit the temperature that makes probabilities the likeliest (Guo et al. 2017): above 1 they were too sure.

    Parameters
    ----------
    probabilities : float (n, classes), of images that were neither trained on nor tested
    labels : int (n,)
    """
    fitted = optimize.minimize_scalar(
        lambda exponent: log_loss(labels, tempered(probabilities, float(np.exp(exponent)))), bounds=(-3, 3)
    )
    return float(np.exp(fitted.x))


def tempered(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Divide the logarithms of probabilities (n, classes) by `temperature`, and make them sum to 1 again."""
    logarithms = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-8)) / temperature
    return special.softmax(logarithms, axis=1)


def accuracy_by_coverage(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Accuracy on the surest image, on the two surest, and so on to all, float (n,)."""
    matrix = np.asarray(probabilities)
    correct = matrix.argmax(axis=1) == np.asarray(labels)
    order = np.argsort(-matrix.max(axis=1), kind="stable")
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
    matrix = np.asarray(probabilities)
    confidence = matrix.max(axis=1).astype(np.float64)
    excess = confidence - (matrix.argmax(axis=1) == np.asarray(labels))  # (n,)
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1]))
    where = np.searchsorted(edges, confidence, side="right")  # (n,), the bin of each image
    signs = np.sign(np.bincount(where, excess, minlength=bins))  # (bins,)
    return excess * signs[where]


def ece_interval(
    probabilities: ArrayLike, labels: ArrayLike, bins: int = 15, resamples: int = 500, rng: int = 0
) -> tuple[float, float]:
    """Compute the 95 % interval of one net's `ece` (with equal-mass bins): what other test images would change.

    The basic bootstrap over images (Davison and Hinkley 1997): resampling shifts an ECE upward as sampling
    did before, since every bin's error counts as a distance, and mirroring the quantiles takes this out.

    Returns
    -------
    (float, float)
        Low and high, not below 0. With an ECE near 0 all of the interval may lie below the plain value.
    """
    matrix = np.asarray(probabilities)
    confidence, correct = matrix.max(axis=1).astype(np.float64), matrix.argmax(axis=1) == np.asarray(labels)
    draw, n = np.random.default_rng(rng), len(correct)

    def error(chosen: NDArray[np.int64]) -> float:
        _, sure, right = _binned(confidence[chosen], correct[chosen], bins, equal_mass=True)
        return float(np.abs(sure - right).sum() / n)

    errors = [error(draw.integers(0, n, n)) for _ in range(resamples)]
    upper, lower = np.quantile(errors, [(1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2])
    value = error(np.arange(n))
    return max(0.0, float(2 * value - upper)), max(0.0, float(2 * value - lower))


def pareto_front(cost: ArrayLike, value: ArrayLike) -> NDArray[np.bool_]:
    """Mark what no other entry beats: none is both as cheap and as good, and better in one of the two."""
    costs, values = np.asarray(cost)[:, None], np.asarray(value)[:, None]
    beats = (costs <= costs.T) & (values >= values.T) & ((costs < costs.T) | (values > values.T))
    return np.asarray(~beats.any(axis=0))


def __dir__() -> list[str]:
    return sorted(__all__)
