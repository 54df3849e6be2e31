"""The index of a reports folder: what was asked, what came out, who leads, and how it was made."""

from __future__ import annotations

import base64
import io
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from PIL import Image

from fmnist_utils import models, sentences
from fmnist_utils.analysis import metrics
from fmnist_utils.basics.errors import MAKE_ROOM, os_errors
from fmnist_utils.basics.system import ROOT, write_whole
from fmnist_utils.basics.text import counted, interval, span, spreadsheet
from fmnist_utils.report import freshness
from fmnist_utils.report.html import FILTERS, SERIES, TEMPLATE, assets, opened, tidy_table
from fmnist_utils.report.marker import index_is_new, runs_of
from fmnist_utils.report.parameters import title
from fmnist_utils.report.summary import MIME
from fmnist_utils.runs.finished import Folder
from fmnist_utils.runs.lookup import names_of_data, results

THUMBNAIL = (640, 400)  # pixels, at most


@os_errors("write", MAKE_ROOM)
def write_index(
    out: Path,
    notebooks: Path = ROOT / "notebooks",
    claims: Callable[[Path], pd.DataFrame] | None = None,
) -> None:
    """Write ``index.html`` and ``results.csv`` of a reports folder.

    Parameters
    ----------
    out : folder with the executed notebooks (``notebooks/``), the reports and the runs
    notebooks : the notebooks' sources; one that was never executed is listed as not run yet
    claims : makes the table of claims about Fashion-MNIST from `out`, as ``studies.claims.table`` does; for
        runs on other images, or without it, the index has none
    """
    trainings = runs_of(out)  # before they are read: one that comes meanwhile has the index written once more
    runs = results(out)
    write_whole(out / "results.csv", lambda path: runs.map(spreadsheet).to_csv(path, index=False))
    folder = Folder(out)
    cards = [_card(out, notebook) for notebook in sorted(notebooks.glob("[0-9][0-9]_*.ipynb"))]
    done = [card for card in cards if card["provenance"]]
    provenance: dict[str, Any] = max((card["provenance"] for card in done), key=lambda made: made["date"], default={})
    profiles = list(dict.fromkeys(card["profile"] for card in done if card["profile"]))
    if profiles:  # of all reports, not of the newest alone
        provenance = {**provenance, "profile": ", ".join(profiles)}
    # The claims are about Fashion-MNIST, whatever else has been run in this folder.
    fashion = not runs.empty and (runs["dataset"] == "fashion-mnist").any()
    judged = claims(out) if claims and fashion else pd.DataFrame()
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
        profiles=profiles,
        datasets=list(dict.fromkeys(card["data"] for card in done if card["data"])),
        leaderboard=_table(
            leaderboard(folder, part=False), "Leaderboard: finished experiments, those on the most images first"
        ),
        part=_table(leaderboard(folder, part=True), "Finished experiments on a part of the images"),
        seeds=seeds_sentence(folder),
        uncertainty=metrics.UNCERTAINTY,
        claims=_table(judged, "What the source projects claimed, and what we measure"),
        judged=claims_sentence(judged),
        runs=len(runs),
    )
    write_whole(out / "index.html", lambda path: path.write_text(text, encoding="utf-8"))
    index_is_new(out, trainings)


def _card(out: Path, notebook: Path) -> dict[str, Any]:
    """What the index shows of one notebook, from its executed copy."""
    executed = out / "notebooks" / notebook.name
    page = out / f"{notebook.stem}.html"
    content = freshness.whole(executed)
    if not content and executed.exists():
        print(f"{executed} is damaged: left out of the index, and executed again when it is wanted", file=sys.stderr)
    provenance = content.get("metadata", {}).get("fmnist", {}).get("provenance", {})
    card: dict[str, Any] = {
        "number": notebook.stem[:2],
        "title": title(notebook),
        "link": page.name if page.exists() else "",
        "notebook": f"notebooks/{executed.name}" if content else "",
        "failed": executed.with_suffix(".failed.ipynb").exists(),
        "provenance": provenance,
        "data": provenance.get("parameters", {}).get("dataset", ""),
        "profile": provenance.get("profile", ""),
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
    image = opened("".join(encoded)).convert("RGB")
    image.thumbnail(THUMBNAIL)
    buffer = io.BytesIO()
    image.quantize(64).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def leaderboard(folder: Folder, part: bool) -> pd.DataFrame:
    """One row an experiment, its seeds together; those on the most images first, and of these the best.

    Of several data sets that of the most experiments goes before: accuracies of two say nothing of each other.

    `part` picks those on less than half of the images of their data set, or the others. The interval is that of
    `Folder.accuracies`; in ``attrs["runs"]`` stand the keys of each row's runs.
    """
    called = names_of_data((name.dataset, name.checksum) for name in folder.accuracies)
    tried = Counter((name.dataset, name.checksum) for name in folder.accuracies)
    rows = []
    for name, accuracy in folder.accuracies.items():
        if folder.on_part(name) != part:
            continue
        group = folder.group(name)
        first = group[0]
        images = first.provenance["train_size"]
        rows.append(
            {
                "model": first.experiment.model,
                "source": models.entry(first.experiment.model).source,
                "data": called[name.dataset, name.checksum],
                "parameters": f"{first.parameters:,}",
                "test accuracy": metrics.percent(accuracy.mean),
                "± 95 %": interval(accuracy.low, accuracy.high) if accuracy.is_cut else accuracy.margin or "–",
                "seeds": accuracy.n,
                "epochs": span([len(run.history) for run in group]),
                "images": f"{images:,}",
                "seconds": f"{group.seconds:.0f}",
                "recipe": first.experiment.recipe,
                "order": (tried[name.dataset, name.checksum], images, accuracy.mean),
                "runs": [[run.key for run in group]],
            }
        )
    if not rows:
        return pd.DataFrame()
    whole = pd.DataFrame(rows).sort_values("order", ascending=False)
    table = whole.drop(columns=["order", "runs", *(["data"] if whole["data"].nunique() == 1 else [])])
    table.attrs["runs"] = whole["runs"].tolist()
    return table


def seeds_sentence(folder: Folder) -> str:
    """Say how many of the experiments on all tables have several seeds, and what becomes of the others."""
    estimates = folder.accuracies.values()
    return sentences.seeds([estimate.n for estimate in estimates], any(estimate.borrowed for estimate in estimates))


def claims_sentence(judged: pd.DataFrame) -> str:
    """Count the verdicts of the claims, and say what those about effects are corrected for."""
    if judged.empty:
        return ""
    compared = counted(judged.attrs["compared"], "comparison")
    counts = sentences.claims(judged["verdict"], twice=judged.attrs["twice"])
    return f"{counts} Verdicts about effects are corrected for {compared}."


def _table(table: pd.DataFrame, caption: str) -> Markup | str:
    """Render a table with escaped cells, a caption and header scopes; "" for an empty one.

    Each row names the runs that it rests on (``attrs["runs"]``): keys apart by blanks, arms by semicolons.
    """
    if table.empty:
        return ""
    soup = BeautifulSoup(table.to_html(index=False, escape=True, border=0), "html.parser")
    for element in soup.find_all("table"):
        tidy_table(element)
        title = soup.new_tag("caption")
        title.string = caption
        element.insert(0, title)
        for row, arms in zip(element.select("tbody tr"), table.attrs.get("runs", []), strict=False):
            row["data-runs"] = "; ".join(" ".join(arm) for arm in arms)
    return Markup(soup)
