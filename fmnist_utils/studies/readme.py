"""The computed parts of README.md, written from the records of the published runs and from nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_utils import sentences
from fmnist_utils.analysis import metrics
from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.system import PUBLISHED, ROOT, write_whole
from fmnist_utils.basics.text import percent
from fmnist_utils.runs.finished import Finished, Folder
from fmnist_utils.studies import ablation, claims, projects, recipes

NO_RUNS = "No published runs yet."
SPREAD = 0.0025  # between seeds, of the power table: 0.25 points
ENOUGH = 0.8  # chance of finding an effect that counts as enough
ENOUGH_GROUPS = 5  # experiments on as many images, to learn their spread from


def findings(out: str | Path) -> str:
    """Write what was found: our best accuracies with their cost, what mattered in the recipe, how the claims stand."""
    finished = Finished(out)
    said = []
    ours = {name: recipe for name, recipe in recipes.RECIPES.items() if recipe.dataset == "fashion-mnist"}
    reached = {name: finished.accuracy(recipe) for name, recipe in ours.items() if finished.group(recipe)}
    for name in sorted(reached, key=lambda name: -reached[name].mean):
        group = finished.group(ours[name])
        said.append(sentences.size(name, group[0].parameters, reached[name], recipes.cost(group)))
    tried = ablation.table(out).drop(index=ablation.PRECISION, errors="ignore")  # which is no change of the recipe
    if len(tried):
        said += sentences.found(tried, "the recipe that sprint starts from", "change", tried.attrs["budget"])
    judged = claims.table(out)
    said.append(sentences.claims(judged["verdict"], "of the five source projects", judged.attrs["twice"]))
    # entities keep names from being taken for markup; ours need none, and the file is read as it is, too
    return "\n".join(f"- {unescape(sentence)}" for sentence in said)


def power(out: str | Path) -> str:
    """Write how often a true effect is found, by its size and the number of seeds, and how many seeds are enough.

    The spreads between seeds that the published experiments have are written beside that of the table.
    """
    table = metrics.power_table(SPREAD, arms=1, tables=4000)
    shown = table.map(lambda share: percent(share, 0))
    shown.insert(0, "effect (points)", [f"{effect:.2f}" for effect in table.index])
    rows = _markdown(shown.rename(columns={seeds: f"{seeds} seeds" for seeds in table.columns}))
    said = f"{sentences.enough_seeds(table, ENOUGH)} {sentences.spreads(_spreads(Folder(out)), SPREAD)}"
    return f"{said}\n\n{rows}"


def _spreads(folder: Folder) -> dict[int, float]:
    """Learn the typical spread between seeds of the experiments on as many images, most images first."""
    groups: dict[int, list[list[NDArray[np.bool_]]]] = defaultdict(list)
    for name, entry in folder.entries.items():
        if len(correct := folder.group(name).correct) > 1:
            groups[entry.train_size].append(correct)
    alike = {images: some for images, some in sorted(groups.items(), reverse=True) if len(some) >= ENOUGH_GROUPS}
    return {images: metrics.learn_spread(some).typical for images, some in alike.items()}


def _table(make: Callable[[str | Path], pd.DataFrame]) -> Callable[[str | Path], str]:
    return lambda out: _markdown(make(out))


BLOCKS: dict[str, Callable[[str | Path], str]] = {
    "findings": findings,
    "uncertainty": lambda out: metrics.UNCERTAINTY,
    "projects": lambda out: _markdown(projects.table()),
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
        A mark is missing, or there twice, or nothing is published; then nothing is written.
    """
    if not Folder(PUBLISHED).entries:
        raise UserError(f"{PUBLISHED} has no finished runs: {readme.name} is left as it is")
    text = readme.read_text("utf-8")
    for block in blocks():
        begin, *_, end = block.split("\n")
        before, _, rest = text.partition(begin)
        if not text.count(begin) == text.count(end) == rest.count(end) == 1:
            raise UserError(f"{readme} must have {begin} once and below it {end} once: what is between is replaced")
        text = before + block + rest.partition(end)[2]
    write_whole(readme, lambda part: part.write_text(text, "utf-8"))
