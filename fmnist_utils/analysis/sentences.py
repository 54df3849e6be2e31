"""Sentences that follow from numbers: the words for how many, how much and which way, each with its condition.

Notebooks say nothing about a result but through these functions, so a word cannot disagree with its number.
Names (of classes, models, changes) are escaped for Markdown where they are put into a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import erfc, ndtri
from scipy.stats import ttest_ind

from fmnist_utils.analysis.compare import CANNOT_BE_JUDGED, Comparison, Estimate, level, lost_by_correction, reaches
from fmnist_utils.analysis.compare import corrected as holm_verdicts
from fmnist_utils.analysis.spread import CONFIDENCE
from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.text import counted, interval, md, number, percent, points, public_names, span

# What a verdict says of a change that was made.
CORRECTED = " when corrected for all comparisons of the table"
EFFECTS = {"better": "helps", "worse": "hurts", "no measurable difference": "makes no measurable difference"}


def listing(names: Iterable[object], none: str = "none of them") -> str:
    """Join names as prose does: ``"a"``, ``"a and b"``, ``"a, b and c"``; `none` for no names."""
    return _listed([md(name) for name in names]) or none


def _some(names: Sequence[object], most: int = 6) -> str:
    """Join names as `listing` does, the first of very many."""
    rest = len(names) - most
    return listing(names) if rest < 2 else f"{', '.join(map(md, names[:most]))} and {rest} others"


def _listed(said: list[str]) -> str:
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else "".join(said)


def how_many(part: int, whole: int, thing: str) -> str:
    """Say how many of some things something holds for: ``"most of the 12 changes (8)"``.

    "all" ("both") and "none" are exact; "nearly all" is nine tenths or more, "most" more than half, "half" exactly
    half, "few" a tenth or less, and "some" the rest. One thing of a few is "one", and needs no number behind it.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no part of them")
    if whole == 0:
        return f"no {thing}s"
    things = f"the {counted(whole, thing)}"
    if whole == 1:
        return f"the one {thing}" if part else f"not the one {thing}"
    if part in (0, whole):
        every = f"both {thing}s" if whole == 2 else f"all {counted(whole, thing)}"
        return every if part else f"none of {things}"
    if part == 1:
        return f"one of {things}"
    word = "some"
    if 10 * part >= 9 * whole:
        word = "nearly all"
    elif 2 * part >= whole:
        word = "half" if 2 * part == whole else "most"
    elif 10 * part <= whole:
        word = "few"
    return f"{word} of {things} ({part})"


def largest(counts: Mapping[str, int] | pd.Series, things: str) -> str:
    """Name the most frequent kind and its share: ``"most of the 725 images are Shirt (400)"`` only if they are."""
    series = pd.Series(counts, dtype=int)
    total = int(series.sum())
    if total == 0:
        return f"there are no {things}"
    best = int(series.max())
    first = [name for name, count in series.items() if count == best]
    if len(first) > 1:
        most = "equally frequent" if best * len(first) == total else "most frequent, and equally so,"
        return f"{most} among the {total:,} {things} are {_some(first)} ({best:,} each)"
    if best == total:
        return (
            f"{'both' if total == 2 else f'all {total:,}'} {things} are {md(first[0])}"
            if total > 1
            else f"the only one of the {things} is {md(first[0])}"
        )
    if 2 * best > total:
        return f"most of the {total:,} {things} are {md(first[0])} ({best:,})"
    return f"the most frequent of the {total:,} {things} is {md(first[0])} ({best:,}, {percent(best / total, 0)})"


def verdicts(table: pd.DataFrame, reference: str, thing: str = "change", budget: str = "") -> str:
    """Say what a table of comparisons found, in sentences.

    Parameters
    ----------
    table : as `compare` returns it: difference, low, high, verdict; one row a `thing`
    reference : what all rows are compared with
    thing : what a row is, in the singular
    budget : what the answer holds for, such as ``"with 5,000 images and 3 epochs"``

    Returns
    -------
    Markdown; the words are those of the corrected verdicts, the intervals the plain ones of each row; rows that are
    `paired` are named
    """
    n = len(table)
    if "low" not in table:
        raise UserError("verdicts are made from a table of `compare`, not from one that is written for people")
    if n == 0:
        return f"No {thing} was compared with {md(reference)}."
    if table["low"].isna().all():
        return f"With one seed each, {counted(n, thing)} cannot be judged against {md(reference)}."
    rows = table.sort_values("difference", ascending=False)
    groups = {verdict: rows[rows["verdict"] == verdict] for verdict in EFFECTS}
    said = []
    for verdict, word in (("better", "better"), ("worse", "worse")):
        part = groups[verdict] if verdict == "better" else groups[verdict][::-1]
        effects = "; ".join(f"**{md(name)}** {_effect(row)}" for name, row in part.iterrows())
        said.append(f"{_count(len(part))} measurably {word}" + (f": {effects}" if effects else ""))
    start = f"Against {md(reference)}{f' {budget}' if budget else ''}, "
    if n == 1:
        [(name, row)] = rows.iterrows()
        words = {"better": "is measurably better", "worse": "is measurably worse"}
        does = words.get(row["verdict"], "makes no measurable difference")
        does += CORRECTED if lost_by_correction(row["verdict"], row["low"], row["high"]) else ""
        return f"{start}**{md(name)}** {does}: {_effect(row)}.{_seed_by_seed(rows, reference)}"
    start += f"of {counted(n, thing)}: "
    same = len(groups["no measurable difference"])
    rest = "this one makes" if same == 1 else "they make"
    last = ""
    if same == n:
        last = f" So far none of them can be told from {md(reference)}."
    elif same:
        names = listing(groups["no measurable difference"].index)
        last = f" {names}: {rest} no measurable difference."
    return f"{start}{said[0]}. {first_capital(said[1])}.{last}{_seed_by_seed(rows, reference)}"


def _seed_by_seed(rows: pd.DataFrame, reference: str) -> str:
    """Say of which rows the trainings are the reference's own (`paired`); "" if of none."""
    names = list(rows.index[rows["paired"]]) if "paired" in rows else []
    if not names:
        return ""
    its, it = ("its", "it is") if len(names) == 1 else ("their", "they are")
    return (
        f" {listing(names)}: {its} trainings are those of {md(reference)}, at most read out in another way, so {it} "
        "compared with them seed by seed."
    )


def _count(n: int) -> str:
    return {0: "none is", 1: "one is"}.get(n, f"{n} are")


def first_capital(text: str) -> str:
    """Write a sentence that others begin with a small letter with a capital."""
    return text[:1].upper() + text[1:]


