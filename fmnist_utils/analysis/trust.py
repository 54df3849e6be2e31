"""When to trust an answer: how near it is to a boundary, how sure a net is of what belongs to no class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score


def beside(strange: Mapping[str, ArrayLike], test: ArrayLike, class_names: Sequence[str]) -> pd.DataFrame:
    """Set what a net says of pictures of no class beside what it says of test images.

    Parameters
    ----------
    strange : {kind: float (n, classes)}, probabilities
    test : float (images, classes), probabilities of the test images
    class_names : of the columns

    Returns
    -------
    DataFrame, one row a kind, the one that the net is surest of first
        images; answer, the most frequent one, and share, how often it is given; confidence, the median; less sure,
        the share of the test images whose confidence lies below that median; told apart, the chance that of a test
        image and such a picture the test image is the surer one (area under the ROC curve; Hendrycks and Gimpel 2017)
    """
    usual = np.asarray(test).max(1)
    rows = {}
    for kind, values in strange.items():
        probabilities = np.asarray(values)
        sure, answers = probabilities.max(1), np.bincount(probabilities.argmax(1), minlength=len(class_names))
        median = float(np.median(sure))
        is_test = np.repeat([True, False], [len(usual), len(sure)])
        rows[kind] = {
            "images": len(sure),
            "answer": class_names[int(answers.argmax())],
            "share": float(answers.max() / len(sure)),
            "confidence": median,
            "less sure": float((usual < median).mean()),
            "told apart": float(roc_auc_score(is_test, np.concatenate([usual, sure]))),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.sort_values("confidence", ascending=False, kind="stable")


def tenths(probabilities: ArrayLike) -> NDArray[np.int64]:
    """Cut images into tenths by how sure a net is of its answer: 0 for the surest, 9 for the least sure.

    Parameters
    ----------
    probabilities : float (n, classes)

    Returns
    -------
    int64 (n,)
    """
    order = np.argsort(-np.asarray(probabilities).max(1), kind="stable")
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) * 10 // len(order)
    return found


def share_of_first(probabilities: ArrayLike, first: int, second: int) -> NDArray[np.float64]:
    """Say what share of the probability of two classes the first one has: 1 to 0, one half on their boundary.

    Parameters
    ----------
    probabilities : float (n, classes)
    first, second : class numbers

    Returns
    -------
    float (n,)
    """
    both = np.maximum(np.asarray(probabilities, np.float64)[:, [first, second]], 1e-12)
    return both[:, 0] / both.sum(axis=1)
