"""Sentences on changes of one recipe: which are better, what one does, which narrow the gap (03, 04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_utils.analysis.compare import CANNOT_BE_JUDGED, Comparison, level, lost_by_correction
from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.text import counted, interval, md, mean_count, percent, points, span
from fmnist_utils.sentences.words import first_capital, how_many, joined, listing, plainly, so_many, unjudged

# What a verdict says of a change that was made.
CORRECTED = " when corrected for all comparisons of the table"
EFFECTS = {"better": "helps", "worse": "hurts", "no measurable difference": "makes no measurable difference"}
# And of one row of a table.
MEASURED = EFFECTS | {"better": "is measurably better", "worse": "is measurably worse"}


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
    if unjudged(table):
        return f"With one seed each, {counted(n, thing)} cannot be judged against {md(reference)}."
    rows = table.sort_values("difference", ascending=False)
    groups = {verdict: rows[rows["verdict"] == verdict] for verdict in EFFECTS}
    said = []
    for verdict, word in (("better", "better"), ("worse", "worse")):
        part = groups[verdict] if verdict == "better" else groups[verdict][::-1]
        effects = "; ".join(f"**{md(name)}** {sized(row)}" for name, row in part.iterrows())
        said.append(f"{so_many(len(part))} measurably {word}" + (f": {effects}" if effects else ""))
    start = f"Against {md(reference)}{f' {budget}' if budget else ''}, "
    if n == 1:
        name = rows.index[0]
        return f"{start}**{md(name)}** {effect(row(rows, name), MEASURED)}.{_seed_by_seed(rows, reference)}"
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
        f" {listing(names)}: {its} trainings are those of {md(reference)}, perhaps read out in another way, so {it} "
        "compared with them seed by seed."
    )


def sized(row: pd.Series) -> str:
    """Write the difference of a row of a table of comparisons, with its interval, or that it cannot be judged."""
    ends = CANNOT_BE_JUDGED if np.isnan(row["low"]) else interval(row["low"], row["high"], signed=True)
    return f"{points(row['difference'])} ({ends})"


def found(table: pd.DataFrame, reference: str, thing: str = "change", budget: str = "") -> list[str]:
    """Say in a line for each verdict what a table of comparisons found: names and sizes, the greatest effect first.

    Parameters are those of `verdicts`, which gives the intervals, too.
    """
    head = f"Of {counted(len(table), thing)} of {md(reference)}{f' {budget}' if budget else ''}, "
    if unjudged(table):
        return [f"{head}none can be judged"]
    lines = []
    for verdict in EFFECTS:
        part = table[table["verdict"] == verdict]
        part = part.loc[part["difference"].abs().sort_values(ascending=False, kind="stable").index]
        sizes = [f"{md(name)} ({points(value)})" for name, value in part["difference"].items()]
        if verdict == "no measurable difference":
            count = {0: "none makes", 1: "one makes"}.get(len(part), f"{len(part)} make")
        else:
            count = f"{so_many(len(part))} measurably"
        lines.append(f"{count} {verdict}{': ' if sizes else ''}{joined(sizes)}")
    return [head + lines[0], *map(first_capital, lines[1:])]


def tally(table: pd.DataFrame, thing: str = "change") -> str:
    """Count a table's verdicts: ``"of 9 changes, none is measurably better and 2 are measurably worse (…)"``."""
    if unjudged(table):
        return f"{counted(len(table), thing)}, {CANNOT_BE_JUDGED}" if len(table) else f"no {thing}"
    better, worse = (int((table["verdict"] == verdict).sum()) for verdict in ("better", "worse"))
    low, high = points(table["difference"].min()), points(table["difference"].max())
    changes = f"changes of {low.removesuffix(' points')} to {high}" if len(table) > 1 else f"a change of {low}"
    counts = f"{so_many(better)} measurably better and {so_many(worse)} measurably worse"
    return f"of {counted(len(table), thing)}, {counts} ({changes})"


def effect(change: Comparison, words: Mapping[str, str] = EFFECTS) -> str:
    """Say what one change does, in `words` for its verdict: ``"helps: +1.32 points (+0.51 to +2.13)"``."""
    if np.isnan(change.low):
        return f"{points(change.difference)}, {CANNOT_BE_JUDGED}"
    word = words[change.verdict]
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
    if unjudged(table):
        return f"It cannot be judged {why_not(table, thing, budget)}."
    better, worse = (int((table["verdict"] == verdict).sum()) for verdict in ("better", "worse"))
    if better == worse == 0:
        return f"Neither can be shown{within}: of {counted(n, thing)}, none makes a measurable difference."
    words = ("It helps", "One helps", "Some help") if better else ("It only hurts", "One hurts", "Some hurt")
    start = words[0 if better + worse == n else 1 if better + worse == 1 else 2]
    if better and worse:
        start = "Both"
    return f"{start}{within}: of {counted(n, thing)}, {so_many(better)} measurably better and {so_many(worse)} worse."


