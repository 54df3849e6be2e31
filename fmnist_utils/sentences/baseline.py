"""Sentences on one recipe by itself: does it learn, overfit, and which class is hardest (02)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fmnist_utils.analysis.compare import Comparison, Estimate, level
from fmnist_utils.basics.text import counted, md, mean_count, percent
from fmnist_utils.sentences.words import how_many, listing, some


def learns(histories: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """Say whether runs learn and whether they still do, from the rows of their epochs (`Run.history`).

    The validation loss "still falls" if it is lowest after the last epoch in every run; runs where it was as low, or
    lower, before are counted. After one epoch, or without validation images, nothing is said of it.
    """
    first, last = (float(np.mean([history[i]["train_loss"] for history in histories])) for i in (0, -1))
    if len(histories[0]) == 1:
        return f"The training loss is {last:.3f} in the one epoch; it takes two to see a course."
    course = f"The training loss goes from {first:.3f} in the first epoch to {last:.3f} in the last."
    losses = [[row["validation_loss"] for row in history] for history in histories]
    if losses[0][0] is None:
        return course
    early = sum(min(loss[:-1], default=np.inf) <= loss[-1] for loss in losses)
    if early == 0:
        return f"{course} The validation loss still falls: it is lowest after the last epoch of every run."
    stopped = f"In {how_many(early, len(losses), 'run')} the validation loss has stopped falling"
    return f"{course} {stopped}: it was as low, or lower, before the last epoch."


def wrongly(accuracy: float, images: int, seeds: int) -> str:
    """Say how many of the test images a net classifies wrongly, on average over the seeds."""
    net = "On average a net" if seeds > 1 else "The net"
    return f"{net} classifies {mean_count(images * (1 - accuracy))} of {counted(images, 'test image')} wrongly."


def overfits(gap: Comparison) -> str:
    """Say whether nets are better on their training images than on test images; `gap` was compared with 0."""
    start = f"Training accuracy less test accuracy is {gap}"
    words = {
        "better": "a measurable gap, so part of what was learned holds for the training images alone",
        "worse": "the training images are the harder ones",
        "no measurable difference": "no measurable gap between the two",
    }
    return f"{start}." if np.isnan(gap.low) else f"{start}: {words[gap.verdict]}."


def hardest(recalls: Mapping[str, Estimate]) -> str:
    """Say which class is found least and which most; "the hardest" is one whose interval overlaps no other's.

    Overlapping intervals are no proof of the contrary, so of those that overlap nothing is said but that.
    """
    if not recalls:
        return "No class has a test image."
    rows = sorted(recalls, key=lambda name: recalls[name].mean)
    if len(rows) == 1:
        return f"Only {md(rows[0])} has test images; it is found in {recalls[rows[0]]} of them."
    least, most = rows[0], rows[-1]
    first, last = ([name for name in rows if level(recalls[name].mean, recalls[end].mean)] for end in (least, most))
    if len(first) == len(rows):
        return f"No class is harder than another: each is found in {percent(recalls[least].mean)} of its images."
    ends = [
        f"{some(names)}, {f'{percent(recalls[names[0]].mean)} each' if len(names) > 1 else recalls[names[0]]}"
        for names in (first, last)
    ]
    said = f"Recall is lowest for {ends[0]}; it is highest for {ends[1]}."
    if np.isnan(recalls[least].low) or len(first) > 1:
        return said
    low = [name for name in rows if recalls[name].low <= recalls[least].high]
    if len(low) == 1:
        return f"**{md(least)}** is the hardest class. {said}"
    others = "all others" if len(low) == len(rows) > 2 else listing(low[1:])
    overlap = f"the interval of {others} overlaps" if len(low) == 2 else f"the intervals of {others} overlap"
    return f"{said} Whether {md(least)} is the hardest class cannot be told: {overlap} its own."


def confident(excess: Comparison) -> str:
    """Say whether nets are too sure of themselves; `excess`, confidence less correctness, was compared with 0."""
    start = f"Confidence less accuracy is {excess} on average"
    words = {
        "better": "overconfident",
        "worse": "underconfident",
        "no measurable difference": "neither over- nor underconfident, as far as can be measured",
    }
    return f"{start}." if np.isnan(excess.low) else f"{start}: {words[excess.verdict]}."
