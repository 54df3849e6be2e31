"""How sure a number is: one interval for an accuracy, a difference and a table, over seeds and test images.

Everything here answers one question: what would another training seed *and* another test sample change?
The method, its sources and its measured error rates are in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fmnist_utils.analysis.spread import (
    CONFIDENCE,
    NO_SPREAD,
    Floats,
    Seeds,
    Spread,
    half_width,
    image_variance,
    p_value,
    summarize,
    weigh,
)
from fmnist_utils.basics.text import counted, interval, number, percent, points

UNCERTAINTY = (
    "Every interval and every ± is at 95 % and covers both what another training seed and what another test sample "
    "would change, the latter alone where it says “no seed”; the verdicts of a table are corrected for the number of "
    "its comparisons (Holm)."
)
Name = TypeVar("Name")  # of a group: whatever tells it apart
CANNOT_BE_JUDGED = "one seed: cannot be judged"
SAME = 1e-12  # two means that are less apart differ by the rounding of binary fractions alone


@dataclass(frozen=True)
class Estimate:
    """The accuracy of one group with its 95 % interval; fractions (0.93), printed as percent.

    Attributes
    ----------
    mean : over seeds and images
    std : of the seeds' accuracies as they are; NaN for a single one
    low, high : the interval, within 0 and 1; NaN where a single seed has no spread to borrow
    n : seeds; 0 for a method that has none
    each : what `n` counts: "seed", or "fold" of a cross-validation
    borrowed : whether the seed spread is that of other groups alone, since this one has one seed
    """

    mean: float
    std: float
    low: float
    high: float
    n: int
    borrowed: bool = False
    each: str = "seed"

    @property
    def margin(self) -> str:
        """What stands behind ±: half of the interval in points, such as ``"0.47"``; "" where there is none."""
        # the interval is symmetric, but where it was cut at 0 or 1 one side is shorter
        return "" if np.isnan(self.low) else number(max(self.mean - self.low, self.high - self.mean), 2)

    @property
    def is_cut(self) -> bool:
        """Whether the interval ends at 0 or 1 on one side, where ± would promise accuracies beyond."""
        uneven = abs((self.high - self.mean) - (self.mean - self.low)) > 5e-5
        return uneven and (self.low <= 0 or self.high >= 1)

    def __str__(self) -> str:
        if np.isnan(self.mean):
            return "none (there is nothing to count)"
        if not self.margin:
            return f"{percent(self.mean)} ({CANNOT_BE_JUDGED})"
        seeds = f"{counted(self.n, self.each) if self.n else 'no seed'}{', spread borrowed' if self.borrowed else ''}"
        if self.is_cut:
            return f"{percent(self.mean)} ({interval(self.low, self.high)}; {seeds})"
        return f"{percent(self.mean)} ± {self.margin} ({seeds})"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return escape(str(self))


@dataclass(frozen=True)
class Comparison:
    """How much more accurate a is than b; fractions, so 0.003 means 0.3 percentage points.

    Attributes
    ----------
    difference : a - b
    low, high : its 95 % interval, of shares within -1 and 1; NaN where single seeds have no spread to borrow
    p : chance of a difference at least as large if there is none in truth; NaN as above
    n, n_reference : seeds of a and of b (None: as many)
    borrowed : whether a side with one seed took its spread from others
    """

    difference: float
    low: float
    high: float
    p: float
    n: int
    n_reference: int | None = None
    borrowed: bool = False

    @property
    def verdict(self) -> str:
        """Whether the interval leaves out 0: "better", "worse" or "no measurable difference"; or that there is none."""
        if np.isnan(self.low):
            return CANNOT_BE_JUDGED
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no measurable difference"

    def __str__(self) -> str:
        if np.isnan(self.low):
            return f"{points(self.difference)} ({CANNOT_BE_JUDGED})"
        seeds = "" if self.n or self.n_reference else "; no seed"
        return f"{points(self.difference)} ({interval(self.low, self.high, signed=True)}{seeds})"

    def __repr__(self) -> str:
        return str(self) if np.isnan(self.low) else f"{self}: {self.verdict}"

    def _repr_html_(self) -> str:
        return escape(repr(self))

    def sentence(self, a: str, b: str) -> str:
        """Say the comparison in words; `a` and `b` name the two sides."""
        change = f"Against {b}, {a} changes accuracy by {points(self.difference)}"
        if np.isnan(self.low):
            return f"{change} ({CANNOT_BE_JUDGED})."
        seeds = counted(self.n, "seed") if self.n else "no seed"
        if self.n_reference not in (None, self.n):
            seeds = f"{self.n} and {self.n_reference} seeds"
        return f"{change} (95 % interval {interval(self.low, self.high, signed=True)}, {seeds}): {self.verdict}."


def level(first: float, second: float) -> bool:
    """Whether two means are the same; a mean over seeds is rounded."""
    return abs(first - second) < SAME


def holm(p: ArrayLike) -> Floats:
    """Adjust p values (m,) for their number m by Holm's method (1979); NaN stays NaN and is not counted."""
    values = np.asarray(p, dtype=np.float64)
    adjusted, known = np.full(values.shape, np.nan), np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known])]
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)))
    return adjusted


