"""Sentences on the parts of an image: which part tells classes apart, and which a net uses (06)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fmnist_utils.analysis.compare import Estimate
from fmnist_utils.basics.text import md, percent
from fmnist_utils.sentences.words import listing, plainly


def densest(
    parts: Mapping[str, tuple[float, float]], whole: str, of: str = "the pixels", size: str = "its size"
) -> str:
    """Say which part of an image holds most of something for its size, and whether that is more than its size.

    Parameters
    ----------
    parts : {name: (share of `of`, share of `whole`)}
    whole : such as ``"the difference"``
    of, size : what a part is large by, and the words for how large it is
    """
    density = _densities(parts)
    best = max(density, key=lambda name: density[name])
    tied = [name for name in density if density[name] >= 0.99 * density[best]]  # a hundredth is no difference
    if len(tied) > 1:
        times = f"each about {density[best]:.1f} times as much as {size}"
        if len(tied) == len(parts):
            return f"none has more of {whole} for {size} than another: {times}"
        return f"**{listing(tied)}** have the most of {whole} for {size.replace('its', 'their')}, {times}"
    extent, share = parts[best]
    detail = f"**{md(best)}** has {percent(share, 1)} of {whole} on {percent(extent, 1)} of {of}"
    if share > extent:
        return f"{detail}, the most for {size}"
    return f"none of the parts has more of {whole} than {size}; {detail}, the most for {size}"


def _densities(parts: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Share of something for each part's share of the whole image; 0 for a part that is none of it."""
    return {name: share / size if size else 0.0 for name, (size, share) in parts.items()}


def beside_linear(used: Mapping[str, tuple[float, float]], told: Mapping[str, Estimate]) -> str:
    """Set what a net uses of each part, for its ink (`densest`), beside what the part tells a linear model.

    `told` has the same names. Where both have the same order nothing is at odds, and that is said.
    """
    nets = _ordered(_densities(used))
    linear = _ordered({name: estimate.mean for name, estimate in told.items()})
    if nets == linear:
        return f"What each part tells the linear model gives the same order: {linear}."
    return (
        f"From most to least, what the net uses of a part for its ink gives the order {nets}; what the part tells the "
        f"linear model above gives the order {linear}. The two are not the same question: the net has the whole image, "
        "and may use a part for what the others do not tell."
    )


def _ordered(values: Mapping[str, float]) -> str:
    """Name things from the greatest value to the least, those that differ by less than a hundredth together."""
    steps: list[list[str]] = []
    for name in sorted(values, key=lambda name: -values[name]):
        if steps and values[name] >= 0.99 * values[steps[-1][0]]:
            steps[-1].append(name)
        else:
            steps.append([name])
    return ", then ".join(listing(step) for step in steps)


def tells_apart(pair: Sequence[str], reached: Mapping[str, Estimate], best: str, commoner: float = 0.0) -> str:
    """Say in plain text how well a linear model tells two classes apart from the part `best`, and from each other part.

    It names numbers alone; which part is measurably ahead is what `leader` says. Nothing is said without an image.
    Where no part is measurably above `commoner`, what always naming the commoner of the two reaches, that is said.
    """
    others = [f"{percent(value.mean, 0)} from the {name}" for name, value in reached.items() if name != best]
    if np.isnan(reached[best].mean):
        return f"there is no test image of {plainly(pair)}"
    if len(_no_better(reached, commoner)) == len(reached):
        return (
            f"from no part does a linear model tell {plainly(pair)} apart measurably better than always naming the "
            f"commoner of the two, which is right for {percent(commoner, 0)} of their images"
        )
    return (
        f"a linear model tells {plainly(pair)} apart in {percent(reached[best].mean, 0)} of their images from the "
        f"{best}{f', in {plainly(others)}' if others else ''}"
    )


def _no_better(reached: Mapping[str, Estimate], line: float) -> list[str]:
    return [name for name, value in reached.items() if not value.low > line]


def no_better(reached: Mapping[str, Estimate], commoner: float) -> str:
    """Say which parts tell no more than always naming the commoner of two classes; "" if all do, measurably.

    `commoner` is what that reaches, a share.
    """
    level = _no_better(reached, commoner)
    if not level or all(np.isnan(value.mean) for value in reached.values()):
        return ""
    told = f"{listing(level)} {'is' if len(level) == 1 else 'are'}"
    return (
        f"Always naming the commoner of the two is right for {percent(commoner, 1)}; {told} not measurably above that, "
        "so nothing is shown of what tells the classes apart there."
    )


def alike_below(level: float) -> str:
    """Say where the threshold of near-duplicates is from, on data that are not Fashion-MNIST's."""
    return (
        f"The threshold of {level:g} grey levels was chosen by eye on Fashion-MNIST. On these data, images below it "
        "are similar pictures, and not proven to show the same thing."
    )
