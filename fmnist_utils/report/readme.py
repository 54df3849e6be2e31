"""The table of published results in README.md, written from the records and from nothing else."""

from __future__ import annotations

from pathlib import Path

from fmnist_utils.claims import PUBLISHED
from fmnist_utils.paths import ROOT
from fmnist_utils.report.index import leaderboard
from fmnist_utils.store import results

BEGIN, END = "<!-- results -->", "<!-- /results -->"
COLUMNS = ["model", "parameters", "test accuracy", "± 95 %", "seeds", "epochs", "recipe"]
ALL_IMAGES = 50_000  # training images at least: an experiment on a part of them is not a result to quote


def table(out: str | Path = PUBLISHED) -> str:
    """Write the best published experiment of each model as a Markdown table."""
    runs = results(out)
    if not runs.empty:
        runs = runs[(runs["train_size"] >= ALL_IMAGES) & (runs["dataset"] == "fashion-mnist")]
    rows = leaderboard(runs)
    if rows.empty:
        return "No published runs yet."
    rows = rows.drop_duplicates("model")[COLUMNS]
    lines = [COLUMNS, ["---"] * len(COLUMNS), *rows.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(readme: Path = ROOT / "README.md") -> None:
    """Put the table between its two marks in README.md."""
    before, _, rest = readme.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", "utf-8")
