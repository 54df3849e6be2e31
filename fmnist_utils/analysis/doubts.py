"""Whose mistake is it? Labels in doubt, by confident learning, and every mistake put into one of four kinds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import ArrayLike, NDArray

from fmnist_utils.analysis.compare import Estimate
from fmnist_utils.basics.errors import MAKE_ROOM, os_errors
from fmnist_utils.basics.system import from_root, write_whole
from fmnist_utils.basics.text import public_names, spreadsheet

# Training images of Fashion-MNIST whose label is wrong, each shown in zalandoresearch/fashion-mnist, issue 166, by the
# authors of Müller and Markert, "Identifying Mislabeled Instances in Classification Datasets" (2019; arXiv 1912.05283).
# Their table 7 lists 64; these are the seven that the issue names.
PUBLISHED_ERRORS = {"fashion-mnist": (16691, 22264, 28264, 33982, 40513, 42018, 45592)}

DOUBTFUL, DUPLICATE, ALL_WRONG, SOME_WRONG = KINDS = (
    "label in doubt",
    "near-duplicate under another label",
    "wrong for every net",
    "wrong for some",
)


def suspects(labels: ArrayLike, probabilities: ArrayLike, class_names: Sequence[str]) -> pd.DataFrame:
    """Sort images by the doubt about their labels.

    Confident learning (Northcutt et al. 2021) holds a label for wrong where the nets that never saw the image are as
    sure of another class as they are on average of images that bear that class; cleanlab counts them so that their
    number fits the estimated rates of confusion.

    Parameters
    ----------
    labels : int (images,), as the files have them
    probabilities : float (images, classes), of nets that were not trained on the image
    class_names : of the labels

    Returns
    -------
    DataFrame, one row an image, the most doubtful first, indexed by the image's place
        label, suggestion : names; the suggestion is the most probable class
        score : the probability of the label, 0 to 1
        doubtful : whether confident learning holds the label for wrong
    """
    given, sure = np.asarray(labels), np.asarray(probabilities, np.float64)
    sure = sure / sure.sum(axis=1, keepdims=True)  # stored ones are rounded
    present = np.flatnonzero(np.bincount(given, minlength=sure.shape[1]))  # cleanlab takes no class without images
    place = np.searchsorted(present, given)
    known = sure[:, present] / np.maximum(sure[:, present].sum(axis=1, keepdims=True), 1e-12)
    if len(present) > 1:
        score = get_label_quality_scores(place, known, method="self_confidence")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "May not flag all label issues")  # of a class with few images: so be it
            doubtful = find_label_issues(place, known) & (sure.argmax(axis=1) != given)
    else:  # there is no class that a label could be mistaken for
        score, doubtful = known[:, 0], np.zeros(len(given), bool)
    names = np.asarray(class_names, dtype=object)
    columns = {"label": names[given], "suggestion": names[sure.argmax(axis=1)], "score": score, "doubtful": doubtful}
    table = pd.DataFrame(columns, index=pd.RangeIndex(len(given), name="index"))
    return table.sort_values("score", kind="stable")


@os_errors("write", MAKE_ROOM)
def write(suspected: Mapping[str, pd.DataFrame], out: str | Path) -> Path:
    """Write the doubtful labels of each part (training, test), the most doubtful first, as ``<out>/suspects.csv``."""
    rows = pd.concat({part: table[table["doubtful"]] for part, table in suspected.items()}, names=["part", "index"])
    rows[["label", "suggestion"]] = rows[["label", "suggestion"]].map(spreadsheet)
    path = from_root(out) / "suspects.csv"
    write_whole(path, lambda file: rows.drop(columns="doubtful").round({"score": 4}).to_csv(file))
    return path


def relabelled(labels: ArrayLike, suspected: pd.DataFrame, class_names: Sequence[str]) -> NDArray[np.int64]:
    """Return the labels with every doubtful one replaced by its suggestion (`suspects` of the same images).

    Returns
    -------
    int64 (images,)
    """
    replaced = np.array(labels, np.int64)
    doubtful, numbers = suspected[suspected["doubtful"]], {name: number for number, name in enumerate(class_names)}
    replaced[doubtful.index] = [numbers[name] for name in doubtful["suggestion"]]
    return replaced


def usable(judges: Estimate, commonest: float, allowed: Estimate, as_given: Estimate) -> bool:
    """Decide whether doubts tell something of the labels: the judges know the classes, and others agree with them.

    Parameters
    ----------
    judges : accuracy of the judging nets on the test images, measurably above `commonest` if they know anything
    commonest : share of the most frequent label, which is right without looking
    allowed, as_given : accuracy of the nets that are judged, with the labels that the judges suggest (`relabelled`) and
        with those of the files; it is lower with the former where these nets side with the labels
    """
    return bool(judges.low > commonest and allowed.mean >= as_given.mean)


def found(suspected: pd.DataFrame, known: Sequence[int], first: Sequence[int]) -> pd.Series:
    """Count how many of the `known` wrong labels are among the `first` so many that are in doubt (`suspects`).

    Returns
    -------
    Series, int, indexed by those of `first` that are less than the labels in doubt, and, at its end, their number
    """
    listed = suspected.index[suspected["doubtful"]]
    ranks = np.flatnonzero(listed.isin(list(known)))
    sizes = [*(n for n in first if n < len(listed)), len(listed)]
    return pd.Series([int((ranks < n).sum()) for n in sizes], sizes)


def kinds(
    wrong: NDArray[np.bool_], doubtful: NDArray[np.bool_] | None, duplicate: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Put every image that some net gets wrong into the first of `KINDS` that fits it.

    Parameters
    ----------
    wrong : bool (nets, images), which images each net of all models gets wrong
    doubtful, duplicate : bool (images,); None where doubts tell nothing (`usable`), which leaves out their kind

    Returns
    -------
    {kind: bool (images,)}, in the order of `KINDS`; they do not overlap
    """
    left: NDArray[np.bool_] = np.asarray(wrong.any(axis=0))
    found: dict[str, NDArray[np.bool_]] = {}
    for kind, fits in zip(KINDS, (doubtful, duplicate, np.asarray(wrong.all(axis=0)), left), strict=True):
        if fits is not None:
            found[kind] = left & fits
            left = left & ~fits
    return found


def __dir__() -> list[str]:
    return public_names(globals())