def _effect(row: pd.Series) -> str:
    return f"{points(row['difference'])} ({interval(row['low'], row['high'], signed=True)})"


def found(table: pd.DataFrame, reference: str, thing: str = "change", budget: str = "") -> list[str]:
    """Say in a line for each verdict what a table of comparisons found: names and sizes, the greatest effect first.

    Parameters are those of `verdicts`, which gives the intervals, too.
    """
    head = f"Of {counted(len(table), thing)} of {md(reference)}{f' {budget}' if budget else ''}, "
    if table["low"].isna().all():
        return [f"{head}none can be judged"]
    lines = []
    for verdict in EFFECTS:
        part = table[table["verdict"] == verdict]
        part = part.loc[part["difference"].abs().sort_values(ascending=False, kind="stable").index]
        sizes = [f"{md(name)} ({points(value)})" for name, value in part["difference"].items()]
        if verdict == "no measurable difference":
            count = {0: "none makes", 1: "one makes"}.get(len(part), f"{len(part)} make")
        else:
            count = f"{_count(len(part))} measurably"
        lines.append(f"{count} {verdict}{': ' if sizes else ''}{_listed(sizes)}")
    return [head + lines[0], *map(first_capital, lines[1:])]


def tally(table: pd.DataFrame, thing: str = "change") -> str:
    """Count a table's verdicts: ``"of 9 changes, none is measurably better and 2 are measurably worse (…)"``."""
    if table["low"].isna().all():
        return f"{counted(len(table), thing)}, {CANNOT_BE_JUDGED}" if len(table) else f"no {thing}"
    better, worse = (int((table["verdict"] == verdict).sum()) for verdict in ("better", "worse"))
    low, high = points(table["difference"].min()), points(table["difference"].max())
    changes = f"changes of {low.partition(' ')[0]} to {high}" if len(table) > 1 else f"a change of {low}"
    counts = f"{_count(better)} measurably better and {_count(worse)} measurably worse"
    return f"of {counted(len(table), thing)}, {counts} ({changes})"


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def where(value: float, low: float, high: float) -> str:
    """Say where a number lies: ``"lies in the interval"``, its ends included, or above or below it."""
    if value > high:
        return "lies above the interval"
    return "lies below the interval" if value < low else "lies in the interval"


def seeds(numbers: Sequence[int], borrowed: bool = False) -> str:
    """Say how many experiments have several seeds, by the number of each; and if any single one borrows its spread."""
    several = sum(n > 1 for n in numbers)
    if not numbers:
        return "There is no experiment."
    if several == len(numbers):
        return "Each has several seeds."
    said = f"Several seeds stand behind {how_many(several, len(numbers), 'experiment')}" if several else ""
    lenders = "those on the same data, and about as many images, that have several"
    rest = f"a single seed borrows the spread between seeds from {lenders}" if borrowed else ""
    return f"{first_capital('; '.join(filter(None, [said or 'none has several seeds', rest])))}."


# The words that claims are judged with, the best news first.
CLAIM_VERDICTS = (
    "reached", "shown", "within reach", "not shown", "not reached", "contradicted", "cannot be judged", "not yet run",
)  # fmt: skip


def claims(judged: Iterable[str], whose: str = "", twice: int = 0) -> str:
    """Count the verdicts of claims: ``"Of 31 claims, 12 are reached, one is shown and 8 are not yet run."``.

    `twice` of them are tried by two protocols and count twice, which is said.
    """
    words = list(judged)
    unknown = set(words) - set(CLAIM_VERDICTS)
    if unknown:
        raise ValueError(f"{unknown} are no verdicts of claims")
    if not words:
        return "There is no claim."
    counts = {word: words.count(word) for word in CLAIM_VERDICTS if word in words}
    said = []
    for word, n in counts.items():
        verb = "" if word.startswith("cannot") else "is " if n == 1 else "are "
        said.append(f"{'one' if n == 1 else n} {verb}{word}")
    verb = "counts" if twice == 1 else "count"
    again = f" {counted(twice, 'claim')} {verb} twice, tried in two ways." if twice else ""
    return f"Of {counted(len(words), 'claim')}{f' {whose}' if whose else ''}, {_listed(said)}.{again}"


def enough_seeds(power: pd.DataFrame, enough: float) -> str:
    """Say how many seeds find an effect often `enough` (a share), from a table of `metrics.power_table`."""
    said = []
    tried = [int(str(number)) for number in power.columns]
    for effect, row in power.sort_index(ascending=False).iterrows():
        finding = [number for number, share in zip(tried, row, strict=True) if share >= enough]
        number = counted(min(finding), "seed") if finding else f"more than {counted(max(tried), 'seed')}"
        said.append(f"one of {effect:g} {'point' if effect == 1 else 'points'} takes {number}")
    return f"To find a difference with a chance of {percent(enough, 0)} or more: {_listed(said)}."


def spreads(typical: Mapping[int, float], assumed: float) -> str:
    """Say how far seeds are typically apart by the number of training images, and where more than is `assumed`."""
    if not typical:
        return "How far seeds are apart is not known yet."
    said = [f"{number(value, 2)} points with {images:,} images" for images, value in typical.items()]
    more = [f"{images:,} images" for images, value in typical.items() if round(value, 4) > round(assumed, 4)]
    end = f": it takes more seeds than here with {_listed(more)}." if more else "."
    return f"In the published experiments the spread is typically {_listed(said)}{end}"


def size(name: str, parameters: int, accuracy: Estimate, cost: str) -> str:
    """Say what a net reached and what it cost: ``"**best** (893,182 weights): 95.46 % ± 0.41; a training took …"``."""
    return f"**{md(name)}** ({parameters:,} weights): {accuracy}; a training took {cost}"


def effect(change: Comparison, verb: bool = True) -> str:
    """Say what one change does: ``"helps: +1.32 points (+0.51 to +2.13)"``."""
    if np.isnan(change.low):
        return f"{points(change.difference)}, {CANNOT_BE_JUDGED}"
    word = EFFECTS[change.verdict] if verb else change.verdict
    if lost_by_correction(change.verdict, change.low, change.high):
        word += CORRECTED
    return f"{word}: {change}"


