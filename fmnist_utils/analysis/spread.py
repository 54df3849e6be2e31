"""The spread between training seeds, learned from all arms of a table, and the errors that follow from it.

The method, its sources and its measured error rates are in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import erfc

from fmnist_utils.basics.text import counted, number

Floats = NDArray[np.float64]
Seeds = Sequence[NDArray[Any]]  # one array (n_images,) a seed: whether each test image is classified correctly
CONFIDENCE = 0.95  # of every interval in this project

# Two or three seeds say little about their own spread, and a t interval with one degree of freedom is 6.5
# times as wide as a normal one. So, as limma does for genes (Smyth 2004), the arms of a table learn from each
# other. Every possible spread of an arm is weighed by how well it explains the arm's seeds, times how
# plausible the other arms make it. Sums over a grid do this where limma plugs in one estimate of how alike the
# arms are, which two seeds cannot give: with unequal spreads it raised a false alarm in one of four tables.

SPREADS: Floats = np.concatenate([[0.0], np.geomspace(1e-4, 0.6, 45)])  # standard deviations of accuracy
# How unequal the spreads of a table's arms may be: standard deviation of their logarithms. One spread for
# all; differing by a factor of 1.8; by a factor of 4.5.
INEQUALITY = (0.0, 0.6, 1.5)
PRIOR = (0.7, 0.1, 0.2)  # how plausible each is in a table that can tell them apart: `MANY` degrees of freedom
MANY = 38  # of twenty arms with three seeds, less two arms


def _hypotheses() -> Floats:
    """Distributions of an arm's spread, (hypotheses, spreads): for each inequality every median, last "no spread"."""
    logs = np.log(SPREADS[1:])
    medians = logs[(SPREADS[1:] > 2e-4) & (SPREADS[1:] < 0.1)]
    rows = []
    for tau in INEQUALITY:
        distance = np.abs(logs - medians[:, None])
        weights = np.exp(-((distance / tau) ** 2) / 2) if tau else (distance == 0).astype(float)
        rows.append(weights / weights.sum(axis=1, keepdims=True))
    spread = np.concatenate(rows)
    grid = np.zeros((len(spread) + 1, len(SPREADS)))
    grid[:-1, 1:] = spread
    grid[-1, 0] = 1.0
    return grid


HYPOTHESES = _hypotheses()


@dataclass(frozen=True, eq=False)
class Spread:
    """What is known about the spread between the seeds of an arm before its own seeds are seen.

    Attributes
    ----------
    log_weights : float (hypotheses,), how plausible each row of `HYPOTHESES` is
    groups : number of groups of several seeds that it was learned from
    """

    log_weights: Floats = field(repr=False)
    groups: int = 0

    @property
    def typical(self) -> float:
        """Its median, as a standard deviation of accuracy: 0.002 is 0.2 points."""
        weights = np.exp(self.log_weights - self.log_weights.max()) @ HYPOTHESES
        return float(SPREADS[np.searchsorted(np.cumsum(weights) / weights.sum(), 0.5)])

    def __str__(self) -> str:
        return f"{number(self.typical, 2)} points between seeds, learned from {counted(self.groups, 'group')}"


