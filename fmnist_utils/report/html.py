"""Renders an executed notebook as one HTML file that asks nothing of the network, safe and accessible."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from bleach.css_sanitizer import CSSSanitizer
from bleach.sanitizer import ALLOWED_TAGS, Cleaner
from bs4 import BeautifulSoup, Tag
from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from PIL import Image
from traitlets.config import Config

from fmnist_utils.analysis.mistakes import MIME as MISTAKES
from fmnist_utils.basics.errors import MAKE_ROOM, os_errors
from fmnist_utils.basics.system import write_whole
from fmnist_utils.basics.text import counted, duration
from fmnist_utils.report.parameters import first_heading
from fmnist_utils.report.streams import join_streams
from fmnist_utils.report.summary import MIME as SUMMARY
from fmnist_utils.report.summary import cost

SERIES = "Image classifiers, question by question"
TEMPLATE = Path(__file__).with_name("template")
PROVENANCE = ["profile", "parameters", "date", "wall_seconds", "device", "machine", "commit", "versions", "fingerprint"]
NUMBER = re.compile(r"[-+−]?\d[\d,. ]*(?:e[-+]?\d+)?\s*(?:%|s|k|M|min|ms)?(?:\s*±.*)?|[-–—]?|nan", re.IGNORECASE)
TAGS = ALLOWED_TAGS | {
    "br", "caption", "col", "colgroup", "dd", "details", "div", "dl", "dt", "h2", "h3", "h4", "hr", "p", "pre", "small",
    "span", "style", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
}  # fmt: skip
ATTRIBUTES = ["class", "colspan", "href", "id", "rowspan", "scope", "style", "title"]
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
# Of an output's forms, the first of these is shown; what has none of them is named.
SHOWN = [SUMMARY, MISTAKES, "text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
PASTED = ["image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp"]  # into a cell of text
# What is not on the lists appears as text. The page's Content-Security-Policy is the second line of defence.
CLEANER = Cleaner(TAGS, ATTRIBUTES, protocols=["http", "https", "mailto"], css_sanitizer=CSSSanitizer())


def render(
    executed: Path,
    target: Path,
    previous: tuple[str, str] | None = None,
    following: tuple[str, str] | None = None,
    pages: Collection[str] | None = None,
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
    pages
        Names of the reports that links in the text may lead to, such as ``02_baseline``; those to others become
        plain text. None for all.
    """
    notebook = nbformat.read(executed, as_version=4)
    for cell in notebook.cells:
        join_streams(cell)
        for output in cell.get("outputs", []):
            if (forms := output.get("data")) and not forms.keys() & set(SHOWN):
                forms["text/plain"] = f"(An output of type {', '.join(forms)}, which a page cannot show.)"
    article = Article(title(notebook, executed.stem), pages)
    summary = take_summary(notebook)
    drop_title(notebook)
    exporter = _Exporter(
        config=Config({"NbConvertBase": {"display_data_priority": SHOWN}}),
        template_name=TEMPLATE.name,
        template_file="report.html.j2",
        extra_template_basedirs=[str(TEMPLATE.parent)],
        filters={"prose": article.prose, "cleaned": article.cleaned, "picture": article.picture,
                 "explorer": article.explorer, **FILTERS},
    )  # fmt: skip
    exporter.environment.globals["article"] = article  # not among the resources: nbconvert copies those
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
    """Text of a notebook's first level-1 heading, without its Markdown; `default` without one."""
    found = first_heading(notebook.cells)
    return BeautifulSoup(str(Article("").prose(found)), "html.parser").get_text(" ", strip=True) if found else default


def drop_title(notebook: NotebookNode) -> None:
    """Take the level-1 heading out of the text: the page's header shows it."""
    heading = re.compile(rf"^# +{re.escape(first_heading(notebook.cells))} *$", re.MULTILINE)
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and heading.search(cell.source):
            cell.source = heading.sub("", cell.source, count=1)
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


FILTERS: dict[str, Callable[..., Any]] = {"plain": plain, "duration": duration, "counted": counted, "bare": strip_ansi}


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


# --- the parts of a notebook: Markdown, HTML and figures --------------------------------------------------