def moved(before: Comparison, after: Comparison, move: Comparison, cause: str) -> str:
    """Say how an effect depends on something: `move` is the difference of the effects, `after` minus `before`.

    "Helps more" is said of an effect that helps both times, "turns from hurting to helping" only where both
    intervals say so; of an effect that cannot be told from zero, that it moves, and which way.
    """
    if np.isnan(move.low):
        return f"whether {cause} changes this cannot be judged with one seed"
    if move.verdict == "no measurable difference":
        return f"{cause} changes this by {move}: no measurable dependence"
    up = move.verdict == "better"
    if (after.difference > before.difference) != up:
        raise ValueError(f"a move is the effect after minus the effect before, not {move}")
    words = {
        ("better", "better"): "helps more" if up else "helps less",
        ("worse", "worse"): "hurts less" if up else "hurts more",
        ("worse", "better"): "turns from hurting to helping",
        ("better", "worse"): "turns from helping to hurting",
    }
    word = words.get((before.verdict, after.verdict), f"moves {'up' if up else 'down'}")
    return f"{cause} changes this by {move}: it {word}"


def claimed(estimate: Estimate, accuracy: float) -> str:
    """Say whether an accuracy reaches a claimed one: ``"93.76 % ± 0.47 (3 seeds) against 93.90 %: within reach"``."""
    return f"{estimate} against {percent(accuracy)}: {reaches(estimate, accuracy)}"


def budget(images: int, epochs: int, seeds: int) -> str:
    """Say what a result was measured with: ``"with 5,000 images, 3 epochs and 2 seeds"``."""
    return f"with {counted(images, 'image')}, {counted(epochs, 'epoch')} and {counted(seeds, 'seed')}"


def ranges(values: Sequence[float], digits: int = 1, over: str = "") -> str:
    """Say the range of shares: ``"3.1 to 7.4 %"``, or one number where they look alike.

    `over` says what it is the range of, such as "the seeds", since it could be taken for an interval.
    """
    low, high = percent(min(values), digits), percent(max(values), digits)
    return low if low == high else f"{low.removesuffix(' %')} to {high}{f' (over {over})' if over else ''}"


# --- what 01 says of a data set, and 06 of mistakes ----------------------------------------------------------------


def plain(text: str) -> str:
    """Turn a sentence of this module into plain text, as the summary box wants it."""
    return unescape(text.replace("**", ""))  # a name's own asterisks are still entities here


def shown(low: float, high: float, above: float = 0.0) -> str:
    """Judge a statement "it is more than `above`" by an interval.

    "shown" where all of it lies above, "contradicted" where all of it lies below, "not shown" otherwise, and
    "cannot be judged" without an interval.
    """
    if np.isnan(low) or np.isnan(high):
        return "cannot be judged"
    return "shown" if low > above else "contradicted" if high < above else "not shown"


def majority(share: Estimate, part: str, whole: str = "mistakes") -> str:
    """Say what share of all `whole` a `part` is, and whether that is most of them.

    "most" is said where the whole interval lies above one half, "less than half" where it lies below.
    `part` is Markdown; `share` is NaN where there is no `whole` at all.
    """
    if np.isnan(share.mean):
        return f"there are no {whole}"
    words = {
        "shown": ", which is most of them",
        "contradicted": ", which is less than half of them",
        "not shown": "; whether that is most of them cannot be told",
        "cannot be judged": "",  # the estimate says so itself
    }
    if share.mean in (0, 1):
        return f"{part}: {share} of all {whole}, that is {'all' if share.mean else 'none'} of them"
    return f"{part}: {share} of all {whole}{words[shown(share.low, share.high, 0.5)]}"


ONE_PAIR = "every mistake takes one of the two classes for the other"