class _Table:
    """Groups that share what they say about the spread between seeds; those `without` a seed have none."""

    def __init__(self, groups: Mapping[Any, Seeds], spread: Spread | None, without: Collection[Any] = ()) -> None:
        self.arms = {name: summarize(group) for name, group in groups.items()}
        self.fixed = set(groups) if spread is NO_SPREAD else set(without) & set(groups)
        drawn = [name for name in groups if name not in self.fixed]
        self.learned = spread is not None or any(self.arms[name].seeds > 1 for name in drawn)
        self.weights: dict[Any, Floats] = {}
        for names, prior in ((drawn, spread), ([name for name in groups if name in self.fixed], NO_SPREAD)):
            if names:
                numbers = [(arm.variance, arm.noise, arm.seeds) for arm in map(self.arms.__getitem__, names)]
                variance, noise, seeds = (np.array(column) for column in zip(*numbers, strict=True))
                self.weights.update(zip(names, weigh(variance, noise, seeds, prior), strict=True))

    def spread(self, name: Any) -> tuple[Floats, int]:
        return self.weights[name], self.arms[name].seeds

    def known(self, *names: Any) -> bool:
        return all(self.learned or name in self.fixed for name in names)

    def seeds(self, name: Any) -> int:
        return 0 if name in self.fixed else self.arms[name].seeds

    def borrowed(self, *names: Any) -> bool:
        return self.learned and any(self.seeds(name) == 1 for name in names)

    def estimate(self, name: Any) -> Estimate:
        arm = self.arms[name]
        mean = arm.mean
        std = float(np.sqrt(arm.variance)) if arm.seeds > 1 else float("nan")
        half = half_width(image_variance(arm.per_image), self.spread(name)) if self.known(name) else float("nan")
        low, high = float(np.maximum(0, mean - half)), float(np.minimum(1, mean + half))
        return Estimate(mean, std, low, high, self.seeds(name), self.borrowed(name))

    def comparison(self, a: Any, b: Any) -> Comparison:
        first, second = self.arms[a], self.arms[b]
        if first.per_image.shape != second.per_image.shape:
            shapes = f"{first.per_image.size} against {second.per_image.size}"
            raise ValueError(f"a paired comparison needs the same images on both sides: {shapes}")
        # two shares are at most 1 apart; other quantities, such as gaps, may be more
        shares = all(arm.per_image.min() >= 0 and arm.per_image.max() <= 1 for arm in (first, second))
        numbers = self.judged(first.per_image - second.per_image, a, b, most=1 if shares else np.inf)
        return Comparison(*numbers, self.seeds(a), self.seeds(b), self.borrowed(a, b))

    def judged(self, per_image: Floats, *names: Any, most: float) -> tuple[float, float, float, float]:
        """Mean of one number an image, its interval, cut at -most and most, and its p value, by the named spreads."""
        mean, variance = float(per_image.mean()), image_variance(per_image)
        mean = 0.0 if level(mean, 0) else mean
        half = p = float("nan")
        if self.known(*names):
            spreads = [self.spread(name) for name in names]
            half, p = half_width(variance, *spreads), float(p_value(mean, variance, *spreads))
        return mean, float(np.maximum(-most, mean - half)), float(np.minimum(most, mean + half)), p

    def comparisons(self, pairs: list[tuple[Any, Any]], index: pd.Index) -> pd.DataFrame:
        found = [self.comparison(a, b) for a, b in pairs]
        rows = [(one.difference, one.low, one.high, one.p, one.n, one.borrowed) for one in found]
        columns = ["difference", "low", "high", "p", "seeds", "borrowed"]
        return corrected(pd.DataFrame(rows, index=index, columns=columns))


