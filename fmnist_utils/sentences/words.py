"""The words of any sentence: how many, how much, joined names; each with its condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import unescape

import numpy as np
import pandas as pd

from fmnist_utils.basics.text import counted, md, percent


def listing(names: Iterable[object], none: str = "none of them") -> str:
    """Join names as prose does: ``"a"``, ``"a and b"``, ``"a, b and c"``; `none` for no names."""
    return joined([md(name) for name in names]) or none


def some(names: Sequence[object], most: int = 6) -> str:
    """Join names as `listing` does, the first of very many."""
    return joined([md(name) for name in names], most)


def joined(said: Sequence[str], most: int | None = None) -> str:
    """Join what is written for Markdown already; of more than `most` and one, the first `most`."""
    if most is not None and len(said) > most + 1:
        said = [*said[:most], f"{len(said) - most} others"]
    last = ", and " if any(" and " in one for one in said) else " and "  # "top, and left and right"
    return f"{', '.join(said[:-1])}{last}{said[-1]}" if len(said) > 1 else "".join(said)


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
        return f"{most} among the {total:,} {things} are {some(first)} ({best:,} each)"
    if best == total:
        return (
            f"{'both' if total == 2 else f'all {total:,}'} {things} are {md(first[0])}"
            if total > 1
            else f"the only one of the {things} is {md(first[0])}"
        )
    if 2 * best > total:
        return f"most of the {total:,} {things} are {md(first[0])} ({best:,})"
    return f"the most frequent of the {total:,} {things} is {md(first[0])} ({best:,}, {percent(best / total, 0)})"


def so_many(n: int) -> str:
    """Begin a count: ``"none is"``, ``"one is"``, ``"3 are"``."""
    return {0: "none is", 1: "one is"}.get(n, f"{n} are")


def first_capital(text: str) -> str:
    """Write a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def are(n: int) -> str:
    """Return the verb of a count."""
    return "is" if n == 1 else "are"


def where(value: float, low: float, high: float) -> str:
    """Say where a number lies: ``"lies in the interval"``, its ends included, or above or below it."""
    if value > high:
        return "lies above the interval"
    return "lies below the interval" if value < low else "lies in the interval"


def budget(images: int, epochs: int, seeds: int) -> str:
    """Say what a result was measured with: ``"with 5,000 training images, 3 epochs and 2 seeds"``."""
    return f"with {counted(images, 'training image')}, {counted(epochs, 'epoch')} and {counted(seeds, 'seed')}"


def ranges(values: Sequence[float], digits: int = 1, over: str = "") -> str:
    """Say the range of shares: ``"3.1 to 7.4 %"``, or one number where they look alike.

    `over` says what it is the range of, such as "the seeds", since it could be taken for an interval.
    """
    low, high = percent(min(values), digits), percent(max(values), digits)
    return low if low == high else f"{low.removesuffix(' %')} to {high}{f' (over {over})' if over else ''}"


def plain(text: str) -> str:
    """Turn a sentence of this package into plain text, as the summary box wants it."""
    return unescape(text.replace("**", ""))  # a name's own asterisks are still entities here


def shown(low: float, high: float, above: float = 0.0) -> str:
    """Judge a statement "it is more than `above`" by an interval.

    "shown" where all of it lies above, "contradicted" where all of it lies below, "not shown" otherwise, and
    "cannot be judged" without an interval.
    """
    if np.isnan(low) or np.isnan(high):
        return "cannot be judged"
    return "shown" if low > above else "contradicted" if high < above else "not shown"


def preview(epochs: int, own: int) -> str:
    """Say that a recipe was not trained for as many epochs as it is made for; "" if it was."""
    if epochs == own:
        return ""
    what = "A preview" if epochs < own else "Longer than meant"
    return f"{what}: {counted(epochs, 'epoch')} of a recipe that is made for {own}."


def plainly(names: Sequence[object]) -> str:
    """Join names as `listing` does, but as plain text."""
    return joined(list(map(str, names)))


def unjudged(table: pd.DataFrame) -> bool:
    """Whether no row of a table of comparisons has an interval; also of no rows."""
    return bool(table["low"].isna().all())


def tenth(share: float) -> str:
    """Name a tenth of some images; of few images, or of many that are alike, it is another share."""
    return "tenth" if abs(share - 0.1) < 0.01 else percent(share, 0)