def mixed_most(pairs: Mapping[tuple[str, str], Estimate]) -> str:
    """Name the pair of classes that is mixed up most and its share of all mistakes, or all pairs that tie.

    `pairs` is of `metrics.confused_pairs`. Markdown, without a capital or a full stop.
    """
    share = next(iter(pairs.values()))
    if np.isnan(share.mean):
        return majority(share, "")
    if len(pairs) == 1:
        return ONE_PAIR
    first = [pair for pair, other in pairs.items() if level(other.mean, share.mean)]
    if len(first) > 1:
        return f"mixed up most, equally often: **{_pairs(first)}**, each {percent(share.mean, 1)} of all mistakes"
    return f"mixed up most: **{majority(share, f'{listing(next(iter(pairs)))} taken for each other')}**"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Name pairs of classes, the first four of many."""
    named = [" / ".join(map(md, pair)) for pair in pairs]
    return f"{', '.join(named[:4])} and others" if len(named) > 4 else _listed(named)


def most_involved(ends: Mapping[str, Estimate]) -> str:
    """Say which class is the label or the prediction of most mistakes; all that tie are named.

    `ends` has each class's share of all mistakes. Of two classes both have all, which says nothing of either.
    """
    best = max(ends.values(), key=lambda share: share.mean)
    if np.isnan(best.mean):
        return majority(best, "")
    if len(ends) == 2:
        return ONE_PAIR
    first = [name for name, share in ends.items() if level(share.mean, best.mean)]
    if len(first) > 1:
        return f"**{_some(first)}** as label or prediction: {percent(best.mean, 1)} of all mistakes each"
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
        return f"{first_capital(majority(share, ''))}."
    said = f"{first_capital(ONE_PAIR)}."
    if len(ends) > 2:
        most = max(value.mean for value in ends.values())
        first = [name for name, value in ends.items() if level(value.mean, most)]
        said = (
            f"Of all mistakes, {percent(share.mean, 1)} take {_names(pair)} for each other, and {percent(most, 1)} "
            f"have {unescape(_some(first))} as label or prediction{' each' if len(first) > 1 else ''}."
        )
    doubt = NO_JUDGES if doubtful is None else f"In {percent(doubtful.mean, 1)} of them the label is in doubt"
    return f"{said} {doubt}."


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
    first = f"in front {'is' if len(tied) == 1 else 'are'} **{listing(tied)}** with {percent(share, 1)} {told}"
    first += " each" if len(tied) > 1 else ""
    behind = table[table["difference"] != 0].sort_values("difference")
    worse = [
        f"{md(name)} (by {points(-row['difference'], 1).lstrip('+')})"
        for name, row in behind.iterrows()
        if row["verdict"] == "worse"
    ]
    unclear = [md(name) for name, row in behind.iterrows() if row["verdict"] != "worse"]
    if table["low"].isna().all() or not len(table):
        return f"{first}; whether {'it is' if len(tied) == 1 else 'they are'} ahead cannot be judged"
    said = [f"measurably ahead of {_listed(worse)}"] if worse else []
    said += [f"not measurably ahead of {_listed(unclear)}"] if unclear else []
    return f"{first}{', ' if len(tied) == 1 else f'; {md(best)} is '}{' but '.join(said)}"


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
        f"**{always:,} of {images:,} test images** ({percent(always / images)}) {_is(always)} wrong for {every} seeds, "
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
    return f"{always:,} of {counted(images, 'test image')} {_is(always)} wrong for {every}."


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
    repaired, made = map(_mean, changes)
    return f"**{md(name)}**: mistakes of a net repaired: {repaired}; new ones made: {made}."


def weaker(members: Sequence[float], own: float) -> str:
    """Say how many nets of a mean are less accurate by themselves than the nets whose mistakes are counted."""
    less = sum(value < own for value in members)
    said = f"Of the {counted(len(members), 'net')} in this mean, {less or 'none'} {_is(less)} less accurate alone"
    return f"{said} than the nets of this notebook are on average ({percent(own)}), by six views each."


def _mean(n: float) -> str:
    """Write a mean of counts: one that is small and no whole number is not rounded to one, such as to none."""
    if 1e-6 <= n < 0.05:
        return "less than 0.1"
    return f"{n:,.0f}" if n >= 10 or abs(n - round(n)) < 1e-6 else f"{n:.1f}"


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


def lean(change: Comparison) -> str:
    """Say whether confidence (first side of `change`) lies above accuracy (second): over- or underconfident."""
    if np.isnan(change.low):
        return f"its confidence differs from its accuracy by {change}"
    words = {"better": "it is overconfident", "worse": "it is underconfident"}
    return f"{words.get(change.verdict, 'it is neither over- nor underconfident, measurably')}: {change}"


def preview(epochs: int, own: int) -> str:
    """Say that a recipe was not trained for as many epochs as it is made for; "" if it was."""
    if epochs == own:
        return ""
    what = "A preview" if epochs < own else "Longer than meant"
    return f"{what}: {counted(epochs, 'epoch')} of a recipe that is made for {own}."


def tells_apart(pair: Sequence[str], reached: Mapping[str, Estimate], best: str, commoner: float = 0.0) -> str:
    """Say in plain text how well a linear model tells two classes apart from the part `best`, and from each other part.

    It names numbers alone; which part is measurably ahead is what `leader` says. Nothing is said without an image.
    Where no part is measurably above `commoner`, what always naming the commoner of the two reaches, that is said.
    """
    others = [f"{percent(value.mean, 0)} from the {name}" for name, value in reached.items() if name != best]
    if np.isnan(reached[best].mean):
        return f"there is no test image of {_names(pair)}"
    if len(_no_better(reached, commoner)) == len(reached):
        return (
            f"from no part does a linear model tell {_names(pair)} apart measurably better than always naming the "
            f"commoner of the two, which is right for {percent(commoner, 0)} of their images"
        )
    return (
        f"a linear model tells {_names(pair)} apart in {percent(reached[best].mean, 0)} of their images from the {best}"
        f"{f', in {_names(others)}' if others else ''}"
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


def wrong_for(missed: NDArray[np.bool_]) -> str:
    """Say how many test images some nets, and all of them, get wrong; `missed` is bool (nets, images)."""
    some, every = int(missed.any(axis=0).sum()), int(missed.all(axis=0).sum())
    start = f"Of {counted(missed.shape[1], 'test image')}"
    if len(missed) == 1:
        return f"{start} {some:,} {_is(some)} wrong for it."
    return f"{start} {some:,} {_is(some)} wrong for one net or more, {every:,} for all of them."


def doubted(suspected: pd.DataFrame, part: str) -> str:
    """Say how many labels of a part are in doubt (`doubts.suspects`), and which doubt is the most frequent."""
    doubtful = suspected[suspected["doubtful"]]
    count = (
        f"Of {len(suspected):,} {md(part)} labels, **{len(doubtful):,}** ({percent(len(doubtful) / len(suspected))})"
    )
    if doubtful.empty:
        return f"{count} are in doubt."
    pairs = pd.Series(list(zip(doubtful["label"], doubtful["suggestion"], strict=True)), dtype=object).value_counts()
    start = f"{count} {_is(len(doubtful))} in doubt"
    first = pairs[pairs == pairs.max()].index.tolist()
    if len(first) == len(doubtful) > 1:
        return f"{start}; no two of them have the same label and the same suggestion."
    looks = [f"an image labelled {md(label)} looks like {md(suggestion)}" for label, suggestion in first[:4]]
    if len(first) > len(looks):
        looks.append("others as often")
    if len(pairs) == 1:
        return f"{start}: {looks[0]}."
    often = f"most often ({pairs.max():,}{' each' if len(first) > 1 else ''}) {_listed(looks)}"
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
    return f"Of {counted(known, 'label')} that others have shown to be wrong, {_listed(said)} that are in doubt here."


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
    """Say how many of the images nets answer if they may leave out the least certain (`metrics.coverage_at`)."""
    share = ranges(coverages, over="the seeds")
    return f"at an accuracy of {percent(accuracy, 0)} a net answers **{share}** of the images"


def surest_tenths(first: Estimate, second: Estimate, more: Comparison) -> str:
    """Say how often a net is right on the surest tenth of the images, and on the next (`trust.tenths`).

    `more` is by how much the share of mistakes is higher in the first. Where the surest answers are right less often,
    that is said with what may explain it, and whether it is measurable.
    """
    if np.isnan(first.mean + second.mean):
        return "There are too few test images to compare the surest tenth with the next."
    said = f"On the surest tenth of the images a net is right on {first}, on the next tenth on {second}"
    if first.mean >= second.mean:
        return f"{said}."
    word = "measurably" if more.verdict == "better" else "though not measurably"
    return (
        f"{said}: less often where it is surer{'' if np.isnan(more.low) else f', {word}'}. It may be that the order "
        "says little among answers that are all sure, or that some of these labels are wrong; neither is tested here."
    )


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
    for (key, value), (_, found) in zip(accuracies.items(), holm_verdicts(table).iterrows(), strict=True):
        low, high = (found["difference"] + sign * found["half"] for sign in (-1, 1))
        word = words.get(found["verdict"], "not measurably apart from")
        word += f" {name}{CORRECTED if lost_by_correction(found['verdict'], low, high) else ''}"
        ends = f"{points(found['difference'])} ({interval(low, high, signed=True)})"
        said.append(f"{md(key)}: {value}, {word}: {ends}.")
    return said


# --- what one recipe shows by itself ---------------------------------------------------------------------


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


def tenth(share: float) -> str:
    """Name a tenth of some images; of few images, or of many that are alike, it is another share."""
    return f"The {'tenth' if abs(share - 0.1) < 0.01 else percent(share, 0)}"


def wrongly(accuracy: float, images: int, seeds: int) -> str:
    """Say how many of the test images a net classifies wrongly, on average over the seeds."""
    net = "On average a net" if seeds > 1 else "The net"
    return f"{net} classifies {_mean(images * (1 - accuracy))} of {counted(images, 'test image')} wrongly."


def overfits(gap: Comparison) -> str:
    """Say whether nets are better on their training images than on test images; `gap` was compared with 0."""
    start = f"Training accuracy less test accuracy is {gap}"
    words = {
        "better": "a measurable gap, so part of what was learnt holds for the training images alone",
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
        f"{_some(names)}, {f'{percent(recalls[names[0]].mean)} each' if len(names) > 1 else recalls[names[0]]}"
        for names in (first, last)
    ]
    said = f"Least is found of {ends[0]}; most of {ends[1]}."
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


# --- changes and a claim about all of them ---------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Judged(Comparison):
    """A row of a table of comparisons; its verdict is the one that is corrected for the whole table."""

    corrected: str = ""

    @property
    def verdict(self) -> str:
        """The corrected verdict."""
        return self.corrected


def row(table: pd.DataFrame, name: Any) -> Judged:
    """Take the row called `name` out of a table of comparisons, for `effect` and `moved`."""
    one = table.loc[name]
    against = int(one["reference seeds"]) if "reference seeds" in table else None
    numbers = (one["difference"], one["low"], one["high"], one["p"], int(one["seeds"]), against)
    return Judged(*numbers, corrected=one["verdict"])


def help_or_hurt(table: pd.DataFrame, thing: str, budget: str = "") -> str:
    """Answer "does it help, or does it only hurt?" in one sentence of plain text, by the corrected verdicts.

    "It helps" and "it only hurts" are said of all rows; "some" and "one" of as many; "both" if there are some of each.
    """
    n, within = len(table), f" {budget}" if budget else ""
    if _unjudged(table):
        return f"It cannot be judged {_why_not(table, thing, budget)}."
    better, worse = (int((table["verdict"] == verdict).sum()) for verdict in ("better", "worse"))
    if better == worse == 0:
        return f"Neither can be shown{within}: of {counted(n, thing)}, none makes a measurable difference."
    words = ("It helps", "One helps", "Some help") if better else ("It only hurts", "One hurts", "Some hurt")
    start = words[0 if better + worse == n else 1 if better + worse == 1 else 2]
    if better and worse:
        start = "Both"
    return f"{start}{within}: of {counted(n, thing)}, {_count(better)} measurably better and {_count(worse)} worse."


def every(table: pd.DataFrame, verdict: str, thing: str, budget: str = "", about: Sequence[str] = ()) -> str:
    """Judge the claim that every row is "better" (or "worse"): shown, not shown or contradicted.

    Shown if the corrected verdict of every row is `verdict`, and of all that the claim is `about` if that is given;
    contradicted as soon as one is the opposite.
    """
    n, within = len(table), f" {budget}" if budget else ""
    if _unjudged(table):
        return f"**Cannot be judged** {_why_not(table, thing, budget)}."
    opposite = {"better": "worse", "worse": "better"}[verdict]
    against = table.index[table["verdict"] == opposite]
    found = int((table["verdict"] == verdict).sum())
    if len(against):
        return f"**Contradicted**{within}: measurably {opposite} with {listing(against)}."
    untried = [name for name in about if name not in table.index]
    word = "Shown" if found == n and not untried else "Not shown"
    said = f"**{word}**{within}: of {counted(n, thing)}, {_count(found)} measurably {verdict} and none is {opposite}."
    return f"{said} Not tried: {listing(untried)}." if untried else said


def _unjudged(table: pd.DataFrame) -> bool:
    return bool(table["low"].isna().all())  # also of no rows


def _why_not(table: pd.DataFrame, thing: str, budget: str) -> str:
    return budget or "with one seed" if len(table) else f"without any {thing}"


def extremes(table: pd.DataFrame, thing: str) -> str:
    """Say how many of many comparisons are measurable, and name the largest gain and loss among those.

    `table` is indexed by (name, part), as `compare_parts` returns it; a row is a `thing`, such as "recall".
    """
    rows = counted(len(table), thing)
    if _unjudged(table):
        return f"With one seed, none of {rows} can be judged."
    said = []
    for verdict, word, best in (("better", "higher", "idxmax"), ("worse", "lower", "idxmin")):
        part = table[table["verdict"] == verdict]
        text = f"{_count(len(part))} measurably {word}"
        if len(part):
            name, where = extreme = getattr(part["difference"], best)()
            as_much = sum(level(value, part["difference"][extreme]) for value in part["difference"]) > 1
            most = "" if len(part) == 1 else "as much as another, " if as_much else "most of all "
            text += f" ({most}{md(where)} with {md(name)}, {row(table, extreme)})"
        said.append(text)
    return f"Of {rows}, {said[0]}; {said[1]}."


def narrowed(gaps: pd.DataFrame, table: pd.DataFrame, thing: str, start: float) -> str:
    """Say which changes narrow the gap measurably (`compare_gaps`), what they cost, and which widen it.

    `table` has the accuracies (`compare`) and `start` is the gap of the reference, a share. A loss of accuracy that
    its own interval shows and the corrected verdict does not is said to be that; no loss is ever called none.
    """
    without = f"Without any {thing} the gap is {points(start)}."
    if _unjudged(gaps):
        return f"{without} With one seed it cannot be judged what changes it."
    narrower, wider = (gaps.index[gaps["verdict"] == verdict] for verdict in ("better", "worse"))
    left = {name: start - gaps.loc[name, "difference"] for name in gaps.index}
    # Below zero, where test images are the easier ones, a lower gap is the wider one.
    below = start < 0 or any(left[name] < 0 for name in narrower)
    sizes = [f"{md(name)} ({points(left[name])})" for name in wider]
    more = f" It is measurably {'higher' if below else 'wider'} with {_listed(sizes)}." if sizes else ""
    if not len(narrower):
        does = "lowers" if below else "narrows"
        return f"{without} Of {counted(len(gaps), thing)}, none {does} it measurably.{more}"
    names = _listed([f"{md(name)} ({points(left[name])})" for name in narrower]) if below else listing(narrower)
    word = "lower" if below else "narrower"
    found = f"It is measurably {word} with {how_many(len(narrower), len(gaps), thing)}: {names}."
    losses = table.loc[narrower]
    lost = losses.index[losses["verdict"] == "worse"]
    alone = losses.index[(losses["verdict"] != "worse") & (losses["high"] < 0)]
    said = [f"measurably with {listing(lost)}"] if len(lost) else []
    own = "its own interval" if len(alone) == 1 else "their own intervals"
    said += [f"with {listing(alone)} by {own}, before the correction"] if len(alone) else []
    rest = len(narrower) - len(lost) - len(alone)
    cost = f"There, test accuracy falls {', and '.join(said)}" if said else "No loss of test accuracy is shown there"
    if said and rest:
        cost += f"; with the other{f' {rest}' if rest > 1 else ''} no loss is shown"
    return f"{without} {found} {cost}.{more}"


def taken(
    name: str,
    labels: NDArray[np.int64],
    answers: tuple[NDArray[np.int64], NDArray[np.int64]],
    aimed: NDArray[np.bool_],
    scores: tuple[pd.DataFrame, pd.DataFrame],
) -> str:
    """Say which class is given the images that a change called `name` loses, and what becomes of that class.

    Parameters
    ----------
    labels : int (images,)
    answers : int (seeds, images) without and with the change
    aimed : bool (images,), which images may be lost
    scores : scores of each class without and with the change (`Group.per_class`)
    """
    before, after = answers
    lost = aimed & (before == labels) & (after != labels)  # (seeds, images)
    if not lost.any():
        return f"No image of its own classes that a net gets right without `{name}` is lost with it."
    given = np.bincount(after[lost], minlength=len(scores[0]))
    taker = int(given.argmax())
    recall, precision = (
        " to ".join(percent(float(one[score].iloc[taker])) for one in scores) for score in ("recall", "precision")
    )
    said = (
        f"Of the images of its own classes that a net gets right without `{name}` and wrong with it, "
        f"{_mean(lost.sum() / len(lost))} on average, **{md(scores[0].index[taker])}** is given "
        f"{percent(given.max() / given.sum(), 0)}. Its recall goes from {recall}, its precision from {precision}"
    )
    rest = ~aimed & (labels != taker)
    if aimed[labels == taker].any() or not rest.any():
        return f"{said}."
    right = " to ".join(percent(float((each == labels)[:, rest].mean())) for each in answers)
    return f"{said}; without this class, the accuracy on all other classes goes from {right}."


def longer_training(
    name: str, short: pd.DataFrame, long: pd.DataFrame, moves: pd.DataFrame, epochs: int, more: int
) -> str:
    """Say an effect after `epochs` and after `more` epochs, and what longer training does to it.

    The effects are the rows `name` of `short` and `long` (`compare`), their difference is that of `moves`
    (`compare_moves`).
    """
    first, last, move = (row(table, name) for table in (short, long, moves))
    effects = f"after {counted(epochs, 'epoch')} it {does(first)}; after {counted(more, 'epoch')} it {does(last)}"
    return f"**{md(name)}**: {effects}. {first_capital(moved(first, last, move, 'longer training'))}."


def does(change: Comparison) -> str:
    """Say what a change does; of one seed alone, that it "changes accuracy by" so much and cannot be judged."""
    return f"changes accuracy by {change}" if np.isnan(change.low) else effect(change)


# --- changes of one recipe, and nets side by side --------------------------------------------------------


def did_nothing(names: Sequence[str], reference: str) -> str:
    """Name the changes that never acted (`Groups.same_as`); of none it says that every change did something."""
    if not names:
        return f"Every change did something: none ended with the very weights of {md(reference)}."
    its, left = ("its", "It is") if len(names) == 1 else ("their", "They are")
    return (
        f"**{listing(names)}** did nothing here: {its} runs are those of {md(reference)}, bit for bit. "
        f"{left} left out of the comparisons that follow, and of their number."
    )


def timing(seconds: Mapping[str, Sequence[float]]) -> str:
    """Say whether the times of trainings can be compared: those of equal ones should be alike.

    Parameters
    ----------
    seconds : by experiment, seconds an epoch of each of its trainings
    """
    ratios = _slowed(seconds)
    if not ratios:
        return "With one training each it cannot be said whether other work slowed some of them."
    name = max(ratios, key=lambda name: ratios[name])
    if comparable(seconds):
        most = f" (at most {ratios[name]:.1f} times as long)" if ratios[name] >= 1.05 else ", within a twentieth of it"
        return f"An epoch of equal trainings took about the same time{most}."
    return (
        f"The times are no comparison: an epoch took up to {ratios[name]:.1f} times as long in one training of "
        f"{md(name)} as in another, as happens where other work slows some, or machine or precision are not the same."
    )


def comparable(seconds: Mapping[str, Sequence[float]]) -> bool:
    """Whether equal trainings took about as long, none half as long again as another; `seconds` as in `timing`."""
    return max(_slowed(seconds).values(), default=1.0) < 1.5


def _slowed(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: max(each) / min(each) for name, each in seconds.items() if len(each) > 1 and min(each)}


def stopped(lengths: Sequence[int], epochs: int, same: int = 0) -> str:
    """Say how many runs ended before their last epoch, and how many give the very answers of the base.

    `lengths` has the epochs that each was trained for; `same` of them give the base's answers.
    """
    early = [length for length in lengths if length < epochs]
    said = f"Early stopping ended no run before epoch {epochs}." if epochs > 1 else "One epoch leaves nothing to stop."
    if early:
        which = how_many(len(early), len(lengths), "run")
        said = f"Early stopping ended {which} before epoch {epochs}, after {span(early)} of them."
    which = how_many(same, len(lengths), "run")
    return f"{said} The answers of {which} are those of the base, image by image." if same else said


def pays_off(table: pd.DataFrame, reference: str, thing: str = "change", budget: str = "") -> str:
    """Answer "which of these pay off?" in one sentence of plain text, by the corrected verdicts."""
    n, within = len(table), f" {budget}" if budget else ""
    if n == 0:
        return f"No {thing} was compared with {reference}."
    if table["low"].isna().all():
        return f"It cannot be judged{within}, since one seed each tells nothing of the spread."
    better, worse = (list(table.index[table["verdict"] == verdict]) for verdict in ("better", "worse"))
    said = f"{_count(len(worse))} measurably worse"
    if not better:
        return f"None of {counted(n, thing)} can be shown to be better than {reference}{within}; {said}."
    pay = "pays off" if len(better) == 1 else "pay off"
    return f"Of {counted(n, thing)}, {len(better)} {pay}{within}: {_names(better)}; {said} than {reference}."


def _names(names: Sequence[object]) -> str:
    """Join names as `listing` does, but as plain text."""
    return _listed(list(map(str, names)))


def earns(removed: pd.DataFrame, added: pd.DataFrame, recipe: str) -> str:
    """Say which ingredients of a recipe earn their place, and whether another is missing from it.

    Parameters
    ----------
    removed, added : rows of a table of comparisons with `recipe`: changes that take an ingredient away or put another
        in its place, and such as add one; their verdicts stay those of the whole table
    """
    if _unjudged(removed):
        return f"Which ingredients of {recipe} earn their place cannot be judged {_why_not(removed, 'change', '')}."
    worse, better = (list(removed.index[removed["verdict"] == verdict]) for verdict in ("worse", "better"))
    said = f"Of {counted(len(removed), 'change')} that take away or replace an ingredient of {recipe}, "
    said += f"{_count(len(worse))} measurably worse"
    said += f", so what is missing there earns its place: **{listing(worse)}**." if worse else "."
    said += f" {first_capital(_count(len(better)))} measurably better{f': **{listing(better)}**' if better else ''}."
    if rest := len(removed) - len(worse) - len(better):
        said += f" What the {'other' if rest == 1 else f'other {rest}'} leave out is not shown to earn its place."
    return f"{said} {first_capital(tally(added, 'addition'))}."


def unlike(here: pd.DataFrame, others: Mapping[str, pd.DataFrame], given: str = "another recipe was given, too") -> str:
    """Say which changes do otherwise in one recipe than in others: their intervals do not overlap.

    Parameters
    ----------
    here : a table of comparisons
    others : other tables, some rows of which are called as those of `here`, by what they are about: "against the base"
    given : what the changes are that are in both: those that …
    """
    both = [(name, where, other) for where, other in others.items() for name in here.index if name in other.index]
    judged = [one for one in both if not np.isnan(here.loc[one[0], "low"] + one[2].loc[one[0], "low"])]
    if not judged:
        return f"There is no change that {given}."
    said = []
    for name, where, other in judged:
        mine, its = here.loc[name], other.loc[name]
        if mine["low"] > its["high"] or mine["high"] < its["low"]:
            said.append(f"**{md(name)}** {_effect(mine)} here and {_effect(its)} {where}")
    count = counted(len(judged), "change")
    if not said:
        return f"Of {count} that {given}, none does otherwise there: all intervals overlap."
    return f"Of {count} that {given}, {_count(len(said))} unlike there: {'; '.join(said)}."


def part(table: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Take the rows of a table of comparisons whose names begin with `prefix`, and drop it; verdicts stay the same."""
    rows = table[[str(name).startswith(prefix) for name in table.index]]
    return rows.set_axis([str(name).removeprefix(prefix) for name in rows.index])


