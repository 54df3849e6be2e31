"""Sentences on a data set: balance, repeated and odd images, and the methods that come before a net (01)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfc, ndtri
from scipy.stats import ttest_ind

from fmnist_utils.analysis.compare import Estimate, corrected, lost_by_correction
from fmnist_utils.analysis.spread import CONFIDENCE
from fmnist_utils.basics.text import counted, interval, md, percent, points
from fmnist_utils.sentences.changes import CORRECTED
from fmnist_utils.sentences.words import joined, listing, unjudged


def leader(best: str, table: pd.DataFrame, share: float, told: str) -> str:
    """Say which of several things reaches most, and from which others it cannot be told.

    Parameters
    ----------
    best : the first by its numbers
    table : of `metrics.compare_all` with `best` as the reference
    share : what `best` reaches
    told : of what, such as ``"of the two classes told right"``

    Returns
    -------
    Markdown, without a capital or a full stop. It is "measurably ahead" of those alone whose verdict is worse. Those
    that reach exactly as much are named with it; the verdicts are its own.
    """
    tied = [best, *table.index[table["difference"] == 0]]
    if len(tied) == len(table) + 1 > 1:
        return f"none is in front: {listing(tied)} have {percent(share, 1)} {told} each"
    first = f"**{listing(tied)}** {'is' if len(tied) == 1 else 'are'} in front with {percent(share, 1)} {told}"
    first += " each" if len(tied) > 1 else ""
    behind = table[table["difference"] != 0].sort_values("difference")
    worse = [
        f"{md(name)} (by {points(-row['difference'], 1).lstrip('+')})"
        for name, row in behind.iterrows()
        if row["verdict"] == "worse"
    ]
    unclear = [md(name) for name, row in behind.iterrows() if row["verdict"] != "worse"]
    if unjudged(table):
        return f"{first}; whether {'it is' if len(tied) == 1 else 'they are'} ahead cannot be judged"
    said = [f"measurably ahead of {joined(worse)}"] if worse else []
    said += [f"not measurably ahead of {joined(unclear)}"] if unclear else []
    return f"{first}{', ' if len(tied) == 1 else f'; {md(best)} is '}{' but '.join(said)}"


def near_duplicates(alike: NDArray[np.bool_], other: NDArray[np.bool_]) -> str:
    """Say how many test images have a near-duplicate among the training images, and how many under another label.

    Parameters
    ----------
    alike, other : bool (images,), whether the nearest training image is a near-duplicate, and has another label
    """
    found, apart = int(alike.sum()), int((alike & other).sum())
    have = "has" if found == 1 else "have"
    images = f"**{found:,} of {len(alike):,} test images** ({percent(float(alike.mean()))})"
    start = f"{images} {have} a near-duplicate among the training images"
    if found < 2:
        return f"{start}{', under another label' if apart else ', under the same label' if found else ''}."
    return f"{start}, {apart:,} of them under another label."


def balanced(counts: pd.DataFrame) -> str:
    """Say whether the classes are balanced: "perfectly" if all have as many images in each part (the columns)."""
    if (counts.min() == counts.max()).all():
        each = " and ".join(counted(int(counts[part].iloc[0]), f"{md(part)} image") for part in counts)
        return f"The classes are perfectly balanced: {each} of each."
    said = []
    for part, column in counts.items():
        most, least = int(column.max()), int(column.min())
        if most == least:
            said.append(f"{counted(most, f'{md(part)} image')} of each")
        else:
            images = counted(most, f"{md(part)} image")
            said.append(f"{images} of {md(column.idxmax())} against {least:,} of {md(column.idxmin())}")
    return f"The classes are not perfectly balanced: {' and '.join(said)}."


def alike(first: ArrayLike, second: ArrayLike, thing: str) -> str:
    """Say by how much the means of two samples differ, with an interval, and whether that is large.

    "small" is less than a tenth of the first sample's standard deviation at both ends of Welch's 95 % interval,
    "large" more than that, the same way, at both ends; anything else is neither. Where the interval holds 0, there may
    be no difference, which is said.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if min(one.size, two.size) < 2:
        return f"There are too few images to compare the {thing} of the two parts."
    if not (np.ptp(one) and np.ptp(two)):  # (a deviation need not be exactly 0)
        return f"The images of one of the two parts do not differ in their {thing}, so the parts cannot be compared."
    found = ttest_ind(two, one, equal_var=False).confidence_interval(CONFIDENCE)
    low, high = found.low / one.std(), found.high / one.std()
    size = ", if at all" if low < 0 < high else ""
    if max(abs(low), abs(high)) < 0.1:
        size = f", a small difference{' if any' if size else ''}"
    elif min(abs(low), abs(high)) > 0.1 and low * high > 0:
        size = ", a large difference"
    ends = f"{interval(low, high, 1, signed=True)} % of its standard deviation"
    return f"The mean {thing} of the test images differs from that of the training images by {ends}{size}."


def repeats(repeated: Mapping[str, int], leaked: int, disputed: int, tested: int) -> str:
    """Say how many images occur more than once, and how.

    Parameters
    ----------
    repeated : images beyond the first of its kind, by part
    leaked : test images that are training images, too
    disputed : images that carry two labels
    tested : all test images
    """
    if not any([*repeated.values(), leaked, disputed]):
        return "**No image occurs twice**, byte by byte, within a part or across them: every test image is new."
    within = " and ".join(f"{n:,} within the {md(part)} part" for part, n in repeated.items())
    return (
        f"**{leaked:,} of {tested:,} test images** ({percent(leaked / tested)}) "
        f"{'is a training image' if leaked == 1 else 'are training images'}, too. Images that "
        f"repeat an earlier one: {within}; images under two labels: {disputed:,}."
    )


def found_by(before: int, images: int, first: float = 0.01) -> str:
    """Say whether a measure that sorts images by oddness finds one: whether it is among the `first` share of them.

    `before` is the number of images that the measure puts before it.
    """
    place = f"number {before + 1:,} of {images:,} by this measure"
    if before < first * images:
        return f"{place}, which finds it, among the first {percent(first, 0)}"
    return f"{place}, which does not find it: {percent(before / images, 0)} of the images are odder"


def against(accuracies: Mapping[str, Estimate], line: Estimate, name: str) -> list[str]:
    """Say of each accuracy whether it lies above a `line` that was measured on images of its own: both errors count.

    The verdicts are corrected for the number of accuracies, the intervals are the plain ones of each.
    """
    table = pd.DataFrame({"difference": {key: value.mean - line.mean for key, value in accuracies.items()}})
    table["half"] = [float(np.hypot(one.high - one.low, line.high - line.low)) / 2 for one in accuracies.values()]
    table["p"] = erfc(table["difference"].abs() / table["half"] * ndtri((1 + CONFIDENCE) / 2) / np.sqrt(2))
    words = {"better": "measurably above", "worse": "measurably below"}
    said = []
    for (key, value), (_, found) in zip(accuracies.items(), corrected(table).iterrows(), strict=True):
        low, high = (found["difference"] + sign * found["half"] for sign in (-1, 1))
        word = words.get(found["verdict"], "not measurably apart from")
        word += f" {name}{CORRECTED if lost_by_correction(found['verdict'], low, high) else ''}"
        ends = f"{points(found['difference'])} ({interval(low, high, signed=True)})"
        said.append(f"{md(key)}: {value}, {word}: {ends}.")
    return said
