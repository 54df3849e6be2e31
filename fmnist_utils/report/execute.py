"""Executes one notebook in a kernel of its own, with its output, line by line, under its name."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import freshness
from fmnist_utils.report.parameters import load_notebook
from fmnist_utils.report.streams import join_streams

SILENCE = 30  # seconds after which a notebook that prints nothing is said to be at work
START_TIMEOUT = 300  # seconds for a kernel to answer; a busy machine needs many
TRAINING = re.compile(r"\b(?:run_all|run_groups|cross_validate)\b")  # in a notebook's code: what trains


class ExecutionError(Exception):
    """A notebook did not become a report; the message says in which cell and why, in one line."""


class _Heartbeat:
    """Says in a line which section a notebook is at, when it has said nothing for a while."""

    def __init__(self, name: str) -> None:
        self.name, self.section, self.heard, self.over = name, "its kernel starts", time.monotonic(), threading.Event()

    def begin(self, cell: dict[str, Any], **more: Any) -> None:
        """Take notice of a cell that begins."""
        if cell["cell_type"] == "markdown" and (headings := re.findall(r"^#{1,2} (.+)$", cell["source"], re.MULTILINE)):
            self.section = headings[-1]

    def _beat(self) -> None:
        while not self.over.wait(1):
            if time.monotonic() - self.heard > SILENCE:
                print(f"[{self.name}] still at work: {self.section}", flush=True)
                self.heard = time.monotonic()

    def __enter__(self) -> _Heartbeat:
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()


class _Prefixed:
    """A text stream that puts a notebook's name before each line of its output."""

    def __init__(self, stream: TextIO, heartbeat: _Heartbeat) -> None:
        self.stream, self.heartbeat, self.name, self.rest = stream, heartbeat, heartbeat.name, ""

    def write(self, text: str) -> None:
        self.heartbeat.heard = time.monotonic()
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            print(f"[{self.name}] {line}", file=self.stream, flush=True)

    def flush(self) -> None:
        """Do nothing: a line is shown when it is whole."""


def run_notebook(
    notebook: Path, target: Path, values: Mapping[str, Any], environment: Mapping[str, str], attempts: int = 2
) -> None:
    """Run a notebook from top to bottom in the project root; `target` gets it with its outputs.

    Parameters
    ----------
    notebook : the notebook's file
    target : file to write; after a failure it holds the outputs up to there
    values : parameters to inject; the notebook's defaults stand for the rest
    environment : variables for the kernel, beside this process's own
    attempts : how often to start a kernel that dies before its first cell, as when another process takes its port

    Raises
    ------
    ExecutionError
        A cell raised an exception, or the kernel died or did not answer.
    OSError
        The disk is full, or `target` may not be written.
    """
    import papermill
    from jupyter_client.manager import AsyncKernelManager
    from papermill.exceptions import PapermillExecutionError

    # Started from JupyterLab's terminal or a notebook, this kernel is headless all the same.
    inherited = {name: value for name, value in os.environ.items() if name not in ("JPY_SESSION_NAME", "DRY_RUN")}

    class Manager(AsyncKernelManager):
        """Starts the kernel with its own environment; this process's stays as it is."""

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await self._async_start_kernel(env={**inherited, **environment}, **options)

    # Papermill overlooks parameters with types like `int | None` and warns of them; all are checked by now.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    # After Ctrl-C asyncio tells of the kernel that died: it was killed.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    profile = target.parent / "ipython"
    profile.mkdir(exist_ok=True)
    shutil.copyfile(notebook, target)  # there is something to look at even if no kernel starts
    heartbeat = _Heartbeat(notebook.stem)
    try:
        with heartbeat:
            papermill.execute_notebook(
                *(str(path).replace("{", "{{").replace("}", "}}") for path in (notebook, target)),  # it formats them
                dict(values),
                kernel_name="python3",
                kernel_manager_class=Manager,
                language="python",
                cwd=ROOT,
                progress_bar=False,
                start_timeout=START_TIMEOUT,
                on_cell_start=heartbeat.begin,
                on_cell_executed=lambda cell, **_: join_streams(cell),
                # All that counts is on disk by now; a kernel asked to go in peace may die noisily of being interrupted.
                shutdown_kernel="immediate",
                # Nothing of the kernel's own log, and nothing that the user's start-up files of IPython do.
                extra_arguments=["--log-level=CRITICAL", f"--ipython-dir={profile}"],
                stdout_file=_Prefixed(sys.stdout, heartbeat),
                stderr_file=_Prefixed(sys.stderr, heartbeat),
            )
    except PapermillExecutionError as error:
        lines = [line for line in str(error.evalue).splitlines() if line.strip()] or [""]
        kind = "" if error.ename == "UserError" else f"{error.ename}: "
        raise ExecutionError(f"cell {error.exec_count}: {kind}{lines[0]}") from None
    except Exception as error:  # a dead or silent kernel, and whatever else, is a failure of this notebook alone…
        if isinstance(error, OSError) and error.errno:  # …but a full disk is not
            raise OSError(error.errno, error.strerror or str(error), error.filename or str(target)) from error
        if attempts > 1 and isinstance(error, RuntimeError) and not _reached(target):
            return run_notebook(notebook, target, values, environment, attempts - 1)
        said = str(error).partition("\n")[0]
        raise ExecutionError(f"cell {_reached(target)}: {type(error).__name__}: {said}") from error


def up_to_training(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without the cells after its last training, or {} if it has none.

    A notebook that trains by a function or a module of its own is left whole: no cell tells when.
    """
    code = {i: cell["source"] for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"}
    trains = [i for i, text in code.items() if TRAINING.search(re.sub(r"^\s*from .*", "", text, flags=re.MULTILINE))]
    if freshness.beside(code.values()) or any(re.search(r"^\s*(?:async )?def ", code[i], re.MULTILINE) for i in trains):
        return notebook
    return notebook | {"cells": notebook["cells"][: trains[-1] + 1]} if trains else {}


def _reached(target: Path) -> int:
    """Count the code cells that were begun; a kernel that dies leaves the last of them marked "completed"."""
    code = [cell for cell in load_notebook(target)["cells"] if cell["cell_type"] == "code"]
    return sum(bool(cell["metadata"].get("papermill", {}).get("start_time")) for cell in code)
