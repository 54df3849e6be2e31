"""The computed parts of README.md, written from the records of the published runs and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path

import pandas as pd

from fmnist_utils.analysis import metrics, sentences
from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.system import PUBLISHED, ROOT, write_whole
from fmnist_utils.basics.text import percent
from fmnist_utils.runs.finished import Finished
from fmnist_utils.studies import ablation, claims, recipes

NO_RUNS = "No published runs yet."
SPREAD = 0.0025  # between seeds, of the power table: 0.25 points
ENOUGH = 0.8  # chance of finding an effect that counts as enough


def findings(out: str | Path) -> str:
    """Write what was found: our best accuracies with their cost, what mattered in the recipe, how the claims stand."""
    finished = Finished(out)
    said = []
    for name, recipe in reversed(recipes.RECIPES.items()):
        if group := finished.group(recipe):
            size = group[0].parameters
            said.append(sentences.size(name, size, finished.accuracy(recipe), recipes.cost(group)))
    tried = ablation.table(out)
    if len(tried):
        base = ablation.BASE
        budget = sentences.budget(base.train_size or 60_000, base.epochs, int(tried["seeds"].min()))
        said += sentences.found(tried, "the recipe that sprint starts from", "change", budget)
    said.append(sentences.claims(claims.table(out)["verdict"], "of the five source projects"))
    # entities keep names from being taken for markup; ours need none, and the file is read as it is, too
    return "\n".join(f"- {unescape(sentence)}" for sentence in said)


def power(out: str | Path) -> str:
    """Write how often a true effect is found, by its size and the number of seeds, and how many seeds are enough."""
    table = metrics.power_table(SPREAD, arms=1, tables=4000)
    shown = table.map(lambda share: percent(share, 0))
    shown.insert(0, "effect (points)", [f"{effect:.2f}" for effect in table.index])
    rows = _markdown(shown.rename(columns={seeds: f"{seeds} seeds" for seeds in table.columns}))
    return f"{sentences.enough_seeds(table, ENOUGH)}\n\n{rows}"


def _table(make: Callable[[str | Path], pd.DataFrame]) -> Callable[[str | Path], str]:
    return lambda out: _markdown(make(out))


BLOCKS: dict[str, Callable[[str | Path], str]] = {
    "findings": findings,
    "uncertainty": lambda out: metrics.UNCERTAINTY,
    "results": _table(claims.architectures),
    "recipes": _table(recipes.table),
    "power": power,
}


def blocks(out: str | Path = PUBLISHED) -> list[str]:
    """Write each computed part as Markdown, between its two marks."""
    return [f"<!-- {name} -->\n{make(out)}\n<!-- /{name} -->" for name, make in BLOCKS.items()]


def _markdown(rows: pd.DataFrame) -> str:
    if rows.empty:
        return NO_RUNS
    cells = rows.map(lambda value: f"{value:,}" if isinstance(value, int) else str(value))
    lines = [list(rows.columns), ["---"] * len(rows.columns), *cells.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(readme: Path = ROOT / "README.md") -> None:
    """Put the computed parts between their marks in README.md.

    Raises
    ------
    UserError
        A mark is missing, or there twice; then nothing is written.
    """
    text = readme.read_text("utf-8")
    for block in blocks():
        begin, *_, end = block.split("\n")
        before, _, rest = text.partition(begin)
        if not text.count(begin) == text.count(end) == rest.count(end) == 1:
            raise UserError(f"{readme} must have {begin} once and below it {end} once: what is between is replaced")
        text = before + block + rest.partition(end)[2]
    write_whole(readme, lambda part: part.write_text(text, "utf-8"))
