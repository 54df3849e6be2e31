"""Sentences on nets side by side: which is ahead, and which is worth its cost (05)."""

from __future__ import annotations

import pandas as pd

from fmnist_utils.analysis.compare import SAME, Estimate, reaches
from fmnist_utils.basics.text import counted, md, percent, points
from fmnist_utils.sentences.words import how_many, listing, plainly, ranges, unjudged


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
    alone, mean = len(first) == 1, "accuracy" if unjudged(pairs) else "mean"
    if len(first) > len(others):
        return f"No net has a higher {mean} than another{within}."
    start = f"**{listing(first)}** {'has' if alone else 'have'} the highest {mean}{within}"
    if unjudged(pairs):
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
    if unjudged(pairs):
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
    others, first = _against(best, pairs), _in_front(best, pairs)
    alone, mean = len(first) == 1, "accuracy" if unjudged(pairs) else "mean"
    who = "it is" if alone else "they are"
    start = f"{plainly(first)} {'has' if alone else 'have'} the highest {mean}{within}, {percent(accuracy, 1)}"
    if len(first) > len(others):
        who, start = "one is", f"No net has a higher {mean} than another{within}: {percent(accuracy, 1)} each"
    if unjudged(pairs):
        return f"{start}; one seed each cannot tell whether {who} ahead."
    behind = sum(verdict == "better" for verdict in others.values())
    ahead = f"is measurably ahead of {how_many(behind, len(others), 'other net')}"
    if len(others) == 1:
        ahead = f"is {'' if behind else 'not '}measurably ahead of the other one"
    start += f", and {'' if alone else f'{best} '}{ahead}" if who != "one is" else ""
    names = worth_their_cost(pairs, weights)
    verb = "is" if len(names) < 2 else "are"
    return f"{start}. {plainly(names) if names else 'No net'} {verb} measurably ahead of every net with fewer weights."


def hardest_class(missed: pd.DataFrame) -> str:
    """Say which class is missed most, by how many nets; `missed` (nets, classes) has shares."""
    known = missed.dropna(axis="columns", how="any")
    if known.empty:
        return "No class has a test image."
    most = known.max(axis="columns")
    missed_most = known.gt(most - SAME, axis="index")  # or as much as another
    alike = missed_most.all(axis="columns")  # such as nets without a mistake
    if alike.all():
        return f"No net misses one class more than another: {ranges(list(most))} of each."
    counts = missed_most[~alike].sum()  # nets that do
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
