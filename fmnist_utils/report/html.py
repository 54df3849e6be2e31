"""Renders an executed notebook as one HTML file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup
from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from traitlets.config import Config

from fmnist_utils.errors import MAKE_ROOM, os_errors
from fmnist_utils.report.page import Page
from fmnist_utils.report.summary import MIME as SUMMARY
from fmnist_utils.report.summary import cost
from fmnist_utils.system import write_whole
from fmnist_utils.text import duration

SERIES = "Image classifiers in six questions"
TEMPLATE = Path(__file__).with_name("template")
PROVENANCE = ["profile", "parameters", "date", "wall_seconds", "device", "machine", "commit", "versions", "fingerprint"]


def render(
    executed: Path,
    target: Path,
    previous: tuple[str, str] | None = None,
    following: tuple[str, str] | None = None,
) -> None:
    """Write the report of an executed notebook.

    Parameters
    ----------
    executed : Path
        The notebook with its outputs; ``metadata.fmnist.provenance`` is shown at the report's end.
    target : Path
        The HTML file to write; it is written beside and renamed when whole.
    previous, following : (address, title)
        The neighbours in the series.
    """
    notebook = nbformat.read(executed, as_version=4)
    page = Page(title(notebook, executed.stem))
    summary = take_summary(notebook)
    drop_title(notebook)
    exporter = _Exporter(
        config=Config(
            {
                "NbConvertBase": {
                    "display_data_priority": [
                        SUMMARY, "text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain",
                    ]
                },
                "CoalesceStreamsPreprocessor": {"enabled": True},
                "TagRemovePreprocessor": {
                    "enabled": True, "remove_cell_tags": ["remove-cell"], "remove_input_tags": ["remove-input"],
                },
            }
        ),
        template_name=TEMPLATE.name,
        template_file="report.html.j2",
        extra_template_basedirs=[str(TEMPLATE.parent)],
        filters={"prose": page.prose, "cleaned": page.cleaned, "picture": page.picture, **FILTERS},
    )  # fmt: skip
    exporter.environment.globals["page"] = page  # not among the resources: nbconvert copies those
    text, _ = exporter.from_notebook_node(
        notebook,
        resources={
            "assets": assets(),
            "series": SERIES,
            "number": executed.stem.split("_")[0],
            "summary": summary,
            "provenance": provenance(notebook),
            "previous": previous,
            "following": following,
        },
    )
    with os_errors("write", MAKE_ROOM):
        write_whole(target, lambda path: path.write_text(text, encoding="utf-8"))


class _Exporter(HTMLExporter):
    """nbconvert's exporter with a template environment that escapes whatever is not marked as HTML."""

    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()
        environment.autoescape = True
        return environment


def title(notebook: NotebookNode, default: str) -> str:
    """Text of a notebook's first level-1 heading."""
    for cell in notebook.cells:
        found = re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if found:
            return BeautifulSoup(str(Page("").prose(found[1])), "html.parser").get_text(" ", strip=True)
    return default


def drop_title(notebook: NotebookNode) -> None:
    """Take the level-1 heading out of the text: the page's header shows it."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"^#\s+.+$", cell.source, re.MULTILINE):
            cell.source = re.sub(r"^#\s+.+$", "", cell.source, count=1, flags=re.MULTILINE)
            return


def take_summary(notebook: NotebookNode) -> dict[str, Any] | None:
    """Remove the last summary box from the outputs and return its parts, with the cost in words."""
    for cell in reversed(notebook.cells):
        for output in cell.get("outputs", []):
            if SUMMARY in output.get("data", {}):
                cell.outputs.remove(output)
                parts = dict(output.data[SUMMARY])
                return {**parts, "cost": cost(parts)}
    return None


def provenance(notebook: NotebookNode) -> dict[str, Any]:
    """Provenance that the execution stored in the notebook, in reading order; empty if it was run by hand."""
    found = notebook.metadata.get("fmnist", {}).get("provenance", {})
    return {name: found[name] for name in PROVENANCE if name in found}


def plain(value: object) -> str:
    """Write a parameter's value as people would in YAML."""
    if isinstance(value, str):
        return value or "–"
    return json.dumps(value, ensure_ascii=False)


FILTERS: dict[str, Callable[..., Any]] = {"plain": plain, "duration": duration, "bare": strip_ansi}


@cache
def assets() -> dict[str, Markup]:
    """Style, script and security policy of every page; the policy lets this one script run and nothing load."""
    script = (TEMPLATE / "script.js").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {
        "style": Markup((TEMPLATE / "style.css").read_text(encoding="utf-8")),
        "script": Markup(script),
        "policy": Markup(
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        ),
    }