def _unknown(seeds: NDArray[np.int64]) -> Spread:
    """Before anything is seen: any median (log-uniform), and the more seeds can tell, the more likely alike arms.

    Two arms alone are not assumed to be alike, as in Welch's test. What arms beyond two have in degrees of
    freedom moves the weights towards those of `PRIOR`.
    """
    few = min(1.0, np.sort(seeds - 1)[:-2].sum() / MANY)
    weights = np.repeat(np.array(PRIOR) * (few, few, 1.0), (len(HYPOTHESES) - 1) // len(PRIOR))
    with np.errstate(divide="ignore"):
        return Spread(np.log(np.append(weights, 0.0)))


NO_SPREAD = Spread(np.where(np.arange(len(HYPOTHESES)) == len(HYPOTHESES) - 1, 0.0, -np.inf))
"""For a method without a random seed, such as nearest neighbours: only another test sample changes it."""


def _explain(variance: Floats, noise: Floats, seeds: NDArray[np.int64]) -> Floats:
    """Likelihood of every spread in `SPREADS`, (..., arms, spreads), the largest of an arm being 1.

    Parameters
    ----------
    variance : float (..., arms)
        Of the accuracies over the seeds of an arm.
    noise : float (..., arms)
        The part of it that the finite number of test images explains: seeds that are equally good on all
        images of the world still differ on these.
    seeds : int (arms,)
        Of one seed the likelihood is flat: it says nothing.
    """
    expected = SPREADS**2 + noise[..., None]
    log = -(seeds[:, None] - 1) / 2 * (np.log(expected) + variance[..., None] / expected)
    return np.exp(log - log.max(axis=-1, keepdims=True))


def weigh(variance: Floats, noise: Floats, seeds: NDArray[np.int64], prior: Spread | None) -> Floats:
    """How plausible every spread is for every arm, (..., arms, spreads), from its own seeds and the other arms'."""
    prior = prior or _unknown(seeds)
    likelihood = _explain(variance, noise, seeds)
    evidence = np.log(likelihood @ HYPOTHESES.T + 1e-300)  # of an arm for a hypothesis
    others = prior.log_weights + evidence.sum(axis=-2, keepdims=True) - evidence
    weights = np.exp(others - others.max(axis=-1, keepdims=True))
    allowed = weights @ HYPOTHESES
    posterior = likelihood * allowed
    # Where an arm's own seeds deny all that is held for possible, as they can with `NO_SPREAD`, that stands.
    posterior = np.where(posterior.any(axis=-1, keepdims=True), posterior, allowed)
    return posterior / posterior.sum(axis=-1, keepdims=True)


class Arm(NamedTuple):
    """What matters of a group: its mean correctness per image and in all, and how its seeds differ."""

    per_image: Floats  # (n_images,)
    mean: float  # of all seeds and images, from their whole number: a mean of means may end in another last digit
    variance: float
    noise: float
    seeds: int


def summarize(group: Seeds) -> Arm:
    """Reduce a group to what its interval needs."""
    correct = np.asarray(group, dtype=np.float64)
    if correct.ndim != 2 or correct.size == 0:
        raise ValueError(f"a group needs one array of the same images for each seed, not the shape {correct.shape}")
    seeds, images = correct.shape
    per_image, per_seed = correct.mean(axis=0), correct.mean(axis=1)
    if seeds == 1:
        return Arm(per_image, float(correct.mean()), 0.0, 1.0, 1)
    # What is left after the seed's and the image's means is the disagreement of the seeds about single
    # images. A floor of one image keeps seeds that never disagree from having none at all.
    left = ((correct - per_image) ** 2).sum() - images * ((per_seed - per_seed.mean()) ** 2).sum()
    disagreement = left / ((seeds - 1) * max(1, images - 1))
    noise = max(disagreement, 1 / images) / images
    return Arm(per_image, float(correct.mean()), float(per_seed.var(ddof=1)), noise, seeds)


def image_variance(per_image: Floats) -> float:
    """Sampling variance of a mean over images.

    Four more squares than there are: where no image differs, the interval ends at 3.9 / n, near the "rule of
    three" (3.7 / n at 95 %, two sides), and with thousands of images they are not felt.
    """
    return float((((per_image - per_image.mean()) ** 2).sum() + 4) / per_image.size**2)


def p_value(difference: ArrayLike, image_variance: ArrayLike, *spreads: tuple[Floats, int]) -> Floats:
    """Chance of a deviation at least as large as `difference` (...,) if there is none in truth.

    `spreads` has for each group the weights (..., spreads) of `weigh` and its seeds: the normal tail is
    averaged over all spreads that the groups may have.
    """
    variance, weights = np.zeros(1), np.ones(1)
    for posterior, seeds in spreads:
        variance = np.add.outer(variance, SPREADS**2 / seeds).ravel()
        weights = (weights[..., :, None] * posterior[..., None, :]).reshape(*posterior.shape[:-1], -1)
    deviation = np.abs(np.asarray(difference, dtype=np.float64))[..., None]
    variance = variance + np.asarray(image_variance)[..., None]
    return np.minimum(1.0, (weights * erfc(deviation / np.sqrt(2 * variance))).sum(axis=-1))


def half_width(image_variance: float, *spreads: tuple[Floats, int]) -> float:
    """Half of the 95 % interval: the deviation whose p is 0.05."""
    widest = np.sqrt(image_variance + sum(SPREADS[-1] ** 2 / seeds for _, seeds in spreads))
    return float(brentq(lambda x: float(p_value(x, image_variance, *spreads)) - (1 - CONFIDENCE), 0, 4 * widest))


def learn_spread(groups: Iterable[Seeds]) -> Spread:
    """Learn the spread between seeds from groups that were trained several times, to judge others that were not.

    Parameters
    ----------
    groups : lists of bool (n_images,)
        One list a group, one array a seed. Those of one seed say nothing and are passed over.

    Returns
    -------
    Spread
        For the argument `spread` of the other functions.

    Raises
    ------
    ValueError
        If no group has two seeds.
    """
    arms = [summarize(group) for group in groups if len(group) > 1]
    if not arms:
        raise ValueError("the spread between seeds cannot be learned without a group of two seeds or more")
    variance, noise, seeds = (np.array([getattr(arm, name) for arm in arms]) for name in ("variance", "noise", "seeds"))
    evidence = np.log(_explain(variance, noise, seeds) @ HYPOTHESES.T + 1e-300).sum(axis=0)
    return Spread(_unknown(seeds).log_weights + evidence, len(arms))