def shift(change: Comparison, of: str, up: str = "rises", down: str = "falls") -> str:
    """Say which way a quantity goes: ``"The recall **rises**: +1.32 points (+0.51 to +2.13)"``, `of` with its capital.

    `up` and `down` are only said where the interval leaves out 0.
    """
    if np.isnan(change.low):
        return f"{of} differs by {points(change.difference)}; {CANNOT_BE_JUDGED}."
    words = {"better": f"**{up}**", "worse": f"**{down}**"}
    return f"{of} {words.get(change.verdict, 'does not change measurably')}: {change}."


def sizes(costs: pd.DataFrame) -> str:
    """Say from which net to which the numbers of weights and of multiply-adds range (`Groups.costs`)."""
    said = []
    for column, name in (("parameters", "weights"), ("multiply-adds", "multiply-adds an image")):
        values = costs[column].sort_values()
        small, large = int(values.iloc[0]), int(values.iloc[-1])
        if small == large:
            said.append(f"{'It has' if len(values) == 1 else 'All have'} {small:,} {name}.")
        else:
            said.append(
                f"From {md(values.index[0])} to {md(values.index[-1])} the number of {name} goes from {small:,} to "
                f"{large:,}, {large / small:,.1f} times as many."
            )
    return " ".join(said)


def leads(best: str, pairs: pd.DataFrame, budget: str = "") -> str:
    """Say which other nets `best`, the first by its mean, is measurably ahead of (`metrics.compare_pairs`).

    Called the best only where it is measurably ahead of all others. Nets with exactly its mean are named with it.
    """
    if not len(pairs):
        return f"Only one net was trained, **{md(best)}**."
    others, first, within = _against(best, pairs), _in_front(best, pairs), f" {budget}" if budget else ""
    alone, mean = len(first) == 1, "accuracy" if pairs["low"].isna().all() else "mean"
    if len(first) > len(others):
        return f"No net has a higher {mean} than another{within}."
    start = f"**{listing(first)}** {'has' if alone else 'have'} the highest {mean}{within}"
    if pairs["low"].isna().all():
        return f"{start}; whether {'it is' if alone else 'they are'} ahead cannot be judged with one seed each."
    behind = [name for name, verdict in others.items() if verdict == "better"]
    if len(behind) == len(others):
        return f"{start}, and is the best: measurably ahead of {how_many(len(others), len(others), 'other net')}."
    level = [name for name in others if name not in behind]  # none is ahead: no mean is higher
    ahead = how_many(len(behind), len(others), "other net")
    who = "It" if alone else md(best)
    if len(others) == 1:
        return f"{start}. {who} cannot be told from the one other net, {listing(level)}."
    return f"{start}. {who} is measurably ahead of {ahead}; it cannot be told from {listing(level)}."


