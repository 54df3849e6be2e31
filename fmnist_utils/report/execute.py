"""One report: its notebook executed in a kernel of its own, and its page; whole or not there."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from fmnist_utils.errors import UserError
from fmnist_utils.report import freshness
from fmnist_utils.report.marker import checksum
from fmnist_utils.report.parameters import load_notebook
from fmnist_utils.system import ROOT, provenance, write_whole

START_TIMEOUT = 300  # seconds for a kernel to answer; a busy machine needs many


class ExecutionError(Exception):
    """A notebook did not become a report; the message says in which cell and why, in one line."""


class _Prefixed:
    """A text stream that puts a notebook's name before each line of its output."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self.stream, self.name, self.rest = stream, name, ""

    def write(self, text: str) -> None:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            print(f"[{self.name}] {line}", file=self.stream, flush=True)

    def flush(self) -> None:
        """Do nothing: a line is shown when it is whole."""


def run_notebook(notebook: Path, target: Path, values: Mapping[str, Any]) -> None:
    """Run a notebook from top to bottom in the project root; `target` gets it with its outputs.

    Parameters
    ----------
    notebook : the notebook's file
    target : file to write; after a failure it holds the outputs up to there
    values : parameters to inject; the notebook's defaults stand for the rest

    Raises
    ------
    ExecutionError
        A cell raised an exception, or the kernel died or did not answer.
    OSError
        The disk is full, or `target` may not be written.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    # Started from JupyterLab's terminal or a notebook, this kernel is headless all the same.
    os.environ.pop("JPY_SESSION_NAME", None)
    # Papermill overlooks parameters with types like `int | None` and warns of them; all are checked by now.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    shutil.copyfile(notebook, target)  # there is something to look at even if no kernel starts
    try:
        papermill.execute_notebook(
            *(str(path).replace("{", "{{").replace("}", "}}") for path in (notebook, target)),  # it formats them
            dict(values),
            kernel_name="python3",
            language="python",
            cwd=ROOT,
            progress_bar=False,
            start_timeout=START_TIMEOUT,
            coalesce_streams=True,
            # All that counts is on disk by now; a kernel asked to go in peace may die noisily of being interrupted.
            shutdown_kernel="immediate",
            extra_arguments=["--log-level=CRITICAL"],  # of the kernel itself, not of its cells
            stdout_file=_Prefixed(sys.stdout, notebook.stem),
            stderr_file=_Prefixed(sys.stderr, notebook.stem),
        )
    except PapermillExecutionError as error:
        lines = [line for line in str(error.evalue).splitlines() if line.strip()] or [""]
        kind = "" if error.ename == "UserError" else f"{error.ename}: "
        raise ExecutionError(f"cell {error.exec_count}: {kind}{lines[0]}") from None
    except Exception as error:  # a dead or silent kernel, and whatever else, is a failure of this notebook alone…
        if isinstance(error, OSError) and error.errno:  # …but a full disk is not
            raise OSError(error.errno, error.strerror or str(error), error.filename or str(target)) from error
        said = str(error).partition("\n")[0]
        raise ExecutionError(f"cell {_reached(target)}: {type(error).__name__}: {said}") from error


def _reached(target: Path) -> int:
    """Count the code cells that were begun; a kernel that dies leaves the last of them marked "completed"."""
    code = [cell for cell in load_notebook(target)["cells"] if cell["cell_type"] == "code"]
    return sum(bool(cell["metadata"].get("papermill", {}).get("start_time")) for cell in code)


@dataclass
class Report:
    """One notebook of the series with its parameters, and the files that are made of it.

    Attributes
    ----------
    notebook : source, without outputs
    profile : name of the folder of params/ that its parameters are from
    defaults : values of the notebook's parameters cell
    values : what is injected in their place
    out : folder that gets ``NN_name.html`` and ``notebooks/NN_name.ipynb``
    previous, following : address and title of the neighbours in the series
    """

    notebook: Path
    profile: str
    defaults: dict[str, Any]
    values: dict[str, Any]
    out: Path
    previous: tuple[str, str] | None
    following: tuple[str, str] | None

    def __post_init__(self) -> None:
        self.name = self.notebook.stem
        self.effective = self.defaults | self.values
        self.html = self.out / f"{self.name}.html"
        self.executed = self.out / "notebooks" / f"{self.name}.ipynb"
        self.failed = self.executed.with_suffix(".failed.ipynb")

    @cached_property
    def parts(self) -> dict[str, str]:
        """Digests of what the outputs depend on; fetches a published data set that is missing."""
        return freshness.parts(self.notebook, self.effective, self.data)

    @property
    def page(self) -> str:
        """Digest of what the page depends on beyond the executed notebook."""
        return freshness.digest([freshness.template(), self.previous, self.following])

    @property
    def data(self) -> tuple[str, str] | None:
        """Name and folder of the data set; None if the notebook has no such parameter."""
        values = self.effective
        return (values["dataset"], values.get("data_dir", "")) if "dataset" in values else None

    def reason(self, force: bool = False) -> str:
        """Why the notebook must be executed: "forced", "new", "damaged", or what has changed; "" if it need not be."""
        if force:
            return "forced"
        before = freshness.recorded(self.executed).get("parts")
        if not before:
            return "damaged" if self.executed.exists() else "new"
        changed = [name for name, digest in self.parts.items() if before.get(name) != digest]
        return f"changed: {', '.join(changed)}" if changed else ""

    def page_is_current(self) -> bool:
        """Whether the page shows the executed notebook in today's form, and no failure is left from later."""
        found, there = freshness.recorded(self.executed), checksum(self.html)
        current = there and found.get("page") == self.page and found.get("html", there) == there
        return bool(current) and not self.failed.exists()

    def execute(self) -> None:
        """Execute the notebook and write its page; the last good ones stay until the new ones are whole."""
        begin = time.monotonic()
        with self._aside() as working:
            try:
                run_notebook(self.notebook, working, self.values)
                record = {
                    "parameters": self.effective,
                    "device": freshness.device(self.effective.get("device", "auto")),
                    **provenance(),
                    "wall_seconds": round(time.monotonic() - begin, 1),
                    "profile": self.profile,
                    "fingerprint": freshness.digest(self.parts),
                }
                self._publish(working, working, {"provenance": record, "parts": self.parts})
            except ExecutionError:
                os.replace(working, self.failed)
                raise

    def plan(self) -> str:
        """Execute the notebook up to its training, and say what that would cost; nothing is kept."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                run_notebook(self.notebook, Path(folder) / self.executed.name, self.values)
            except ExecutionError as error:
                _, planned, cost = str(error).partition("Planned: ")
                if not planned:
                    raise
                return cost
        return "nothing to train"

    def render(self) -> None:
        """Write the page anew from the executed notebook."""
        with self._aside() as working:
            self._publish(self.executed, working, freshness.recorded(self.executed))

    @contextlib.contextmanager
    def _aside(self) -> Iterator[Path]:
        """Give a path for the notebook in the making, under its own name but where no reader looks."""
        place = self.executed.parent / "executing.tmp"
        place.mkdir(parents=True, exist_ok=True)
        try:
            yield place / self.executed.name
        finally:
            shutil.rmtree(place)

    def _publish(self, source: Path, working: Path, record: dict[str, Any]) -> None:
        from fmnist_utils.report.html import render

        text = json.dumps(json.loads(source.read_text("utf-8")), ensure_ascii=False)
        # (Half of a pair of surrogates, which JSON can hold and UTF-8 cannot, becomes a question mark.)
        content = json.loads(text.encode("utf-8", "replace"))
        # Papermill's record names paths of this machine; what matters of it is in ours.
        content["metadata"].pop("papermill", None)
        content["metadata"]["fmnist"] = {**record, "page": self.page}
        _write(content, working)
        try:
            render(working, self.html, self.previous, self.following)
        except Exception as error:  # as above: an output that cannot be rendered concerns this notebook alone
            if isinstance(error, UserError) or (isinstance(error, OSError) and error.errno):
                raise
            raise ExecutionError(f"rendering: {type(error).__name__}: {error}") from error
        # The notebook last: it is what says that the report is done, and what its page was written as.
        content["metadata"]["fmnist"]["html"] = checksum(self.html)
        freshness.seal(content)
        _write(content, working)
        os.replace(working, self.executed)
        self.failed.unlink(missing_ok=True)


def _write(content: dict[str, Any], path: Path) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_whole(path, lambda part: part.write_text(text, "utf-8"))