def corrected(table: pd.DataFrame) -> pd.DataFrame:
    """Correct the verdicts of comparisons for their number; tables that were joined are one family.

    Parameters
    ----------
    table : one row a comparison, with difference and p at least

    Returns
    -------
    DataFrame
        The same rows, with p_adjusted and verdict as in `compare_all`.
    """
    adjusted = holm(table["p"])
    direction = np.where(table["difference"] > 0, "better", "worse")
    verdict = np.where(adjusted < 1 - CONFIDENCE, direction, "no measurable difference").astype(object)
    verdict[np.isnan(adjusted)] = CANNOT_BE_JUDGED
    return table.assign(p_adjusted=adjusted, verdict=verdict)


def lost_by_correction(verdict: str, low: float, high: float) -> bool:
    """Whether a comparison has no verdict of its table though its interval, which is its own alone, leaves out 0."""
    return verdict not in ("better", "worse") and (low > 0 or high < 0)


def estimate_all(
    groups: Mapping[Name, Seeds], spread: Spread | None = None, without: Collection[Name] = ()
) -> dict[Name, Estimate]:
    """Estimate the accuracy of every group of a table; those of one seed borrow the spread of the others.

    Parameters
    ----------
    groups : {name: list of bool (n_images,)}
        One array a seed: which test images it gets right. Groups may have different numbers of seeds.
    spread : Spread, optional
        What is known from elsewhere (`learn_spread`), or `NO_SPREAD`.
    without : names of groups whose method has no random seed, beside others that have one

    Returns
    -------
    {name: Estimate}
    """
    table = _Table(groups, spread, without)
    return {name: table.estimate(name) for name in groups}


def accuracy_estimate(correct: Seeds, spread: Spread | None = None) -> Estimate:
    """Estimate the accuracy of one experiment from its runs.

    Parameters
    ----------
    correct : list of bool (n_images,)
        One array a seed: which test images it gets right.
    spread : Spread, optional
        What is known from elsewhere (`learn_spread`), or `NO_SPREAD`. Without it a single seed has no
        interval.

    Returns
    -------
    Estimate
        NaN throughout where there is no image.
    """
    if not np.size(correct):
        nothing = float("nan")
        return Estimate(nothing, nothing, nothing, nothing, len(correct))
    return estimate_all({"": correct}, spread)[""]


def compare(correct_a: Seeds, correct_b: Seeds, spread: Spread | None = None) -> Comparison:
    """Compare two experiments on the same test images.

    Parameters
    ----------
    correct_a, correct_b : list of bool (n_images,)
        One array a seed, the same images on both sides. The numbers of seeds may differ: images are paired,
        seeds are not, since a seed makes different nets on each side. Numbers other than bool serve as well,
        such as the effect on each image of a change, to compare two effects.
    spread : Spread, optional
        What is known from elsewhere (`learn_spread`), or `NO_SPREAD`. Without it a side of one seed borrows
        the other side's spread, and two of one seed cannot be judged.

    Returns
    -------
    Comparison
        The difference a - b.

    Raises
    ------
    ValueError
        If the sides differ in their images.
    """
    return _Table({"a": correct_a, "b": correct_b}, spread).comparison("a", "b")