def _in_front(best: str, pairs: pd.DataFrame) -> list[str]:
    """Name `best`, the first by its mean, and the groups of a table of pairs that have exactly its mean."""
    same = [pair for pair in pairs.index[pairs["difference"] == 0] if best in pair]  # (`compare` rounds it)
    return [best, *(name for pair in same for name in pair if name != best)]


def _against(name: str, pairs: pd.DataFrame) -> dict[str, str]:
    """Verdict on `name` against each other group of a table of pairs."""
    turned = {"better": "worse", "worse": "better"}
    found = {}
    for (first, second), verdict in zip(pairs.index, pairs["verdict"], strict=True):
        if name == first:
            found[second] = verdict
        elif name == second:
            found[first] = turned.get(verdict, verdict)
    return found


def worth_their_cost(pairs: pd.DataFrame, cost: pd.Series) -> list[str]:
    """Name the nets that are measurably more accurate than every cheaper one, the cheapest of them first.

    `pairs` is that of `metrics.compare_pairs`; `cost` has one number a net. The cheapest of all has nothing to beat,
    and is not among them; of equally cheap nets none is cheaper.
    """
    found = []
    for name in cost.sort_values(kind="stable").index:
        verdicts_on = _against(name, pairs)
        cheaper = [other for other in cost.index if cost[other] < cost[name]]
        if cheaper and all(verdicts_on[other] == "better" for other in cheaper):
            found.append(name)
    return found


