"""What a report was made from: digests that tell whether it must be made again, and its provenance."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fmnist_utils.basics import own
from fmnist_utils.basics.system import write_whole
from fmnist_utils.report.parameters import load_notebook, tags

PACKAGE = Path(__file__).resolve().parent.parent
REPORT = PACKAGE / "report"
MAGIC = re.compile(r"^([ \t]*)([%!].*)", re.M)  # a line for IPython
# Where things lie is not what a report shows: the data's content is hashed instead.
PLACES = {"out", "data_dir"}
MISSING = "missing"  # in place of the digest of data that are to be fetched


def digest(content: Any) -> str:
    """SHA-256 (hex) of anything that JSON can write."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=repr).encode()).hexdigest()


def _files(folder: Path, wanted: Callable[[Path], bool]) -> str:
    """Digest of names and contents of the files below a folder."""
    return digest(_sums(sorted(path for path in folder.rglob("*.*") if wanted(path)), folder))


def _sums(files: Iterable[Path], folder: Path) -> list[tuple[str, str]]:
    """Name and SHA-256 (hex) of the content of each file of a folder."""
    return [(path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]


def _shapes_html(path: Path) -> bool:
    """Whether a file of the package makes HTML of outputs, and has no part in the outputs themselves."""
    return REPORT in path.parents and path.name != "summary.py"


def code() -> str:
    """Digest of the Python files that a notebook's outputs may depend on, as they are now: each kernel imports anew."""
    return _files(PACKAGE, lambda path: path.suffix == ".py" and not _shapes_html(path))


def beside(sources: Iterable[str], folder: Path = PACKAGE.parent) -> list[Path]:
    """Python files beside the package that sources import, and that these import in turn."""
    found, wanted = set[Path](), list(sources)
    while wanted:
        for name in _imports(wanted.pop()) - {PACKAGE.name}:
            files = [folder / f"{name}.py", *(folder / name).rglob("*.py")]
            new = {file for file in files if file.is_file()} - found
            found |= new
            wanted += [file.read_text("utf-8", "replace") for file in new]
    return sorted(found)


def _imports(source: str) -> set[str]:
    """Names that a file or cell may import from beside the package: every word, where it is not Python but IPython."""
    for text, lines in ((source, []), (MAGIC.sub(r"\1pass", source), [line for _, line in MAGIC.findall(source)])):
        try:
            names = own.imports(text)
        except (SyntaxError, ValueError):
            continue
        return {name for name in names if "." not in name}.union(*(re.findall(r"\w+", line) for line in lines))
    return set(re.findall(r"\w+", source))


def _code(sources: Iterable[str]) -> str:
    """Digest of the package's code, and of the user's files beside it that its own files or `sources` import."""
    files = beside([*sources, *(file.read_text("utf-8", "replace") for file in own.files())])
    return digest([code(), _sums(files, PACKAGE.parent)]) if files else code()


@cache
def template() -> str:
    """Digest of what shapes the HTML: template, style, script and the code that fills them."""
    return _files(PACKAGE, lambda path: path.suffix != ".pyc" and _shapes_html(path))


@cache
def data(dataset: str, data_dir: str) -> str:
    """Digest of a data set's files; "missing" for a published one that is not on this machine."""
    from fmnist_utils.data import locate

    try:
        return locate.fingerprint(dataset, data_dir or None)
    except locate.MissingData:
        return MISSING


def parts(notebook: Path, values: Mapping[str, Any], dataset: tuple[str, str] | None) -> dict[str, str]:
    """Digests of all that the outputs of a notebook depend on.

    Parameters
    ----------
    notebook : the notebook's file
    values : the effective parameters, defaults included
    dataset : name and folder of the data that it reads, if any

    Returns
    -------
    Hex digests under "notebook" (sources, tags and pictures of its cells), "parameters", "code" (of the package, and of
    what the notebook or the user's files in the package import from files beside it) and "data".
    """
    cells = load_notebook(notebook)["cells"]
    contents = [
        (cell["cell_type"], cell["source"], tags(cell), *filter(None, [cell.get("attachments")])) for cell in cells
    ]
    return {
        "notebook": digest(contents),
        "parameters": digest({name: value for name, value in values.items() if name not in PLACES}),
        "code": _code(cell["source"] for cell in cells if cell["cell_type"] == "code"),
        "data": data(*dataset) if dataset else "",
    }


def seal(content: dict[str, Any]) -> None:
    """Put the checksum of an executed notebook's content into its ``metadata.fmnist``."""
    content["metadata"]["fmnist"]["checksum"] = _checksum(content)


def write(content: dict[str, Any], path: Path) -> None:
    """Write an executed notebook's content, whole or not at all."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_whole(path, lambda part: part.write_text(text, "utf-8"))


def _checksum(content: dict[str, Any]) -> str:
    sealed = {name: value for name, value in content["metadata"]["fmnist"].items() if name != "checksum"}
    return digest({**content, "metadata": {**content["metadata"], "fmnist": sealed}})


def whole(executed: Path) -> dict[str, Any]:
    """Content of an executed notebook; empty if it is missing, damaged, or was executed by others."""
    if not executed.is_file():
        return {}
    try:
        content = json.loads(executed.read_text("utf-8"))
        if content["metadata"]["fmnist"]["checksum"] != _checksum(content):
            return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # then it is executed again
    return dict(content)


def recorded(executed: Path) -> dict[str, Any]:
    """What an executed notebook says of itself (``metadata.fmnist``); empty if it is missing or damaged."""
    content = whole(executed)
    return dict(content["metadata"]["fmnist"]) if content else {}


@cache
def gpu() -> str:
    """Name of the first NVIDIA GPU; "" without one. Asks the driver, since importing torch takes seconds."""
    if not shutil.which("nvidia-smi"):
        return ""
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    return answer.stdout.partition("\n")[0].strip() if answer.returncode == 0 else ""


def device(wanted: str) -> str:
    """Say for people what a notebook computes on, given its parameter ``device``."""
    from fmnist_utils.training.device import choose_device

    kind = choose_device(wanted).type
    names = {"cuda": f"cuda ({gpu()})", "cpu": f"cpu ({platform.machine()}, {os.cpu_count()} cores)"}
    return names.get(kind, kind)
