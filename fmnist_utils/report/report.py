"""One report: a notebook, its parameters, and the executed copy and the page that are made of it when they are old."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.system import DRY_RUN_FILE, provenance
from fmnist_utils.report import freshness, marker, parameters
from fmnist_utils.report.execute import ExecutionError, run_notebook, up_to_training
from fmnist_utils.report.marker import checksum
from fmnist_utils.report.parameters import load_notebook, shown
from fmnist_utils.runs import trace

Link = tuple[str, str] | None  # address and title of a page


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
    pages : names of the reports that are or will be in `out`: links in the text lead to no others
    """

    notebook: Path
    profile: str
    defaults: dict[str, Any]
    values: dict[str, Any]
    out: Path
    previous: Link
    following: Link
    pages: tuple[str, ...]

    def __post_init__(self) -> None:
        self.name = self.notebook.stem
        self.effective = self.defaults | self.values
        self.html = self.out / f"{self.name}.html"
        self.executed = self.out / "notebooks" / f"{self.name}.ipynb"
        self.failed = self.executed.with_suffix(".failed.ipynb")

    @property
    def parts(self) -> dict[str, str]:
        """Digests of what the outputs depend on."""
        return freshness.parts(self.notebook, self.effective, self.data)

    @property
    def html_digest(self) -> str:
        """Digest of what the HTML depends on beyond the executed notebook."""
        return freshness.digest([freshness.template(), self.previous, self.following, self.pages])

    @property
    def data(self) -> tuple[str, str] | None:
        """Name and folder of the data set; None if the notebook has no such parameter."""
        values = self.effective
        return (values["dataset"], values.get("data_dir", "")) if "dataset" in values else None

    def reason(self, force: bool = False) -> str:
        """Why the notebook must be executed: "forced", "new", "damaged", or what has changed; "" if it need not be."""
        if force:
            return "forced"
        found = freshness.recorded(self.executed)
        if not (before := found.get("parts")):
            return "damaged" if self.executed.exists() else "new"
        if changed := [name for name, digest in self.parts.items() if before.get(name) != digest]:
            return f"changed: {', '.join(changed)}"
        if why := trace.outdated(found, self.out):
            return why
        files = found.get("files", {}).items()
        if lost := [name for name, digest in files if checksum(self.out / name) != digest]:
            writers = marker.tables(self.out, self.notebook.parent)
            lost = [name for name in lost if writers[name][0] == self.name]
        return f"lost or damaged: {', '.join(lost)}" if lost else ""

    def html_is_current(self) -> bool:
        """Whether the HTML shows the executed notebook in today's form, and no failure is left from later."""
        found, there = freshness.recorded(self.executed), checksum(self.html)
        current = there and found.get("html") == self.html_digest and found.get("html_checksum", there) == there
        return bool(current) and not self.failed.exists()

    def execute(self, environment: Mapping[str, str]) -> None:
        """Execute the notebook and write its HTML; the last good ones stay until the new ones are whole."""
        begin = time.monotonic()
        if parameters.defaults(self.notebook) != self.defaults:
            raise UserError(f"{shown(self.notebook)} has other parameters than this call began with: repeat the call")
        parts, tables = self.parts, self._tables()  # before it runs: somebody may edit the notebook meanwhile
        with self._aside() as working:
            try:
                notes = working.with_suffix(".runs")
                run_notebook(self.notebook, working, self.values, {**environment, trace.FILE: str(notes)})
                runs, asked = trace.noted(notes, self.out / "runs"), trace.asked(notes, self.out)
                if self.parts["code"] != parts["code"]:  # of which it imported is not known
                    parts["code"] = ""
                    print(
                        f"[{self.name}] the code changed while it ran: it is executed again the next time", flush=True
                    )
                record = {
                    "parameters": self.effective,
                    "device": freshness.device(self.effective.get("device", "auto")),
                    **provenance(),
                    "wall_seconds": round(time.monotonic() - begin, 1),
                    "profile": self.profile,
                    "fingerprint": freshness.digest(parts),
                }
                files = {name: checksum(self.out / name) for name, _ in sorted(self._tables() - tables)}
                rests_on = {"runs": runs, "asked": asked}
                self._publish(working, working, {"provenance": record, "parts": parts, "files": files, **rests_on})
            except ExecutionError:
                os.replace(working, self.failed)
                raise

    def _tables(self) -> set[tuple[str, int]]:
        """List the CSV files beside the reports, with the times of their change: what a notebook may have written."""
        tables = set(self.out.glob("*.csv")) - {self.out / name for name in marker.INDEX}
        # (A name that no text can hold is in no record.)
        return {(path.name, path.stat().st_mtime_ns) for path in tables if path.name.isprintable() and path.is_file()}

    def rehearse(self, environment: Mapping[str, str]) -> str:
        """Execute the notebook up to its training, and say what that would cost; nothing is kept."""
        if not (content := up_to_training(load_notebook(self.notebook))):
            return "nothing to train"
        with tempfile.TemporaryDirectory() as folder:
            told, beginning = Path(folder) / "told.json", Path(folder) / self.notebook.name
            beginning.write_text(json.dumps(content), "utf-8")
            try:
                variables = {**environment, "DRY_RUN": "1", DRY_RUN_FILE: str(told)}
                run_notebook(beginning, Path(folder) / "rehearsed.ipynb", self.values, variables)
            except ExecutionError:
                if not told.exists():  # it failed before it came to its training
                    raise
                return str(json.loads(told.read_text("utf-8"))["cost"])
        return "nothing to train"

    def render(self) -> None:
        """Write the HTML anew from the executed notebook."""
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
        content["metadata"]["fmnist"] = {**record, "html": self.html_digest}
        freshness.write(content, working)
        try:
            render(working, self.html, self.previous, self.following, self.pages)
        except Exception as error:  # as above: an output that cannot be rendered concerns this notebook alone
            if isinstance(error, UserError) or (isinstance(error, OSError) and error.errno):
                raise
            said = str(error).partition("\n")[0]
            raise ExecutionError(f"rendering: {type(error).__name__}: {said}") from error
        # The notebook last: it is what says that the report is done, and what its page was written as.
        content["metadata"]["fmnist"]["html_checksum"] = checksum(self.html)
        freshness.seal(content)
        freshness.write(content, working)
        os.replace(working, self.executed)
        self.failed.unlink(missing_ok=True)