def every(table: pd.DataFrame, verdict: str, thing: str, budget: str = "", about: Sequence[str] = ()) -> str:
    """Judge the claim that every row is "better" (or "worse"): shown, not shown or contradicted.

    Shown if the corrected verdict of every row is `verdict`, and of all that the claim is `about` if that is given;
    contradicted as soon as one is the opposite.
    """
    n, within = len(table), f" {budget}" if budget else ""
    if unjudged(table):
        return f"**Cannot be judged** {why_not(table, thing, budget)}."
    opposite = {"better": "worse", "worse": "better"}[verdict]
    against = table.index[table["verdict"] == opposite]
    found = int((table["verdict"] == verdict).sum())
    if len(against):
        return f"**Contradicted**{within}: measurably {opposite} with {listing(against)}."
    untried = [name for name in about if name not in table.index]
    word = "Shown" if found == n and not untried else "Not shown"
    said = f"**{word}**{within}: of {counted(n, thing)}, {so_many(found)} measurably {verdict} and none is {opposite}."
    return f"{said} Not tried: {listing(untried)}." if untried else said


def why_not(table: pd.DataFrame, thing: str, budget: str) -> str:
    """Say why a table is `unjudged`, after "cannot be judged"."""
    return budget or "with one seed" if len(table) else f"without any {thing}"


def extremes(table: pd.DataFrame, thing: str) -> str:
    """Say how many of many comparisons are measurable, and name the largest gain and loss among those.

    `table` is indexed by (name, part), as `compare_parts` returns it; a row is a `thing`, such as "recall".
    """
    rows = counted(len(table), thing)
    if unjudged(table):
        return f"With one seed, none of {rows} can be judged."
    said = []
    for verdict, word, best in (("better", "higher", "idxmax"), ("worse", "lower", "idxmin")):
        part = table[table["verdict"] == verdict]
        text = f"{so_many(len(part))} measurably {word}"
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
    if unjudged(gaps):
        return f"{without} With one seed it cannot be judged what changes it."
    narrower, wider = (gaps.index[gaps["verdict"] == verdict] for verdict in ("better", "worse"))
    left = {name: start - gaps.loc[name, "difference"] for name in gaps.index}
    # Below zero, where test images are the easier ones, a lower gap is the wider one.
    below = start < 0 or any(left[name] < 0 for name in narrower)
    sizes = [f"{md(name)} ({points(left[name])})" for name in wider]
    more = f" It is measurably {'higher' if below else 'wider'} with {joined(sizes)}." if sizes else ""
    if not len(narrower):
        does = "lowers" if below else "narrows"
        return f"{without} Of {counted(len(gaps), thing)}, none {does} it measurably.{more}"
    names = joined([f"{md(name)} ({points(left[name])})" for name in narrower]) if below else listing(narrower)
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
        f"{mean_count(lost.sum() / len(lost))} on average, **{md(scores[0].index[taker])}** is given "
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
    if unjudged(table):
        return f"It cannot be judged{within}, since one seed each tells nothing of the spread."
    better, worse = (list(table.index[table["verdict"] == verdict]) for verdict in ("better", "worse"))
    if n == 1:
        does = f"{'is measurably worse' if worse else 'cannot be shown to be better'} than {reference}"
        return f"The one {thing} {'pays off' if better else does}{within}: {plainly(list(table.index))}."
    said = f"{so_many(len(worse))} measurably worse"
    if not better:
        return f"None of {counted(n, thing)} can be shown to be better than {reference}{within}; {said}."
    pay = "one pays off" if len(better) == 1 else f"{len(better)} pay off"
    return f"Of {counted(n, thing)}, {pay}{within}: {plainly(better)}; {said} than {reference}."


def earns(removed: pd.DataFrame, added: pd.DataFrame, recipe: str) -> str:
    """Say which ingredients of a recipe earn their place, and whether another is missing from it.

    Parameters
    ----------
    removed, added : rows of a table of comparisons with `recipe`: changes that take an ingredient away or put another
        in its place, and such as add one; their verdicts stay those of the whole table
    """
    if unjudged(removed):
        return f"Which ingredients of {recipe} earn their place cannot be judged {why_not(removed, 'change', '')}."
    worse, better = (list(removed.index[removed["verdict"] == verdict]) for verdict in ("worse", "better"))
    said = f"Of {counted(len(removed), 'change')} that take away or replace an ingredient of {recipe}, "
    named = f": **{listing(worse)}**. What they take away or replace earns its place" if worse else ""
    said += f"{so_many(len(worse))} measurably worse{named}."
    said += f" {first_capital(so_many(len(better)))} measurably better{f': **{listing(better)}**' if better else ''}."
    if rest := len(removed) - len(worse) - len(better):
        others = "one" if rest == 1 else f"{rest}"
        said += f" For the other {others} it is not shown that what they take away or replace earns its place."
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
            said.append(f"**{md(name)}** {sized(mine)} here and {sized(its)} {where}")
    count = counted(len(judged), "change")
    if not said:
        return f"Of {count} that {given}, none does otherwise there: all intervals overlap."
    return f"Of {count} that {given}, {so_many(len(said))} unlike there: {'; '.join(said)}."


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


NOT_LONGER = (
    "Here the longer training is no longer than the other one, so it was left out: `long_epochs` has to be more than "
    "`epochs`."
)
