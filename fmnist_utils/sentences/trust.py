"""Sentences on how far a net is to be trusted: its confidence, and pictures that belong to no class (06)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fmnist_utils.analysis.compare import Comparison, Estimate, level
from fmnist_utils.basics.text import counted, md, percent
from fmnist_utils.sentences.words import how_many, joined, listing, ranges, tenth


def lean(change: Comparison) -> str:
    """Say whether confidence (first side of `change`) lies above accuracy (second): over- or underconfident."""
    if np.isnan(change.low):
        return f"its confidence differs from its accuracy by {change}"
    words = {"better": "it is overconfident", "worse": "it is underconfident"}
    return f"{words.get(change.verdict, 'it is neither over- nor underconfident, measurably')}: {change}"


def temperatures(
    degrees: Sequence[float], plain: Sequence[float], fitted: Sequence[float], ends: tuple[float, float]
) -> str:
    """Say the fitted temperatures of some nets, and their ECE before and after.

    A fit that ran to one of the `ends` of its search (`metrics.TEMPERATURES`) found none: that is said of those nets.
    """
    low, high = ends
    surer = [net for net, value in enumerate(degrees) if value <= 1.01 * low]
    less = [net for net, value in enumerate(degrees) if value >= high / 1.01]
    said = []
    if found := [net for net in range(len(degrees)) if net not in (*surer, *less)]:
        nets = counted(len(found), "net")
        if len(found) < len(degrees):
            nets += f" that {'has' if len(found) == 1 else 'have'} one"
        first, last = f"{min(degrees[net] for net in found):.2f}", f"{max(degrees[net] for net in found):.2f}"
        before, after = (ranges([values[net] for net in found], over="the nets") for values in (plain, fitted))
        said.append(
            f"The temperature of the {nets} is {first if first == last else f'{first} to {last}'}; below 1 a net was "
            f"not sure enough, above 1 too sure. Their ECE on the test images is {before} before and {after} after."
        )
    for end, astray, why in (
        (f"{low:.2f}", surer, "the surer the answers, the better they fit the images that were held out"),
        (f"{high:.0f}", less, "the less sure the answers, the better, as where they are no better than guessing"),
    ):
        if astray:
            which = how_many(len(astray), len(degrees), "net")
            said.append(f"For {which} the fit ran to the end of its search, {end}, and found no temperature: {why}.")
    return " ".join(said)


def answered(coverages: Sequence[float], accuracy: float) -> str:
    """Say how many of the images nets answer if they may leave out the least certain (`metrics.coverage_at`).

    In whole percents: the order of almost equally sure answers is that of their rounding.
    """
    share = ranges(coverages, 0, over="the seeds")
    return f"at an accuracy of {percent(accuracy, 0)} a net answers **{share}** of the images"


def surest_tenths(first: Estimate, second: Estimate, more: Comparison, part: float = 0.1) -> str:
    """Say how often a net is right on the surest tenth of the images, and on the next (`trust.tenths`).

    `part` is the share that such a tenth has, which is another one of few images; `more` is by how much the share of
    mistakes is higher in the first. Where the surest answers are right less often, that is said with what may explain
    it, and whether it is measurable.
    """
    if np.isnan(first.mean + second.mean):
        return "There are too few test images to compare the surest tenth with the next."
    said = f"On the surest {tenth(part)} of the images a net is right on {first}, on the next on {second}"
    if first.mean >= second.mean:
        return f"{said}."
    word = "measurably" if more.verdict == "better" else "though not measurably"
    return (
        f"{said}: less often where it is surer{'' if np.isnan(more.low) else f', {word}'}. It may be that the order "
        "says little among answers that are all sure, or that some of these labels are wrong; neither is tested here."
    )


def weightless(name: str) -> str:
    """Say that a section needs a net and there is none: only records of runs are here, without their weights."""
    return (
        f"No run of {md(name)} and no published one has its weights here, so this section is left out; runs that are "
        "trained on this machine have them (the same command with `RETRAIN=1 ONLY=06` trains these anew)."
    )


def looked_into(label: str) -> str:
    """Say which net sections look into that need one."""
    return f"The net that this and later sections look into is **{md(label)}**, the first whose weights are here."


MADE_ELSEWHERE = (
    "The remarks and claims of the projects are about Fashion-MNIST. What is judged here is whether the same holds on "
    "these data, which neither confirms nor refutes them."
)
# What is only said of data that are not Fashion-MNIST's.
MIRRORED = (
    "All recipes but *digits* show mirrored training images to the net, and ask it about mirrored test images, too. "
    "Where the mirror image of a class is another class, as with some letters, digits and directions, that alone can "
    "make mistakes."
)
MAY_BELONG = (
    "These pictures were chosen for clothes. Whether one of these kinds belongs to a class of these data after all, as "
    "digits, noise or negatives may, is for you to judge."
)


def strangest(table: pd.DataFrame) -> str:
    """Say of which pictures of no class a net is surest, and of which least (`trust.beside`, the surest first)."""

    def half(kind: Any) -> str:
        sure, less = (percent(float(table.loc[kind, column]), 1) for column in ("confidence", "less sure"))
        if sure == "100.0 %":
            return f"half of them get more than 99.9 %, while {less} of the test images get less"
        return f"half of them get {sure} or more, which {less} of the test images do not reach"

    first, last = table.index[0], table.index[-1]
    if first != last and level(table.loc[first, "confidence"], table.loc[last, "confidence"]):
        return f"Of these pictures the net is no surer of one kind than of another: {half(first)}."
    said = f"Of these pictures the net is surest of **{md(first)}**: {half(first)}."
    return said if first == last else f"{said} It is least sure of **{md(last)}**: {half(last)}."


def told_apart(table: pd.DataFrame, enough: float = 0.9) -> str:
    """Say from which pictures of no class the confidence tells test images apart (`trust.beside`).

    It does where a test image is the surer one of the two in a share of at least `enough` of all pairs; where it is in
    less than half, the share is given.
    """
    known = [kind for kind, value in table["told apart"].items() if value >= enough]
    fooling = [f"{md(kind)} in {percent(value, 1)}" for kind, value in table["told apart"].items() if value < 0.5]
    pairs = f"at least {percent(enough, 0)} of all pairs"
    start = f"The net is surer of a test image than of a picture of this kind in {pairs} for {listing(known)}"
    return f"{start}; for {joined(fooling)} of the pairs only." if fooling else f"{start}."
