"""The index of a reports folder: what was asked, what came out, who leads, and how it was made."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from PIL import Image

from fmnist_utils import models
from fmnist_utils.analysis import metrics
from fmnist_utils.errors import MAKE_ROOM, os_errors
from fmnist_utils.report import freshness
from fmnist_utils.report.html import FILTERS, SERIES, TEMPLATE, assets, tidy_table
from fmnist_utils.report.marker import index_is_new
from fmnist_utils.report.parameters import title
from fmnist_utils.report.summary import MIME
from fmnist_utils.runs.store import results
from fmnist_utils.studies import claims
from fmnist_utils.system import ROOT, write_whole
from fmnist_utils.training.experiment import Experiment

THUMBNAIL = (640, 400)  # pixels, at most


@os_errors("write", MAKE_ROOM)
def write_index(out: Path, notebooks: Path = ROOT / "notebooks") -> None:
    """Write ``index.html`` and ``results.csv`` of a reports folder.

    Parameters
    ----------
    out : folder with the executed notebooks (``notebooks/``), the reports and the runs
    notebooks : the notebooks' sources; one that was never executed is listed as not run yet
    """
    runs = results(out)
    write_whole(out / "results.csv", lambda path: runs.map(_text).to_csv(path, index=False))
    part = on_part(runs)
    cards = [_card(out, notebook) for notebook in sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))]
    done = [card for card in cards if card["provenance"]]
    provenance: dict[str, Any] = max((card["provenance"] for card in done), key=lambda made: made["date"], default={})
    # The claims are about Fashion-MNIST, whatever else has been run in this folder.
    fashion = not runs.empty and (runs["dataset"] == "fashion-mnist").any()
    environment = Environment(loader=FileSystemLoader(TEMPLATE), autoescape=True)
    environment.filters.update(FILTERS)
    text = environment.get_template("index.html.j2").render(
        assets=assets(),
        series=SERIES,
        cards=cards,
        provenance={
            name: value
            for name, value in provenance.items()
            if name not in ("parameters", "fingerprint", "wall_seconds")
        },
        dataset=provenance.get("parameters", {}).get("dataset", ""),
        leaderboard=_table(
            leaderboard(runs[~part]), "Leaderboard: finished experiments, those on the most images first"
        ),
        part=_table(leaderboard(runs[part]), "Finished experiments on a part of the images"),
        claims=_table(claims.table(out), "What the source projects claimed, and what we measure") if fashion else "",
        runs=len(runs),
    )
    write_whole(out / "index.html", lambda path: path.write_text(text, encoding="utf-8"))
    index_is_new(out)


def _text(cell: Any) -> Any:
    """Keep spreadsheets from taking a name for a formula: it gets an apostrophe, which they do not show."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _card(out: Path, notebook: Path) -> dict[str, Any]:
    """What the index shows of one notebook, from its executed copy."""
    executed = out / "notebooks" / notebook.name
    page = out / f"{notebook.stem}.html"
    content = freshness.whole(executed)
    if not content and executed.exists():
        print(f"{executed} is damaged: left out of the index, and executed again when it is wanted", file=sys.stderr)
    card: dict[str, Any] = {
        "number": notebook.stem[:2],
        "title": title(notebook),
        "link": page.name if page.exists() else "",
        "notebook": f"notebooks/{executed.name}" if content else "",
        "failed": executed.with_suffix(".failed.ipynb").exists(),
        "provenance": content.get("metadata", {}).get("fmnist", {}).get("provenance", {}),
        "summary": {},
        "thumbnail": "",
    }
    outputs = [output for cell in content.get("cells", []) for output in cell.get("outputs", [])]
    for output in outputs:
        card["summary"] = output.get("data", {}).get(MIME, card["summary"])
    for output in outputs:
        if "image/png" in output.get("data", {}):
            try:
                card["thumbnail"] = _thumbnail(output["data"]["image/png"])
            except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
                print(f"{executed} has a figure that cannot be shown in the index ({error})", file=sys.stderr)
                continue
            card["alt"] = output.get("metadata", {}).get("image/png", {}).get("alt", card["title"])
            break
    return card


def _thumbnail(encoded: str | list[str]) -> str:
    """Shrink a PNG (base64) to a small one, as an address that needs no request."""
    image = Image.open(io.BytesIO(base64.b64decode("".join(encoded)))).convert("RGB")
    image.thumbnail(THUMBNAIL)
    buffer = io.BytesIO()
    image.quantize(64).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def on_part(runs: pd.DataFrame) -> pd.Series[bool]:
    """Say of each run whether it saw less than half of the images that others of its data set did; bool (runs,)."""
    if runs.empty:
        return pd.Series(dtype=bool)
    return runs["train_size"] < runs.groupby("dataset")["train_size"].transform("max") / 2


def leaderboard(runs: pd.DataFrame) -> pd.DataFrame:
    """One row an experiment, its seeds together; those on the most images first, and of these the best."""
    if runs.empty:
        return pd.DataFrame()
    rows = []
    for (_, canonical), group in runs.groupby(["dataset", "experiment"]):
        first, n = group.iloc[0], len(group)
        estimate = metrics.mean_interval(group["test_accuracy"]) if n > 1 else None
        rows.append(
            {
                "model": first["model"],
                "source": models.entry(first["model"]).source,
                "data": first["dataset"],
                "parameters": f"{first['parameters']:,}",
                "test accuracy": f"{group['test_accuracy'].mean():.2%}".replace("%", " %"),
                "± 95 %": f"{50 * (estimate.high - estimate.low):.2f}" if estimate else "–",
                "seeds": n,
                "epochs": first["epochs"],
                "images": f"{first['train_size']:,}",
                "seconds": f"{group['seconds'].mean():.0f}",
                "recipe": Experiment(**json.loads(str(canonical))).recipe,
                "order": (first["train_size"], group["test_accuracy"].mean()),
            }
        )
    table = pd.DataFrame(rows).sort_values("order", ascending=False).drop(columns="order")
    return table.drop(columns="data") if table["data"].nunique() == 1 else table


def _table(table: pd.DataFrame, caption: str) -> Markup | str:
    """Render a table with escaped cells, a caption and header scopes; "" for an empty one."""
    if table.empty:
        return ""
    soup = BeautifulSoup(table.to_html(index=False, escape=True, border=0), "html.parser")
    for element in soup.find_all("table"):
        tidy_table(element)
        title = soup.new_tag("caption")
        title.string = caption
        element.insert(0, title)
    return Markup(soup)
