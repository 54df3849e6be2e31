"""Sentences that cannot lie: every word's condition, recomputed here from the numbers, over random tables."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fmnist_utils import metrics, sentences
from fmnist_utils.report.html import Article

settings.register_profile("series", deadline=None, max_examples=80, derandomize=True)
settings.load_profile("series")

ODD = st.text("ab *_`[](){}<>&|#!\\\"'~$:/.-—ü", min_size=1, max_size=12).filter(lambda text: text.strip())
NAMES = st.one_of(ODD, st.sampled_from(["T-shirt/top", "<b>x</b>", "[a](javascript:b)", "**bold**", "1. one", "a, b"]))
SHARES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]))  # some meet exactly
DIFFERENCES = st.floats(-0.2, 0.2)
WIDTHS = st.floats(1e-5, 0.1)
MINUS = "−"


def plain(text: str) -> str:
    """What a reader sees of a sentence."""
    from bs4 import BeautifulSoup

    return BeautifulSoup(Article("").prose(text), "html.parser").get_text().strip()


def seen(name: str) -> str:
    return " ".join(str(name).split())


def hundredths(share: float) -> str:
    """Points with two digits, from the exact number, rounded half to even; no sign on nothing."""
    exact = Fraction(100 * share) * 100
    rounded = round(exact)
    sign = "" if rounded == 0 else MINUS if rounded < 0 else "+"
    return f"{sign}{abs(rounded) // 100}.{abs(rounded) % 100:02d}"


@st.composite
def tables(draw: st.DrawFn, least: int = 0, unknown: bool = True) -> pd.DataFrame:
    """A table as `compare` gives it: a corrected verdict is only given where the plain interval leaves out 0."""
    names = draw(st.lists(NAMES, min_size=least, max_size=6, unique_by=seen))
    rows = []
    nobody_knows = unknown and draw(st.booleans()) and draw(st.booleans())
    for _ in names:
        difference, half = draw(DIFFERENCES), draw(WIDTHS)
        low, high = difference - half, difference + half
        survives = draw(st.booleans())
        verdict = "no measurable difference"
        if survives and low > 0:
            verdict = "better"
        if survives and high < 0:
            verdict = "worse"
        if nobody_knows:
            low = high = float("nan")
            verdict = "no measurable difference"
        rows.append({"difference": difference, "low": low, "high": high, "p": 0.5, "seeds": 2, "verdict": verdict})
    columns = ["difference", "low", "high", "p", "seeds", "verdict"]
    return pd.DataFrame(rows, index=pd.Index(names, dtype=object), columns=columns)


@st.composite
def changes(draw: st.DrawFn) -> metrics.Comparison:
    difference = draw(st.one_of(DIFFERENCES, st.sampled_from([-0.1, 0.0, 0.1])))
    half = draw(st.sampled_from([0.001, 0.001, 0.02, 0.1, 0.15, float("nan")]))  # most tell a difference, some end at 0
    return metrics.Comparison(difference, difference - half, difference + half, 0.5, 3)


# --- how many ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", range(41))  # every case, for the words change at exact shares
def test_how_many_is_true_of_the_counts(whole: int) -> None:
    for part in range(whole + 1):
        check_how_many(part, whole)


def check_how_many(part: int, whole: int) -> None:
    said = sentences.how_many(part, whole, "change")
    share = Fraction(part, whole) if whole else None
    words = {
        "all": whole > 2 and part == whole,
        "both": part == whole == 2,
        "none": whole > 1 and part == 0,
        "one": part == 1 and whole > 1,
        "nearly all": share is not None and Fraction(9, 10) <= share < 1 and part > 1,
        "most": share is not None and Fraction(1, 2) < share < Fraction(9, 10) and part > 1,
        "half": share == Fraction(1, 2) and part > 1,
        "few": share is not None and 0 < share <= Fraction(1, 10) and part > 1,
        "some": share is not None and Fraction(1, 10) < share < Fraction(1, 2) and part > 1,
        "the one": whole == 1 and part == 1,
        "not the one": whole == 1 and part == 0,
        "no": whole == 0,
    }
    [true] = [word for word, condition in words.items() if condition]
    assert said.startswith(f"{true} ") and not any(
        said.startswith(f"{other} ") and len(other) > len(true) for other in words
    )
    assert [int(number) for number in re.findall(r"\d+", said)] in ([], [whole], [whole, part])
    assert ("changes" in said) == (whole != 1)
    if f"({part})" not in said and 1 < part < whole:
        raise AssertionError(said)


@pytest.mark.parametrize(("part", "whole"), [(3, 2), (-1, 2)])
def test_more_than_all_is_an_error(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        sentences.how_many(part, whole, "change")


@example({"a": 2, "b": 1, "c": 1})  # exactly half is not most
@given(st.dictionaries(NAMES, st.one_of(st.integers(0, 4), st.integers(0, 5000)), max_size=4))
def test_the_largest_is_called_most_only_if_it_is(counts: dict[str, int]) -> None:
    said = sentences.largest(counts, "images")
    total, best = sum(counts.values()), max(counts.values(), default=0)
    leaders = [name for name, n in counts.items() if n == best]
    assert ("most of the" in said) == (len(leaders) == 1 and 2 * best > total and best < total)
    assert ("the most frequent" in said) == (len(leaders) == 1 and 0 < 2 * best <= total)
    ties = len(leaders) > 1 and best > 0
    assert said.startswith(("equally frequent", "most frequent, and equally so")) == ties, "and not with a name"
    assert said.startswith("equally") == (ties and best * len(leaders) == total)
    assert said.startswith(("all ", "both ")) == (total > 1 and len(leaders) == 1 and best == total)
    assert ("there are no" in said) == (total == 0)
    if total:
        shown = plain(said)
        assert all(seen(name) in shown for name in leaders)
        if total > 1:
            assert f"{total:,}" in said or (total == 2 and said.startswith("both images are "))
        if best < total:
            assert f"{best:,}" in said


@given(st.lists(NAMES, max_size=6))
def test_a_listing_shows_every_name_as_it_is(names: list[str]) -> None:
    said = sentences.listing(names, none="nobody")
    expected = [seen(name) for name in names]
    joined = {0: "nobody", 1: "".join(expected)}.get(
        len(names), " and ".join([", ".join(expected[:-1]), *expected[-1:]])
    )
    assert plain(f"x {said}") == f"x {joined}"


# --- tables -----------------------------------------------------------------------------------------------


def counted_words(n: int) -> str:
    return {0: "none is", 1: "one is"}.get(n, f"{n} are")


@given(tables(), NAMES)
def test_verdicts_count_and_name_what_the_table_says(table: pd.DataFrame, reference: str) -> None:
    said = sentences.verdicts(table, reference, "change", "with 3 epochs")
    shown = plain(said)
    assert seen(reference) in shown
    if not len(table):
        assert "No change was compared" in said
        return
    if table["low"].isna().any():
        assert "cannot be judged" in said and "better" not in said and "worse" not in said
        return
    better, worse, same = (
        [name for name, row in table.iterrows() if row["verdict"] == verdict]
        for verdict in ("better", "worse", "no measurable difference")
    )
    if len(table) == 1:
        [(name, row)] = table.iterrows()
        words = {"better": "is measurably better", "worse": "is measurably worse"}
        word = words.get(row["verdict"], "makes no measurable difference")
        if row["verdict"] not in words and (row["low"] > 0 or row["high"] < 0):
            word += sentences.CORRECTED
        assert f"{seen(name)} {word}: {hundredths(row['difference'])} points" in shown
        return
    assert f"of {len(table)} changes: " in said
    assert f"{counted_words(len(better))} measurably better" in said
    assert f"{counted_words(len(worse))} measurably worse".lower() in said.lower()
    for names, word in ((better, "better"), (worse, "worse")):
        for name in names:
            row = table.loc[name]
            effect = f"{hundredths(row['difference'])} points ({hundredths(row['low'])} to {hundredths(row['high'])})"
            assert f"{seen(name)} {effect}" in shown
            assert (row["low"] > 0) == (word == "better") and (row["high"] < 0) == (word == "worse")
    # the better ones come with the greatest first, the worse ones with the worst
    order = [float(value) for value in re.findall(r"([+-]?\d+\.\d\d) points", said.replace(MINUS, "-")) if value]
    assert order[: len(better)] == sorted(order[: len(better)], reverse=True)
    assert order[len(better) :] == sorted(order[len(better) :])
    assert ("no measurable difference" in said) == (0 < len(same) < len(table))
    assert (" be told from" in said) == (len(same) == len(table))
    if 0 < len(same) < len(table):
        greatest_first = sorted(same, key=lambda name: -table.loc[name, "difference"])
        told = shown.rpartition(". ")[2] if "." not in "".join(map(seen, same)) else shown
        assert all(seen(name) in told for name in same)
        assert plain(sentences.listing(greatest_first)) in shown or table["difference"].duplicated().any()
        assert ("this one makes" in said) == (len(same) == 1) and ("they make" in said) == (len(same) > 1)


@given(tables())
def test_found_has_a_line_for_each_verdict(table: pd.DataFrame) -> None:
    lines = sentences.found(table, "base", "change", "with 3 epochs")
    assert lines[0].startswith(f"Of {len(table)} change{'s' * (len(table) != 1)} of base with 3 epochs, ")
    if table["low"].isna().all():
        assert lines == [lines[0]] and lines[0].endswith("none can be judged")
        return
    assert len(lines) == 3
    for line, verdict in zip(lines, ("better", "worse", "no measurable difference"), strict=True):
        part = table[table["verdict"] == verdict]
        assert verdict in line
        number = {0: "none", 1: "one"}.get(len(part), str(len(part)))
        assert re.search(rf"\b{number} (is|are|makes?) (measurably )?{verdict}", line, re.IGNORECASE)
        assert ("makes " in line or " is " in line or "None is" in line or "One is" in line) == (len(part) < 2)
        sizes = [abs(float(value.replace(MINUS, "-"))) for value in re.findall(r"\(([+−]?\d+\.\d\d) points\)", line)]
        assert len(sizes) == len(part) and sizes == sorted(sizes, reverse=True)
        shown = plain(line)
        assert all(f"{seen(name)} ({hundredths(row['difference'])} points)" in shown for name, row in part.iterrows())


@given(tables())
def test_a_tally_counts_and_spans_the_changes(table: pd.DataFrame) -> None:
    said = sentences.tally(table, "augmentation")
    if table["low"].isna().all():
        assert "better" not in said
        assert ("cannot be judged" in said) == bool(len(table))
        return
    for verdict in ("better", "worse"):
        assert f"{counted_words((table['verdict'] == verdict).sum())} measurably {verdict}" in said
    low, high = hundredths(table["difference"].min()), hundredths(table["difference"].max())
    assert (f"{low} to {high} points" if len(table) > 1 else f"a change of {low} points") in said


# --- one change -------------------------------------------------------------------------------------------


@given(changes())
def test_an_effect_helps_or_hurts_by_its_interval(change: metrics.Comparison) -> None:
    said = sentences.effect(change)
    assert ("helps" in said) == (change.low > 0)
    assert ("hurts" in said) == (change.high < 0)
    assert ("makes no measurable difference" in said) == (change.low <= 0 <= change.high)
    assert ("cannot be judged" in said) == np.isnan(change.low)
    assert f"{hundredths(change.difference)} points" in said


@given(changes(), changes(), changes())
def test_a_move_is_called_by_what_both_effects_allow(
    before: metrics.Comparison, after: metrics.Comparison, move: metrics.Comparison
) -> None:
    known = not np.isnan(move.low)
    up, down = known and move.low > 0, known and move.high < 0
    if (up and after.difference <= before.difference) or (down and after.difference > before.difference):
        with pytest.raises(ValueError, match="after minus"):
            sentences.moved(before, after, move, "longer training")
        return
    said = sentences.moved(before, after, move, "longer training")
    assert ("cannot be judged" in said) == (not known)
    assert ("no measurable dependence" in said) == (known and not up and not down)
    helped, helps = before.low > 0, after.low > 0
    hurt, hurts = before.high < 0, after.high < 0
    assert ("helps more" in said) == (helped and helps and up)
    assert ("helps less" in said) == (helped and helps and down)
    assert ("hurts less" in said) == (hurt and hurts and up)
    assert ("hurts more" in said) == (hurt and hurts and down)
    assert ("turns from hurting to helping" in said) == (hurt and helps and up)
    assert ("turns from helping to hurting" in said) == (helped and hurts and down)
    neither = not ((helped and (helps or (hurts and down))) or (hurt and (hurts or (helps and up))))
    assert ("moves up" in said) == (up and neither) and ("moves down" in said) == (down and neither)


# --- accuracies and claims --------------------------------------------------------------------------------


@given(SHARES, WIDTHS, SHARES)
def test_a_claimed_accuracy_is_reached_by_the_interval(mean: float, half: float, accuracy: float) -> None:
    estimate = metrics.Estimate(mean, 0.0, mean - half, mean + half, 3)
    said = sentences.claimed(estimate, accuracy)
    word = said.rpartition(": ")[2]
    assert (word == "reached") == (mean - half > accuracy)
    assert (word == "not reached") == (mean + half < accuracy)
    assert (word == "within reach") == (mean - half <= accuracy <= mean + half)


@given(SHARES, SHARES, SHARES)
def test_a_number_lies_in_above_or_below_an_interval(value: float, one: float, two: float) -> None:
    low, high = min(one, two), max(one, two)
    said = sentences.where(value, low, high)
    assert ("in the" in said, "above" in said, "below" in said) == (low <= value <= high, value > high, value < low)


@given(st.lists(st.sampled_from(sentences.CLAIM_VERDICTS), max_size=20))
def test_claims_are_counted(judged: list[str]) -> None:
    said = sentences.claims(judged)
    if not judged:
        assert said == "There is no claim."
        return
    assert said.startswith(f"Of {len(judged)} claim{'s' * (len(judged) != 1)}, ")
    parts = re.split(r", | and ", said.removesuffix(".").partition(", ")[2])
    found = {}
    for part in parts:
        number, word = re.fullmatch(r"(one|\d+) (?:is |are )?(.+)", part).groups()
        found[word] = 1 if number == "one" else int(number)
        assert " are " not in part or found[word] > 1
        assert " is " not in part or found[word] == 1
    assert found == {word: judged.count(word) for word in set(judged)}


def test_claims_that_are_tried_in_two_ways_are_said_to_count_twice() -> None:
    assert sentences.claims(["reached"] * 3, twice=2).endswith(
        "3 are reached. 2 claims count twice, tried in two ways."
    )
    assert "twice" not in sentences.claims(["reached"])


def test_seeds_that_are_further_apart_than_a_table_assumes_are_named() -> None:
    said = sentences.spreads({60_000: 0.002, 10_000: 0.006}, 0.0025)
    assert "0.20 points with 60,000 images and 0.60 points with 10,000 images; " in said
    assert said.endswith("; with 10,000 images it takes more seeds than the table says.")
    assert sentences.spreads({60_000: 0.002}, 0.0025).endswith("typically 0.20 points with 60,000 images.")
    assert sentences.spreads({}, 0.0025) == "How far seeds are apart is not known yet."


def test_a_verdict_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="perhaps"):
        sentences.claims(["reached", "perhaps"])


@given(st.lists(st.integers(1, 5), max_size=12), st.booleans())
def test_several_seeds_are_said_of_those_that_have_them(numbers: list[int], borrowed: bool) -> None:
    said = sentences.seeds(numbers, borrowed)
    several = len([n for n in numbers if n > 1])
    assert ("Each has several" in said) == (bool(numbers) and several == len(numbers))
    assert ("None has several" in said) == (bool(numbers) and several == 0)
    if 0 < several < len(numbers):
        assert sentences.how_many(several, len(numbers), "experiment") in said
    assert ("borrows" in said) == (borrowed and several < len(numbers))


@given(st.lists(st.lists(SHARES, min_size=4, max_size=4), min_size=1, max_size=4), st.floats(0.5, 0.95))
def test_enough_seeds_is_the_least_number_that_finds_it(shares: list[list[float]], enough: float) -> None:
    table = pd.DataFrame(shares, index=[0.25 * 2**i for i in range(len(shares))], columns=[2, 3, 5, 10])
    said = sentences.enough_seeds(table, enough)
    for effect, row in table.iterrows():
        numbers = [seeds for seeds in (2, 3, 5, 10) if row[seeds] >= enough]
        unit = "point" if effect == 1 else "points"
        expected = f"takes {numbers[0]} seeds" if numbers else "takes more than 10 seeds"
        assert f"one of {effect:g} {unit} {expected}" in said


@given(st.lists(SHARES, min_size=1, max_size=6))
def test_a_range_ends_at_its_least_and_greatest(values: list[float]) -> None:
    said = sentences.ranges(values)
    numbers = [float(number) for number in re.findall(r"\d+\.\d", said)]
    assert numbers[0] == round(100 * min(values), 1) and numbers[-1] == round(100 * max(values), 1)
    assert len(numbers) == 1 + (numbers[0] != numbers[-1])


@given(st.integers(1, 60_000), st.integers(1, 100), st.integers(1, 10))
def test_a_budget_counts_in_the_right_number(images: int, epochs: int, seeds: int) -> None:
    said = sentences.budget(images, epochs, seeds)
    for n, thing in ((images, "training image"), (epochs, "epoch"), (seeds, "seed")):
        assert re.search(rf"(?<!\d){n:,} {thing}{'' if n == 1 else 's'}\b", said)


@given(NAMES, st.integers(1, 10**8), SHARES)
def test_a_size_names_its_net(name: str, parameters: int, share: float) -> None:
    said = sentences.size(name, parameters, metrics.Estimate(share, 0.0, share, share, 2), "2 s on cpu")
    shown = plain(said)
    assert shown.startswith(f"{seen(name)} ({parameters:,} weights): {metrics.percent(share)} ± 0.00 (2 seeds)")
    assert shown.endswith("; a training took 2 s on cpu")