def compare_zero(values: Seeds, spread: Spread | None = None) -> Comparison:
    """Compare the mean of one number an image and seed with 0.

    Parameters
    ----------
    values : list of float (n_images,)
        One array a seed, such as confidence less correctness: overconfidence is above 0.
    spread : Spread, optional
        As in `accuracy_estimate`.

    Returns
    -------
    Comparison
        The mean as its difference; low, high and p as for every other number.
    """
    table = _Table({"": values}, spread)
    most = 1 if all(np.abs(some).max(initial=0) <= 1 for some in values) else np.inf
    numbers = table.judged(table.arms[""].per_image, "", most=most)
    return Comparison(*numbers, table.seeds(""), borrowed=table.borrowed(""))


def paired(first: Seeds, second: Seeds, spread: Spread | None = None) -> Comparison:
    """Compare two numbers of the same nets on the same images, such as confidence and correctness.

    Unlike in `compare`, seed 0 of one side is the very net of seed 0 of the other, and what both share cancels.

    Parameters
    ----------
    first, second : list of bool or float (n_images,)
        One array a seed, in the same order on both sides.
    spread : Spread, optional
        As in `accuracy_estimate`; it is about the difference.

    Returns
    -------
    Comparison
        The difference first - second.
    """
    return compare_zero([np.subtract(a, b, dtype=np.float64) for a, b in zip(first, second, strict=True)], spread)


def compare_all(groups: Mapping[str, Seeds], reference: str, spread: Spread | None = None) -> pd.DataFrame:
    """Compare every group of a table with the one called `reference`.

    Parameters
    ----------
    groups : {name: list of bool (n_images,)}
        One array a seed, the same images everywhere. Groups may have different numbers of seeds.
    reference : name of one of them
    spread : Spread, optional
        As in `compare`; without it the groups of one seed borrow that of the table.

    Returns
    -------
    DataFrame, one row a group but the reference, indexed by name
        difference, low, high : fractions, the plain 95 % interval of each row
        verdict : "better", "worse" or "no measurable difference", by p_adjusted below 0.05; that one seed cannot be
            judged where p is NaN
        p, p_adjusted : before and after Holm's correction for all rows
        seeds : of the group
        borrowed : whether the group or the reference has one seed and borrowed its spread
    """
    names = [name for name in groups if name != reference]
    return _Table(groups, spread).comparisons([(name, reference) for name in names], pd.Index(names, dtype=object))


def compare_pairs(
    groups: Mapping[str, Seeds],
    spread: Spread | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
    without: Collection[str] = (),
) -> pd.DataFrame:
    """Compare every two groups of a table (or those of `pairs`), first minus second.

    The groups of no pair still say what the spread between seeds is like; those `without` a seed (`estimate_all`) do
    not. Columns as in `compare_all`, indexed by both names.
    """
    pairs = list(combinations(groups, 2) if pairs is None else pairs)
    index = pd.MultiIndex.from_tuples(pairs, names=["first", "second"])
    return _Table(groups, spread, without).comparisons(pairs, index) if groups else pd.DataFrame(index=index)


def reaches(estimate: Estimate, accuracy: float) -> str:
    """Tell whether an estimate reaches a claimed accuracy (a share).

    Returns
    -------
    str
        "reached" where the whole interval lies above, "not reached" where it lies below, "within reach" where
        the claimed number lies in it, "cannot be judged" without an interval.
    """
    if np.isnan(estimate.low):
        return "cannot be judged"
    if estimate.low > accuracy:
        return "reached"
    return "not reached" if estimate.high < accuracy else "within reach"
