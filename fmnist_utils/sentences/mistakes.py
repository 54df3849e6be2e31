"""Sentences on mistakes: which classes are mixed up, what all seeds share, whose labels are in doubt (06)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import unescape

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fmnist_utils.analysis.compare import Comparison, Estimate, level
from fmnist_utils.basics.text import counted, interval, md, mean_count, percent
from fmnist_utils.sentences.changes import effect
from fmnist_utils.sentences.words import (
    are,
    first_capital,
    how_many,
    joined,
    listing,
    plainly,
    ranges,
    shown,
    some,
)


def majority(share: Estimate, part: str = "", whole: str = "mistakes") -> str:
    """Say what share of all `whole` a `part` is, and whether that is most of them.

    "most" is said where the whole interval lies above one half, "less than half" where it lies below.
    `part` is Markdown, or left out; `share` is NaN where there is no `whole` at all.
    """
    if np.isnan(share.mean):
        return f"there are no {whole}"
    words = {
        "shown": ", which is most of them",
        "contradicted": ", which is less than half of them",
        "not shown": "; whether that is most of them cannot be told",
        "cannot be judged": "",  # the estimate says so itself
    }
    said = f"{part}{': ' if part else ''}{share} of all {whole}"
    if share.mean in (0, 1):
        return f"{said}, that is {'all' if share.mean else 'none'} of them"
    return f"{said}{words[shown(share.low, share.high, 0.5)]}"


ONE_PAIR = "every mistake takes one of the two classes for the other"


def mixed_most(pairs: Mapping[tuple[str, str], Estimate]) -> str:
    """Name the pair of classes that is mixed up most and its share of all mistakes, or all pairs that tie.

    `pairs` is of `metrics.confused_pairs`. Markdown, without a capital or a full stop.
    """
    share = next(iter(pairs.values()))
    if np.isnan(share.mean):
        return majority(share)
    if len(pairs) == 1:
        return ONE_PAIR
    first = [pair for pair, other in pairs.items() if level(other.mean, share.mean)]
    if len(first) > 1:
        return f"mixed up most, equally often: **{_pairs(first)}**, each {percent(share.mean, 1)} of all mistakes"
    return f"mixed up most are **{listing(next(iter(pairs)))}**: {majority(share)}"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Name pairs of classes, the first four of many."""
    return joined([" / ".join(map(md, pair)) for pair in pairs], most=4)


def most_involved(ends: Mapping[str, Estimate]) -> str:
    """Say which class is the label or the prediction of most mistakes; all that tie are named.

    `ends` has each class's share of all mistakes. Of two classes both have all, which says nothing of either.
    """
    best = max(ends.values(), key=lambda share: share.mean)
    if np.isnan(best.mean):
        return majority(best)
    if len(ends) == 2:
        return ONE_PAIR
    first = [name for name, share in ends.items() if level(share.mean, best.mean)]
    if len(first) > 1:
        return f"**{some(first)}** as label or prediction: {percent(best.mean, 1)} of all mistakes each"
    return majority(best, f"**{md(first[0])}** as label or prediction")


def as_often(pairs: Mapping[tuple[str, str], Estimate], pair: tuple[str, str]) -> str:
    """Name, in Markdown, the other pairs that have as many mistakes as `pair`; "" where there are none.

    `pairs` is of `metrics.confused_pairs`.
    """
    own = pairs[pair].mean if pair in pairs else 0.0  # it need not be one of the first
    others = [other for other, share in pairs.items() if other != pair and level(share.mean, own)]
    if not others or level(own, 0):
        return ""
    return f"Taken for each other just as often: {_pairs(others)}."


def in_short(
    pair: Sequence[str], share: Estimate, ends: Mapping[str, Estimate], doubtful: Estimate | None = None
) -> str:
    """Say in plain text, in whole sentences, what the mistakes are, without the intervals.

    Parameters
    ----------
    pair, share : two classes, and what share of all mistakes takes one of them for the other
    ends : as in `most_involved`
    doubtful : the share of all mistakes whose label is in doubt; None where doubts tell nothing
    """
    if np.isnan(share.mean):
        return f"{first_capital(majority(share))}."
    said = f"{first_capital(ONE_PAIR)}."
    if len(ends) > 2:
        most = max(value.mean for value in ends.values())
        first = [name for name, value in ends.items() if level(value.mean, most)]
        said = (
            f"Of all mistakes, {percent(share.mean, 1)} take {plainly(pair)} for each other, and {percent(most, 1)} "
            f"have {unescape(some(first))} as label or prediction{' each' if len(first) > 1 else ''}."
        )
    doubt = NO_JUDGES if doubtful is None else f"In {percent(doubtful.mean, 1)} of all mistakes the label is in doubt"
    return f"{said} {doubt}."