def worth(pairs: pd.DataFrame, cost: pd.Series, what: str) -> str:
    """Say which nets are worth a cost called `what` ("weights"): measurably ahead of every net that has fewer."""
    if len(cost) < 2:
        return "There is no other net to compare with."
    if pairs["low"].isna().all():
        return f"Which nets are worth their {what} cannot be judged with one seed each."
    names, cheapest = worth_their_cost(pairs, cost), cost.index[cost == cost.min()]
    others = len(cost) - len(cheapest)
    if others < 2:
        fewest = f"Fewest {what}: {listing(cheapest)}."
        other, than = listing(cost.index.difference(cheapest)), " than each of them" if len(cheapest) > 1 else ""
        found = f"The other net, {other}, is {'' if names else 'not '}measurably more accurate{than}"
        return f"{fewest} {found}." if others else f"{fewest} No net has more."
    verb = "is" if len(names) < 2 else "are"
    count = str(len(names) or "none") if len(names) < max(2, others) else "both" if others == 2 else "all"
    start = f"Fewest {what}: {listing(cheapest)}. Of the {counted(others, 'other net')}, {count}"
    named = f": {listing(names)}" if names else ""
    return f"{start} {verb} measurably more accurate than every net with fewer{named}."


def best_and_worth(best: str, accuracy: float, pairs: pd.DataFrame, weights: pd.Series, budget: str = "") -> str:
    """Answer "which net is worth its cost?" in one sentence of plain text; see `leads` and `worth_their_cost`."""
    within = f" {budget}" if budget else ""
    if not len(pairs):
        return f"{best} reaches {percent(accuracy, 1)}{within}; it is the only net."
    others, first, unjudged = _against(best, pairs), _in_front(best, pairs), pairs["low"].isna().all()
    alone, mean = len(first) == 1, "accuracy" if unjudged else "mean"
    who = "it is" if alone else "they are"
    start = f"{_names(first)} {'has' if alone else 'have'} the highest {mean}{within}, {percent(accuracy, 1)}"
    if len(first) > len(others):
        who, start = "one is", f"No net has a higher {mean} than another{within}: {percent(accuracy, 1)} each"
    if unjudged:
        return f"{start}; one seed each cannot tell whether {who} ahead."
    behind = sum(verdict == "better" for verdict in others.values())
    ahead = f"is measurably ahead of {how_many(behind, len(others), 'other net')}"
    if len(others) == 1:
        ahead = f"is {'' if behind else 'not '}measurably ahead of the other one"
    start += f", and {'' if alone else f'{best} '}{ahead}" if who != "one is" else ""
    names = worth_their_cost(pairs, weights)
    verb = "is" if len(names) < 2 else "are"
    return f"{start}. {_names(names) if names else 'No net'} {verb} measurably ahead of every net with fewer weights."


