"""What share of the mistakes is of one kind, such as two classes taken for each other, and how sure that share is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fmnist_utils.analysis.compare import Estimate, paired
from fmnist_utils.analysis.spread import Spread


def share_estimate(part: ArrayLike, whole: ArrayLike, spread: Spread | None = None) -> Estimate:
    """Estimate what share of `whole` is also in `part`, where every run has images of its own in both.

    A share of all test images is `accuracy_estimate`'s. A share of a run's mistakes is a ratio of two counts that
    both change with the seed and with the test sample.

    Parameters
    ----------
    part, whole : bool (seeds, images)
        Such as which mistakes are of one kind, and which images are mistakes; `part` lies within `whole`.
    spread : Spread, optional
        As in `accuracy_estimate`.

    Returns
    -------
    Estimate
        All seeds together; NaN throughout where `whole` is empty.
    """
    parts, wholes = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    if not wholes.any():
        nothing = float("nan")
        return Estimate(nothing, nothing, nothing, nothing, len(wholes))
    share, size = float(parts.sum() / wholes.sum()), float(wholes.mean())
    # The ratio estimator of survey sampling (Cochran 1977): to first order, the share moves with a seed or an image as
    # the mean of (part - share x whole) over all images does, divided by the size of the whole. That mean is 0.
    change = paired(list(parts), list(share * wholes), spread)
    half = (change.high - change.low) / 2 / size
    each = parts.sum(axis=1) / np.maximum(1, wholes.sum(axis=1))
    std = float(each.std(ddof=1)) if len(each) > 1 else float("nan")
    low, high = float(np.maximum(0, share - half)), float(np.minimum(1, share + half))
    return Estimate(share, std, low, high, change.n, change.borrowed)


def mixed_up(labels: ArrayLike, predictions: ArrayLike, first: int, second: int) -> NDArray[np.bool_]:
    """Mark the images of two classes that are taken for the other of the two.

    Parameters
    ----------
    labels : int (images,)
    predictions : int (seeds, images)
    first, second : class numbers

    Returns
    -------
    bool (seeds, images)
    """
    truth, answer = np.asarray(labels), np.asarray(predictions)
    return ((truth == first) & (answer == second)) | ((truth == second) & (answer == first))


def confused_pair(
    labels: ArrayLike,
    predictions: ArrayLike,
    class_names: Sequence[str],
    learned: ArrayLike,
    preferred: tuple[str, str] | None = None,
) -> tuple[str, str]:
    """Find the two classes that are taken for each other most, of those that can be told apart by what was learned.

    Parameters
    ----------
    labels, predictions, class_names : as in `confused_pairs`
    learned : int (n,), labels of the training images, of two classes or more
    preferred : two classes, in any order, that go before all others where they can be told apart

    Returns
    -------
    (name, name)
        In the order of the class numbers. Both have training images, and of the two there are test images.
    """
    truth, answer = np.asarray(labels), np.asarray(predictions)
    found = []
    for first, second in combinations(np.unique(np.asarray(learned)).tolist(), 2):
        pair, tested = (class_names[first], class_names[second]), int(np.isin(truth, (first, second)).sum())
        mixed, wanted = int(mixed_up(truth, answer, first, second).sum()), set(pair) == set(preferred or ())
        found.append((tested > 0, wanted, mixed, tested, pair))
    return max(found, key=lambda row: row[:4])[-1]  # the first of equals


def confused_pairs(
    labels: ArrayLike,
    predictions: ArrayLike,
    class_names: Sequence[str],
    most: int = 8,
    spread: Spread | None = None,
) -> dict[tuple[str, str], Estimate]:
    """Find the pairs of classes with the most mutual mistakes.

    Parameters
    ----------
    labels : int (images,)
    predictions : int (seeds, images)
    class_names : of two classes or more
    most : number of pairs to return; more where others have as many mistakes as the last of them
    spread : Spread, optional
        As in `accuracy_estimate`.

    Returns
    -------
    {(name, name): Estimate}
        Each pair's share of all mistakes, the largest first; a pair is in the order of the class numbers.
    """
    truth, answer = np.asarray(labels), np.asarray(predictions)
    matrix = np.zeros((len(class_names), len(class_names)), np.int64)
    np.add.at(matrix, (np.broadcast_to(truth, answer.shape), answer), 1)
    rows, columns = np.triu_indices(len(class_names), k=1)
    mutual = (matrix + matrix.T)[rows, columns]  # (pairs,)
    order = np.argsort(-mutual, kind="stable")
    last = mutual[order[:most][-1]]
    order = order[: max(len(order[:most]), int((mutual >= last).sum()) if last else 0)]
    wrong = answer != truth
    return {
        (class_names[i], class_names[j]): share_estimate(mixed_up(truth, answer, i, j), wrong, spread)
        for i, j in zip(rows[order], columns[order], strict=True)
    }
