"""The tables of published results in README.md, written from the records and from nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fmnist_utils.studies import claims, recipes
from fmnist_utils.system import PUBLISHED, ROOT

TABLES = {"results": claims.architectures, "recipes": recipes.table}


def blocks(out: str | Path = PUBLISHED) -> list[str]:
    """Write each table of published results as Markdown, between its two marks."""
    return [f"<!-- {name} -->\n{_markdown(make(out))}\n<!-- /{name} -->" for name, make in TABLES.items()]


def _markdown(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "No published runs yet."
    cells = rows.map(lambda value: f"{value:,}" if isinstance(value, int) else str(value))
    lines = [list(rows.columns), ["---"] * len(rows.columns), *cells.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(readme: Path = ROOT / "README.md") -> None:
    """Put the tables between their marks in README.md."""
    text = readme.read_text("utf-8")
    for block in blocks():
        begin, end = block.split("\n")[0], block.split("\n")[-1]
        before, _, rest = text.partition(begin)
        text = before + block + rest.partition(end)[2]
    readme.write_text(text, "utf-8")
