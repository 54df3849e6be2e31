"""Sentences that follow from numbers: the words for how many, how much and which way, each with its condition.

Notebooks say nothing about a result but through these functions, so a word cannot disagree with its number.
Names (of classes, models, changes) are escaped for Markdown where they are put into a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from fmnist_utils.analysis.compare import CANNOT_BE_JUDGED, Comparison, Estimate, reaches
from fmnist_utils.text import counted, interval, md, percent, points

# What a verdict says of a change that was made.
EFFECTS = {"better": "helps", "worse": "hurts", "no measurable difference": "makes no measurable difference"}


def listing(names: Iterable[object], none: str = "none of them") -> str:
    """Join names as prose does: ``"a"``, ``"a and b"``, ``"a, b and c"``; `none` for no names."""
    return _listed([md(name) for name in names]) or none


def _listed(said: list[str]) -> str:
    return f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else "".join(said)


def how_many(part: int, whole: int, thing: str) -> str:
    """Say how many of some things something holds for: ``"most of the 12 changes (8)"``.

    "all" and "none" are exact; "nearly all" is nine tenths or more, "most" more than half, "half" exactly half,
    "few" a tenth or less, and "some" the rest. One thing of a few is "one", and needs no number behind it.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no part of them")
    if whole == 0:
        return f"no {thing}s"
    things = f"the {counted(whole, thing)}"
    if whole == 1:
        return f"the one {thing}" if part else f"not the one {thing}"
    if part in (0, whole):
        return f"all {counted(whole, thing)}" if part else f"none of {things}"
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
        return f"{listing(first)} are equally frequent among the {total:,} {things} ({best:,} each)"
    if best == total:
        return (
            f"all {total:,} {things} are {md(first[0])}"
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
    Markdown; the words are those of the corrected verdicts, the intervals the plain ones of each row
    """
    n = len(table)
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
    start = f"Against {md(reference)}{f' {budget}' if budget else ''}, of {counted(n, thing)}: "
    same = len(groups["no measurable difference"])
    rest = "it makes" if n == 1 else "this one makes" if same == 1 else "they make"
    last = ""
    if same == n:
        last = f" So far {'it' if n == 1 else 'all of them'} cannot be told from {md(reference)}."
    elif same:
        names = listing(groups["no measurable difference"].index)
        last = f" {names}: {rest} no measurable difference."
    return f"{start}{said[0]}. {_capital(said[1])}.{last}"


def _count(n: int) -> str:
    return {0: "none is", 1: "one is"}.get(n, f"{n} are")


def _capital(text: str) -> str:
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
    return [head + lines[0], *map(_capital, lines[1:])]


def answer(table: pd.DataFrame, thing: str, helps: str = "helps", hurts: str = "hurts", budget: str = "") -> str:
    """Answer "does any of these help, or do they only hurt?" in one sentence, whatever was found.

    `helps` and `hurts` are the verbs, in the singular; the sentence is plain text.
    """
    better, worse = (int((table["verdict"] == verdict).sum()) for verdict in ("better", "worse"))
    of, within = counted(len(table), thing), f" {budget}" if budget else ""
    if table["low"].isna().all():  # of no row, too
        return f"This cannot be judged{within}: {of if len(table) else f'no {thing}'} with several seeds."
    helping, hurting = f"{better} measurably {_verb(better, helps)}", f"{worse} measurably {_verb(worse, hurts)}"
    if better and worse:
        return f"Both{within}: of {of}, {helping} and {hurting}."
    if better:
        return f"It {helps}{within}: of {of}, {helping} and none {hurts}."
    if worse:
        return f"It only {hurts}{within}: of {of}, {hurting} and none {helps}."
    return f"Neither can be shown{within}: of {of}, none makes a measurable difference."


def tally(table: pd.DataFrame, thing: str = "change") -> str:
    """Count a table's verdicts: ``"of 9 changes, none is measurably better and 2 are measurably worse (…)"``."""
    if table["low"].isna().all():
        return f"{counted(len(table), thing)}, {CANNOT_BE_JUDGED}" if len(table) else f"no {thing}"
    better, worse = (int((table["verdict"] == verdict).sum()) for verdict in ("better", "worse"))
    low, high = points(table["difference"].min()), points(table["difference"].max())
    changes = f"changes of {low.partition(' ')[0]} to {high}" if len(table) > 1 else f"a change of {low}"
    counts = f"{_count(better)} measurably better and {_count(worse)} measurably worse"
    return f"of {counted(len(table), thing)}, {counts} ({changes})"


def where(value: float, low: float, high: float) -> str:
    """Say where a number lies: ``"lies in the interval"``, its ends included, or above or below it."""
    if value > high:
        return "lies above the interval"
    return "lies below the interval" if value < low else "lies in the interval"


def seeds(numbers: Sequence[int], borrowed: bool = False) -> str:
    """Say how many experiments have several seeds, by the number of each; and if one seed borrows its spread."""
    several = sum(n > 1 for n in numbers)
    if not numbers:
        return "There is no experiment."
    if several == len(numbers):
        return "Each has several seeds."
    said = f"Several seeds stand behind {how_many(several, len(numbers), 'experiment')}" if several else ""
    rest = "a single seed borrows the spread between seeds from those that have several" if borrowed else ""
    return f"{_capital('; '.join(filter(None, [said or 'none has several seeds', rest])))}."


# The words that claims are judged with, the best news first.
CLAIM_VERDICTS = (
    "reached", "shown", "within reach", "not shown", "not reached", "contradicted", "cannot be judged", "not yet run",
)  # fmt: skip


def claims(judged: Iterable[str], whose: str = "") -> str:
    """Count the verdicts of claims: ``"Of 31 claims, 12 are reached, one is shown and 8 are not yet run."``."""
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
    return f"Of {counted(len(words), 'claim')}{f' {whose}' if whose else ''}, {_listed(said)}."


def enough_seeds(power: pd.DataFrame, enough: float) -> str:
    """Say how many seeds find an effect often `enough` (a share), from a table of `metrics.power_table`."""
    said = []
    tried = [int(str(number)) for number in power.columns]
    for effect, row in power.sort_index(ascending=False).iterrows():
        finding = [number for number, share in zip(tried, row, strict=True) if share >= enough]
        number = counted(min(finding), "seed") if finding else f"more than {counted(max(tried), 'seed')}"
        said.append(f"one of {effect:g} {'point' if effect == 1 else 'points'} takes {number}")
    return f"To find a difference with a chance of {percent(enough, 0)} or more: {_listed(said)}."


def size(name: str, parameters: int, accuracy: Estimate, cost: str) -> str:
    """Say what a net reached and what it cost: ``"**best** (893,182 weights): 95.46 % ± 0.41; a training took …"``."""
    return f"**{md(name)}** ({parameters:,} weights): {accuracy}; a training took {cost}"


def _verb(n: int, singular: str) -> str:
    return singular if n == 1 else singular.removesuffix("s")


def effect(change: Comparison, verb: bool = True) -> str:
    """Say what one change does: ``"helps: +1.32 points (+0.51 to +2.13)"``."""
    if np.isnan(change.low):
        return f"{points(change.difference)}, {CANNOT_BE_JUDGED}"
    word = EFFECTS[change.verdict] if verb else change.verdict
    return f"{word}: {change}"


def moved(before: Comparison, after: Comparison, move: Comparison, cause: str) -> str:
    """Say how an effect depends on something: `move` is the difference of the effects, `after` minus `before`.

    "Helps more" is said of an effect that helps both times, "turns from hurting to helping" only where both
    intervals say so; of an effect that cannot be told from zero, that it moves, and which way.
    """
    if np.isnan(move.low):
        return f"whether {cause} changes this cannot be judged ({CANNOT_BE_JUDGED})"
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


def compared(first: float, second: float, more: str = "more", less: str = "less", digits: int = 1) -> str:
    """Choose between two words by two shares as they are shown: "as much" if they are equal to the last digit."""
    if round(100 * first, digits) == round(100 * second, digits):
        return f"as {'much' if more == 'more' else 'good'}"
    return more if first > second else less


def budget(images: int, epochs: int, seeds: int) -> str:
    """Say what a result was measured with: ``"with 5,000 images, 3 epochs and 2 seeds"``."""
    return f"with {images:,} image{'s' * (images != 1)}, {counted(epochs, 'epoch')} and {counted(seeds, 'seed')}"


def ranges(values: Sequence[float], digits: int = 1) -> str:
    """Say the range of shares: ``"3.1 to 7.4 %"``, or one number where they look alike."""
    low, high = percent(min(values), digits), percent(max(values), digits)
    return low if low == high else f"{low.removesuffix(' %')} to {high}"
