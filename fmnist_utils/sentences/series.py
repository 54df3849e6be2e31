"""Sentences on the whole series: seeds, spreads, and the verdicts on claims (index, README, 05)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from fmnist_utils.analysis.compare import Estimate, reaches
from fmnist_utils.basics.text import counted, md, number, percent
from fmnist_utils.sentences.words import first_capital, how_many, joined


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
    return f"Of {counted(len(words), 'claim')}{f' {whose}' if whose else ''}, {joined(said)}.{again}"


def enough_seeds(power: pd.DataFrame, enough: float) -> str:
    """Say how many seeds find an effect often `enough` (a share), from a table of `metrics.power_table`."""
    said = []
    tried = [int(str(number)) for number in power.columns]
    for effect, row in power.sort_index(ascending=False).iterrows():
        finding = [number for number, share in zip(tried, row, strict=True) if share >= enough]
        number = counted(min(finding), "seed") if finding else f"more than {counted(max(tried), 'seed')}"
        said.append(f"one of {effect:g} {'point' if effect == 1 else 'points'} takes {number}")
    return f"To find a difference with a chance of {percent(enough, 0)} or more: {joined(said)}."


def spreads(typical: Mapping[int, float], assumed: float) -> str:
    """Say how far seeds are typically apart by the number of training images, and where more than is `assumed`."""
    if not typical:
        return "How far seeds are apart is not known yet."
    said = [f"{number(value, 2)} points with {images:,} images" for images, value in typical.items()]
    more = [f"{images:,} images" for images, value in typical.items() if round(value, 4) > round(assumed, 4)]
    end = f"; with {joined(more)} it takes more seeds than the table says." if more else "."
    return f"In the published experiments the spread is typically {joined(said)}{end}"


def size(name: str, parameters: int, accuracy: Estimate, cost: str) -> str:
    """Say what a net reached and what it cost: ``"**best** (893,182 weights): 95.46 % ± 0.41; a training took …"``."""
    return f"**{md(name)}** ({parameters:,} weights): {accuracy}; a training took {cost}"


def claimed(estimate: Estimate, accuracy: float) -> str:
    """Say whether an accuracy reaches a claimed one: ``"93.76 % ± 0.47 (3 seeds) against 93.90 %: within reach"``."""
    return f"{estimate} against {percent(accuracy)}: {reaches(estimate, accuracy)}"


UNTRAINED = (
    "Nothing of this has been trained by the code as it is, neither here nor among the published runs: "
    "profile `full` trains it."
)
