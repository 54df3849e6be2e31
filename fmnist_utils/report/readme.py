"""The table of published results in README.md, written from the records and from nothing else."""

from __future__ import annotations

from pathlib import Path

from fmnist_utils.claims import PUBLISHED, architectures
from fmnist_utils.paths import ROOT

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def table(out: str | Path = PUBLISHED) -> str:
    """Write the published accuracy of each of the seeds' architectures as a Markdown table."""
    rows = architectures(out)
    if rows.empty:
        return "No published runs yet."
    rows["parameters"] = rows["parameters"].map("{:,}".format)
    lines = [list(rows.columns), ["---"] * len(rows.columns), *rows.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(readme: Path = ROOT / "README.md") -> None:
    """Put the table between its two marks in README.md."""
    before, _, rest = readme.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", "utf-8")