def hardest_class(missed: pd.DataFrame) -> str:
    """Say which class is missed most, by how many nets; `missed` (nets, classes) has shares."""
    known = missed.dropna(axis="columns", how="any").round(12)  # (a mean over seeds is rounded)
    if known.empty:
        return "No class has a test image."
    most = known.max(axis="columns")
    level = known[known.min(axis="columns") == most]  # such as nets without a mistake
    if len(level) == len(known):
        return f"No net misses one class more than another: {ranges(list(most))} of each."
    counts = known.eq(most, axis="index").drop(level.index).sum()  # nets that miss it most, or as much as another
    first = [name for name in known.columns if counts[name] == counts.max()]
    if len(first) > 1:
        if counts.max() == len(known):
            return f"Missed most, and equally often by every net, are {listing(first)}."
        return f"Which class is missed most depends on the net: {listing(first)} for {counts.max()} each."
    nets = how_many(int(counts.max()), len(known), "net")
    return f"Missed most is **{md(first[0])}**, by {nets}. The nets miss {ranges(list(known[first[0]]))} of its images."


def against_public(landscape: pd.DataFrame) -> str:
    """Set the best of our own nets beside the best public figure (`studies.public.landscape`)."""
    ours = landscape[landscape["source"] == "ours"]
    public = landscape[landscape["source"].str.startswith("https://")]
    if ours.empty or public.empty:
        return "None of our own nets has been trained yet."
    net, figure = (rows.sort_values("accuracy").iloc[-1] for rows in (ours, public))
    estimate = Estimate(net["accuracy"], float("nan"), net["low"], net["high"], 0)
    words = {"reached": "lies below", "within reach": "lies within", "not reached": "lies above"}
    where = words.get(reaches(estimate, figure["accuracy"]))
    placed = f"{where} our interval" if where else "stands against a single training of ours"
    return (
        f"**{md(net.name)}** reaches {percent(net['accuracy'])} with {int(net['parameters']):,} weights. The best "
        f"public figure, {percent(figure['accuracy'])} ({md(figure.name)}; {int(figure['parameters']):,} weights), "
        f"{placed}. Ours less theirs is {points(net['accuracy'] - figure['accuracy'])}, after "
        f"{percent(net['seconds'] / figure['seconds'], 1)} of the estimated seconds."
    )


# --- what 06 asks beyond the test images -----------------------------------------------------------------


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


def alike_below(level: float) -> str:
    """Say where the threshold of near-duplicates is from, on data that are not Fashion-MNIST's."""
    return (
        f"The threshold of {level:g} grey levels was chosen by eye on Fashion-MNIST. On these data, images below it "
        "are similar pictures, and not proven to show the same thing."
    )


NOT_LONGER = (
    "Here the longer training is no longer than the other one, so it was left out: `long_epochs` has to be more than "
    "`epochs`."
)
UNTAUGHT = (
    "There are no finished runs of notebook 03 on these data whose nets could be asked: "
    'the command that made this report, with `ONLY="03 06"`, trains them, and then asks.'
)


def unmeasured(left_out: Mapping[str, int]) -> str:
    """Say which runs are not in a table since nothing is known of them (`Robustness.left_out`); "" if all are."""
    if not left_out:
        return ""
    runs = _listed([f"{counted(number, 'run')} of {md(name)}" for name, number in left_out.items()])
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
    if _unjudged(table):
        return f"What protects cannot be judged {_why_not(table, 'augmentation', '')}."
    said, bare = [], []
    for part in table.index.unique("part"):
        helping = table[(table.index.get_level_values("part") == part) & (table["verdict"] == "better")]
        if part == undisturbed:
            continue
        if helping.empty:
            bare.append(part)
        else:
            best = helping.sort_values("difference").iloc[-1]
            said.append(f"{md(part)}, **{md(best.name[0])}** {_effect(best)}")
    start = "Of the augmentations that protect measurably, these have the highest mean (not compared with the others)"
    most = f"{start}: against {'; against '.join(said)}. " if said else ""
    return f"{most}Against {listing(bare)} none protects measurably." if bare else most.rstrip()


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
    return f"{start}; for {_listed(fooling)} of the pairs only." if fooling else f"{start}."


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


def __dir__() -> list[str]:
    return public_names(globals())