def shared_mistakes(wrong: NDArray[np.bool_], same: NDArray[np.bool_]) -> str:
    """Say how many mistakes all seeds make, against chance, and for how many of them all give the same wrong class.

    Parameters
    ----------
    wrong : bool (seeds, images)
    same : bool (images,), whether all seeds predict the same class

    "chance" is the number if each seed made as many mistakes as it does, independently of the others.
    """
    seeds, images = wrong.shape
    always, each = int(wrong.all(axis=0).sum()), float(wrong.sum(axis=1).mean())
    if seeds == 1:
        return f"The one seed gets {always:,} of {images:,} test images wrong; whether others would cannot be told."
    if not each:
        return f"No seed gets any of the {images:,} test images wrong."
    chance = wrong.mean(axis=1).prod() * images
    every = "both" if seeds == 2 else f"all {seeds}"
    start = (
        f"**{always:,} of {images:,} test images** ({percent(always / images)}) {are(always)} wrong for {every} seeds, "
        f"where {chance:,.1f} would be if the seeds erred independently: {percent(always / each, 1)} of the mistakes "
        "of a single seed."
    )
    if not always:
        return start
    agreed = int((wrong.all(axis=0) & same).sum())
    if always == 1:
        return f"{start} The seeds {'give' if agreed else 'do not all give'} the same wrong class for it."
    return f"{start} The seeds give the same wrong class for {f'{agreed:,}' if agreed else 'none'} of them."


def always_wrong(wrong: NDArray[np.bool_]) -> str:
    """Say in plain text how many test images every seed gets wrong; `wrong` is bool (seeds, images)."""
    seeds, images = wrong.shape
    always = int(wrong.all(axis=0).sum())
    every = f"every seed (of {seeds})" if seeds > 1 else "the one seed"
    return f"{always:,} of {counted(images, 'test image')} {are(always)} wrong for {every}."


def sure_mistakes(confidence: ArrayLike) -> str:
    """Say how sure the surest mistakes are; `confidence` (mistakes,) has one or more."""
    shares = np.asarray(confidence).tolist()
    subject = "This one is" if len(shares) == 1 else "These are"
    return f"{subject} made with a confidence of {ranges(shares, 0)}."


