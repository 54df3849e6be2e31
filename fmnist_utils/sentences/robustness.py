"""Sentences on disturbed images: what is left of an accuracy, and which augmentation protects (06)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fmnist_utils.analysis.compare import CANNOT_BE_JUDGED, Estimate
from fmnist_utils.basics.text import counted, md, percent
from fmnist_utils.sentences.changes import sized, unjudged, why_not
from fmnist_utils.sentences.words import joined, listing

UNTAUGHT = (
    "There are no finished runs of notebook 03 on these data whose nets could be asked: "
    'the command that made this report, with `ONLY="03 06"`, trains them, and then asks.'
)


def unmeasured(left_out: Mapping[str, int]) -> str:
    """Say which runs are not in a table since nothing is known of them (`Robustness.left_out`); "" if all are."""
    if not left_out:
        return ""
    runs = joined([f"{counted(number, 'run')} of {md(name)}" for name, number in left_out.items()])
    return f"Left out, since neither their weights nor what their nets said is stored: {runs}."


def hurts(name: str, undisturbed: Estimate, strongest: Mapping[str, Estimate]) -> str:
    """Say what is left of an accuracy under the strongest of each kind of disturbance, which are no ranking.

    That one seed cannot be judged is said once.
    """
    alone = all(np.isnan(value.low) for value in (undisturbed, *strongest.values()))
    whole, *parts = (percent(value.mean) if alone else str(value) for value in (undisturbed, *strongest.values()))
    left = "; ".join(f"{md(kind)} {part}" for kind, part in zip(strongest, parts, strict=True))
    who = f"**{md(name)}**{f' ({CANNOT_BE_JUDGED})' if alone else ''}"
    return f"{who}: {whole} on the test images as they are. At the strongest of each kind: {left}."


def protection(table: pd.DataFrame, undisturbed: str = "as they are") -> str:
    """Say which augmentation protects against each disturbance (`Robustness.gains`), by the corrected verdicts.

    Of several the one with the highest mean is named, which need not be measurably ahead of the others.
    `undisturbed` is the part of the images as they are, which is no disturbance.
    """
    if unjudged(table):
        return f"What protects cannot be judged {why_not(table, 'augmentation', '')}."
    said, bare = [], []
    for part in table.index.unique("part"):
        helping = table[(table.index.get_level_values("part") == part) & (table["verdict"] == "better")]
        if part == undisturbed:
            continue
        if helping.empty:
            bare.append(part)
        else:
            best = helping.sort_values("difference").iloc[-1]
            said.append(f"{md(part)}, **{md(best.name[0])}** {sized(best)}")
    start = "Of the augmentations that protect measurably, these have the highest mean (not compared with the others)"
    most = f"{start}: against {'; against '.join(said)}. " if said else ""
    return f"{most}Against {listing(bare)} none protects measurably." if bare else most.rstrip()