class _Renderer(IPythonRenderer):
    """nbconvert's Markdown renderer, which as it stands would escape entities (``&lt;``) a second time."""

    def text(self, text: str) -> str:
        """Render plain text."""
        return html.escape(html.unescape(text), quote=False)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Render a picture that was pasted into the cell; of any other, which the page may not load, its words."""
        pasted = self.attachments.get(unquote(url.removeprefix("attachment:")), {})
        for mime in PASTED if url.startswith("attachment:") else ():
            if isinstance(content := pasted.get(mime), str):
                address = f"data:{mime};base64,{re.sub('[^A-Za-z0-9+/=]', '', content)}"
                return f'<img src="{address}" alt="{html.escape(html.unescape(text))}">'
        words = f"[{text or 'a picture'}: not shown, as it is no part of the notebook; paste it into the cell]"
        return f"<em>{html.escape(html.unescape(words), quote=False)}</em>"


class Article:
    """One notebook's text while its cells are rendered in order: title, contents, nearest heading."""

    def __init__(self, title: str, pages: Collection[str] | None = None) -> None:
        self.title = self.heading = title
        self.pages = pages
        self.contents: list[dict[str, Any]] = []
        self.ids = {"main", "provenance", "contents"}
        self.tables = self.explorers = 0

    def prose(self, source: str, pasted: dict[str, dict[str, str]] | None = None) -> Markup:
        """Render Markdown; HTML in it appears as text. `pasted` are a cell's pictures by name, in base64 by type."""
        renderer = _Renderer(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True, attachments=pasted)
        return self._tidy(MarkdownWithMath(renderer=renderer).render(source))

    def cleaned(self, source: str) -> Markup:
        """Let pass what reports need of an output's HTML: text, tables, figures."""
        return self._tidy(CLEANER.clean(re.sub(r"<style scoped>.*?</style>", "", source, flags=re.DOTALL)))

    def picture(self, output: NotebookNode, mime: str) -> dict[str, Any]:
        """Address, alternative text and size in CSS pixels of an output's figure."""
        meta = output.metadata.get(mime, {})
        data = output.data[mime]
        encoded = base64.b64encode(data.encode()).decode() if mime == "image/svg+xml" else "".join(data.split())
        width, height = meta.get("width"), meta.get("height")
        if mime != "image/svg+xml" and not width:
            image = opened(encoded, mime)
            scale = 96 / image.info.get("dpi", (96, 96))[0]  # so a figure of 8 inches is 8 CSS inches, at any dpi
            width, height = round(image.width * scale), round(image.height * scale)
        if mime == "image/png":
            mime, encoded = "image/webp", _webp(encoded)
        return {
            "src": f"data:{mime};base64,{encoded}",
            "alt": meta.get("alt") or f"Figure in the section “{self.heading}”",
            "described": bool(meta.get("alt")),
            "width": width,
            "height": height,
        }

    def explorer(self, content: dict[str, Any]) -> dict[str, Any]:
        """Lay out a confusion matrix whose cells are buttons: its head, its rows, and what its script reads.

        `content` is that of `Mistakes.content`, with "title" and "turned": the answers in rows.
        """
        self.explorers += 1
        classes, counts, turned = content["classes"], content["counts"], content["turned"]
        numbers = range(len(classes))
        most = max(counts[i][j] for i in numbers for j in numbers if i != j)
        pairs = [[(j, i) if turned else (i, j) for j in numbers] for i in numbers]  # (true, predicted) of each cell
        rows = [
            [
                {"true": i, "predicted": j, "count": counts[i][j], "share": round(100 * counts[i][j] / most)}
                for i, j in row
            ]
            for row in pairs
        ]
        script = {name: content[name] for name in ("classes", "runs", "columns", "images")}
        return {
            **content,
            "id": f"explorer-{self.explorers}",
            "rows": list(zip(classes, rows, strict=True)),
            "script": json.dumps(script, ensure_ascii=False),
            "sprite": re.sub(r"[^A-Za-z0-9+/=]", "", content["sprite"]),
        }

    def _tidy(self, source: str) -> Markup:
        soup = BeautifulSoup(source, "html.parser")
        for heading in soup.find_all(re.compile(r"^h[1-4]$")):
            self._anchor(heading, soup)
        for table in soup.find_all("table"):
            self.tables += 1
            tidy_table(table)
            label = table.caption.get_text(" ", strip=True) if table.caption else self.heading
            # A region that scrolls must be reachable by keyboard, and then have a name.
            frame = {"class": "table", "role": "group", "tabindex": "0", "aria-label": f"Table {self.tables}: {label}"}
            table.wrap(soup.new_tag("div", attrs=frame))
        for link in soup.find_all("a", href="#harmful-link"):  # what the renderer makes of javascript: addresses
            link.unwrap()
        for link in soup.find_all("a", href=re.compile(r"^(?![a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)):
            self._lead(link, soup)
        for block in soup.find_all("pre"):
            block["tabindex"] = "0"
        return Markup(soup)

    def _lead(self, link: Tag, soup: BeautifulSoup) -> None:
        """Let a link within the series lead to a page or a section; one to what is not beside the page is mere text."""
        place, mark, section = str(link["href"]).partition("#")
        if notebook := re.fullmatch(r"(?:\./)?(\d\d_\w+)\.ipynb", place):
            place = f"{notebook[1]}.html"
            if self.pages is not None and notebook[1] not in self.pages:
                link.unwrap()
                return
        elif place and not re.search(r"^[^?/]+\.(?:html|csv)$", place):
            link.unwrap()
            return
        if mark and (notebook or (not place and not soup.find(id=section))):
            section = slug(unquote(section))
        link["href"] = f"{place}{mark}{section}"

    def _anchor(self, heading: Tag, soup: BeautifulSoup) -> None:
        heading.name = max(heading.name, "h2")  # the title is the page's only h1
        self.heading = heading.get_text(" ", strip=True)
        base = name = slug(self.heading)
        count = 1
        while name in self.ids:
            count += 1
            name = f"{base}-{count}"
        self.ids.add(name)
        heading["id"] = name
        if heading.name <= "h3":
            self.contents.append({"id": name, "text": self.heading, "level": heading.name})
        link = soup.new_tag("a", attrs={"class": "anchor", "href": f"#{name}", "aria-label": "Link to this section"})
        link.string = "#"
        heading.append(link)


def slug(heading: str) -> str:
    """Make a section's name in an address of its heading; of JupyterLab's own, with dashes for blanks, the same."""
    return "-".join(re.findall(r"\w+", heading.lower())) or "section"


def opened(encoded: str, mime: str = "image/png") -> Image.Image:
    """Open a picture (base64) as what it is said to be: of what it is, PIL would start other programs to read some."""
    return Image.open(io.BytesIO(base64.b64decode(encoded)), formats=[FORMATS[mime]])


def _webp(png: str) -> str:
    """Write a PNG as WebP without loss, which takes two thirds of the room; both in base64."""
    buffer = io.BytesIO()
    with opened(png) as image:
        image.convert("RGBA" if image.has_transparency_data else "RGB").save(buffer, "webp", lossless=True)
    return base64.b64encode(buffer.getvalue()).decode()


def tidy_table(table: Tag) -> None:
    """Give a table (pandas' or Markdown's) header scopes and number columns; take off its old-style borders."""
    del table["border"]
    head = table.thead.find_all("tr") if table.thead else []
    if len(head) == 2 and not any(cell.get_text(strip=True) for cell in head[1].find_all("th")[1:]):
        # pandas puts the index's name on a row of its own: bring it up into the empty corner
        corner, name = head[0].find("th"), head[1].find("th")
        if corner is not None and name is not None and not corner.get_text(strip=True):
            corner.string = name.get_text(strip=True)
            head.pop().decompose()
    for row in head:
        row.attrs.pop("style", None)
        for cell in row.find_all("th"):
            cell["scope"] = "colgroup" if cell.get("colspan", "1") != "1" else "col"
            if not cell.get_text(strip=True):
                cell.name = "td"  # an empty header would be announced as one
                del cell["scope"]
    rows = [list(row.find_all(["th", "td"])) for body in table.find_all("tbody") for row in body.find_all("tr")]
    for cells in rows:
        for cell in cells:
            # A table that is too wide scrolls; its words are not squeezed into columns of one letter.
            _mark(cell, "short" if len(cell.get_text()) < 25 else "long")
            if cell.name == "th":
                cell["scope"] = "rowgroup" if cell.get("rowspan", "1") != "1" else "row"
    columns: list[tuple[Tag, ...]] = list(zip(*rows, strict=True)) if len({len(cells) for cells in rows}) == 1 else []
    last = head[-1].find_all(["th", "td"]) if head else []
    for number, column in enumerate(columns):
        texts = [cell.get_text(strip=True) for cell in column]
        if any(re.search(r"\d", text) for text in texts) and all(NUMBER.fullmatch(text) for text in texts):
            for cell in [*column, *last[number : number + 1]]:
                _mark(cell, "number")


def _mark(cell: Tag, name: str) -> None:
    cell["class"] = " ".join([*cell.get_attribute_list("class"), name])