def repairs(name: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> str:
    """Say how many mistakes of a net something repairs and how many it makes, on average over the seeds.

    `before` and `after` are bool (seeds, images), whether a net is wrong without and with it.
    """
    changes = [float((one & ~other).sum(axis=1).mean()) for one, other in ((before, after), (after, before))]
    repaired, made = map(mean_count, changes)
    return f"**{md(name)}**: mistakes of a net repaired: {repaired}; new ones made: {made}."


def weaker(members: Sequence[float], own: float) -> str:
    """Say how many nets of a mean are less accurate by themselves than the nets whose mistakes are counted."""
    less = sum(value < own for value in members)
    which = f"{less} {are(less)}" if less else "none is"
    said = f"Of the {counted(len(members), 'net')} in this mean, {which} less accurate alone"
    return f"{said} than the nets of this notebook are on average ({percent(own)}), by six views each."


def averaging(gain: Comparison, seeds: int) -> str:
    """Say what the mean of the seeds' probabilities gains over a single seed.

    `gain` has the images' interval alone (`NO_SPREAD`), since the mean of these nets is one predictor: what the mean
    of other nets would gain is not in it, and the sentence says so.
    """
    if seeds == 1:
        return "There is one seed, so nothing can be averaged."
    return (
        f"Averaging the probabilities of the {seeds} nets {effect(gain)} against one of them on average. The average "
        "is one predictor, so this interval covers another test sample only, not other nets."
    )


def wrong_for(missed: NDArray[np.bool_]) -> str:
    """Say how many test images some nets, and all of them, get wrong; `missed` is bool (nets, images)."""
    some, every = int(missed.any(axis=0).sum()), int(missed.all(axis=0).sum())
    start = f"Of {counted(missed.shape[1], 'test image')}"
    if len(missed) == 1:
        return f"{start} {some:,} {are(some)} wrong for it."
    return f"{start} {some:,} {are(some)} wrong for one net or more, {every:,} for all of them."


def doubted(suspected: pd.DataFrame, part: str) -> str:
    """Say how many labels of a part are in doubt (`doubts.suspects`), and which doubt is the most frequent."""
    doubtful = suspected[suspected["doubtful"]]
    count = (
        f"Of {len(suspected):,} {md(part)} labels, **{len(doubtful):,}** ({percent(len(doubtful) / len(suspected))})"
    )
    if doubtful.empty:
        return f"{count} are in doubt."
    pairs = pd.Series(list(zip(doubtful["label"], doubtful["suggestion"], strict=True)), dtype=object).value_counts()
    start = f"{count} {are(len(doubtful))} in doubt"
    first = pairs[pairs == pairs.max()].index.tolist()
    if len(first) == len(doubtful) > 1:
        return f"{start}; no two of them have the same label and the same suggestion."
    looks = [f"an image labelled {md(label)} looks like {md(suggestion)}" for label, suggestion in first]
    if len(pairs) == 1:
        return f"{start}: {looks[0]}."
    often = f"most often ({pairs.max():,}{' each' if len(first) > 1 else ''}) {joined(looks, most=4)}"
    return f"{start}; {often}."


def judges(tested: Estimate, held_out: float, commonest: float, usable: bool) -> str:
    """Say how good the nets are that judge the labels, and why their doubts tell nothing where they are not `usable`.

    Parameters
    ----------
    tested : their accuracy on the test images, one net a fold
    held_out : share of the training images that are told right by the judge that has not seen them
    commonest, usable : share of the most frequent label, and the verdict, as in `doubts.usable`
    """
    alone = f"{percent(tested.mean)}{f' ± {tested.margin}' if tested.margin else ''}"  # its seeds are folds here
    if tested.is_cut:
        alone = f"{percent(tested.mean)} ({interval(tested.low, tested.high)})"
    said = (
        f"The {tested.n} nets that judge are right on {alone} of the test images, each by itself, and on "
        f"{percent(held_out, 1)} of the training images, each judged by a net that has not seen it."
    )
    if usable:
        return said
    why = "where they doubt a test label, the nets of this notebook side with the label more often than with the doubt"
    if not tested.low > commonest:
        why = (
            f"that is not measurably more than always naming the most frequent label reaches ({percent(commonest, 1)})"
        )
    return f"{said} **These doubts tell nothing of the labels**: {why}."


NO_JUDGES = "Which labels are wrong cannot be told: the nets that judge them are not good enough"


def corrected(n: int, accuracy: Estimate, as_given: Estimate) -> str:
    """Say how accurate nets would be if their `n` doubtful test labels were what `doubts.suspects` suggests.

    The estimate is worth something where the doubts are (`doubts.usable`).
    """
    if not n:
        return "No test label is in doubt, so none is corrected."
    return (
        f"With {counted(n, 'doubtful test label')} replaced by what the nets that doubt suggest, the accuracy would be "
        f"**{accuracy}**; with the labels of the files it is {as_given}."
    )


def recalled(found: pd.Series, known: int) -> str:
    """Say how many of the `known` wrong labels are among the first in doubt, and among all of them (`doubts.found`)."""
    if not found.index[-1]:
        return f"Of {counted(known, 'label')} that others have shown to be wrong, none is in doubt here: no label is."
    said = [f"{count or 'none'} {'are' if count > 1 else 'is'} among the first {n:,}" for n, count in found.items()]
    said[-1] = said[-1].replace("among the first", "among all")
    return f"Of {counted(known, 'label')} that others have shown to be wrong, {joined(said)} that are in doubt here."


def resembles(labels: ArrayLike, predictions: ArrayLike, borne: ArrayLike) -> str:
    """Say which class the nearest training images bear: of the mistakes of one net, and of its right answers.

    Parameters
    ----------
    labels, predictions : int (images,), of the test images
    borne : int (images,), the labels of their nearest training images
    """
    truth, answer, nearest = (np.asarray(values) for values in (labels, predictions, borne))
    wrong = truth != answer
    if not wrong.any():
        return "This net makes no mistake."
    mistakes = f"the {counted(int(wrong.sum()), 'mistake')}" if wrong.sum() > 1 else "the one mistake"
    as_answer, as_label = (float((nearest == values)[wrong].mean()) for values in (answer, truth))
    right = ""
    if not wrong.all():
        same = percent(float((nearest == truth)[~wrong].mean()), 1)
        right = f" Of its right answers, the nearest training image bears the same class in {same}."
    return (
        f"Of {mistakes} of this net, the nearest training image bears the class that "
        f"it answers in **{percent(as_answer, 1)}**, and the label of the test image in {percent(as_label, 1)}.{right}"
    )


def same_nearest(by_pixels: ArrayLike, by_features: ArrayLike) -> str:
    """Say for how many images the nearest one by pixels is the nearest one by features, too."""
    same = np.asarray(by_pixels) == np.asarray(by_features)
    if len(same) == 1:
        return f"By pixels and by features the nearest training image is {'the same' if same[0] else 'another one'}."
    images = how_many(int(same.sum()), len(same), "test image")
    return f"By pixels and by features the nearest training image is the same for {images}."
