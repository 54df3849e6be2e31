"""From notebooks to reports: select notebooks and check their parameters, execute what has changed, write the HTML.

`prepare` selects and checks, `build` does the work, `dry_run` only says what it would be.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fmnist_utils.basics import interrupt
from fmnist_utils.basics.errors import UserError, brief, listed, nearest
from fmnist_utils.basics.system import DRY_RUN_FILE, ROOT, from_root, provenance, sources, write_whole
from fmnist_utils.report import freshness, marker, parameters
from fmnist_utils.report.marker import checksum
from fmnist_utils.report.parameters import load_notebook, shown
from fmnist_utils.report.streams import join_streams
from fmnist_utils.runs import trace
from fmnist_utils.runs.resources import Resources

if TYPE_CHECKING:
    import pandas as pd

    from fmnist_utils.data.dataset import Dataset

NOTEBOOKS, PARAMS = ROOT / "notebooks", ROOT / "params"
UNCHANGED = "unchanged"
SILENCE = 30  # seconds after which a notebook that prints nothing is said to be at work
START_TIMEOUT = 300  # seconds for a kernel to answer; a busy machine needs many
TRAINING = re.compile(r"\b(?:run_all|run_groups|cross_validate)\b")  # in a notebook's code: what trains

# --- what there is, and what is wanted -------------------------------------------------------------------


def notebooks_in(folder: Path) -> list[Path]:
    """Return the notebooks of the series, in order: ``NN_name.ipynb``."""
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise UserError(f"{shown(folder)} has no notebooks NN_name.ipynb")
    return found


def profiles_in(folder: Path) -> list[str]:
    """Return the names of the profiles: the folders of params/."""
    found = sorted(path.name for path in folder.glob("[!.]*/"))
    if not found:
        raise UserError(f"{shown(folder)} has no profiles: folders with a NN_name.yaml for every notebook")
    return found


def check_profile(profile: str, params: Path = PARAMS) -> None:
    """Raise UserError if `params` has no folder of that name."""
    if profile not in (known := profiles_in(params)):
        hint = nearest(profile, known)
        raise UserError(f"unknown profile {brief(profile)}{hint} (folders of {shown(params)}: {listed(known)})")


@contextlib.contextmanager
def _collected(problems: list[str]) -> Iterator[None]:
    """Add what a UserError says to `problems`, to tell the user everything at once."""
    try:
        yield
    except UserError as error:
        problems += str(error).splitlines()


def prepare(
    profile: str,
    only: str = "",
    overrides: Mapping[str, Any] | None = None,
    out: str = "",
    notebooks: Path = NOTEBOOKS,
    params: Path = PARAMS,
    stale: Callable[[Report], bool] = lambda report: True,
    checks: Callable[[], parameters.Checks] = dict,
) -> list[Report]:
    """Select notebooks and check all their parameters; no kernel is started.

    Parameters
    ----------
    profile : a folder of `params`
    only : numbers or names of notebooks, separated by spaces or commas; "" for all
    overrides : parameters that go before the params files'; each must belong to a selected notebook
    out : folder for the reports, relative to the project root; "" for ``reports/<profile>``
    notebooks, params : the project's folders
    stale : whether a report whose parameters have the right types must be checked for ranges too,
        which imports torch
    checks : makes what else parameters of some names are held against

    Raises
    ------
    UserError
        All problems that were found, one a line.
    """
    freshness.data.cache_clear()  # the files may be others than the last time
    overrides, out = overrides or {}, out or f"reports/{profile}"
    series = notebooks_in(notebooks)
    names = [notebook.stem for notebook in series]
    check_profile(profile, params)
    found = [
        f"{shown(file)} has no notebook{nearest(file.stem, names)}; rename or remove it"
        for file in sorted((params / profile).glob("*.y*ml"))
        if file.stem not in names
    ]
    selected, reports, declared = list[int](), [], set[str]()
    with _collected(found):
        selected = matching(names, only)
    place = from_root(out)
    chosen = [names[index] for index in selected]
    for index in selected:
        notebook, file = series[index], params / profile / f"{names[index]}.yaml"
        with _collected(found):
            defaults = parameters.defaults(notebook)
            declared |= defaults.keys()
            if not file.exists():
                raise UserError(f"{shown(file)} is missing: every notebook has one; it may be empty")
            values, given = parameters.load(file), {"out": out, **overrides}
            if values.get("out", home := f"reports/{profile}") != home:
                found.append(f"{shown(file)}: out: {brief(values['out'], 60)} must be {home}, or OUT=folder for once")
            given = {name: value for name, value in given.items() if name in defaults}
            report = Report(
                notebook, profile, defaults, values | given, place, *_links(series, notebook, place, chosen)
            )
            reports.append(report)
            origins = {shown(notebook): defaults, shown(file): values, "command line": given}
            ranges = any(parameters.problems(notebook, held, origin, False) for origin, held in origins.items())
            more = checks() if (ranges := ranges or stale(report)) else {}
            wrong = list[str]()
            for origin, held in origins.items():
                wrong += parameters.problems(notebook, held, origin, ranges, more)
            found += wrong or (_options_problem(report.effective) if ranges else [])
    if "out" in overrides:  # it would lead the notebook's runs and tables past the check of `out` below
        found.append("command line: out is not set so: write OUT=folder, or --out folder")
    if selected:
        found += [
            f"command line: no selected notebook has a parameter {brief(name, 40)}{nearest(name, declared)}"
            for name in overrides
            if name not in declared
        ]
    # (A data set of another type than text is told already.)
    data = {report.data for report in reports if report.data and not found}
    if problem := marker.problem(place, sources(notebooks, params), data):
        found.append(problem)
    if found:
        raise UserError(*dict.fromkeys(found))
    return reports


def _options_problem(values: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with the options of a model, which only the two together tell."""
    if values.get("model_options"):
        from fmnist_utils import models

        try:
            models.check_options(values["model"], values["model_options"])
        except UserError as error:
            return [f"model_options: {error}"]
    return []


def matching(names: list[str], only: str) -> list[int]:
    """Return the positions of the notebooks that `only` lists by number or name, in order; "" means all."""
    wanted = re.split(r"[\s,]+", only.strip()) if only.strip() else names
    numbers = [name.partition("_")[0] for name in names]
    problems, chosen = [], set()
    for word in wanted:
        word = Path(word).name.removesuffix(".ipynb") if word.endswith(".ipynb") else word
        if word in names:
            chosen.add(names.index(word))
        elif numbers.count(word.zfill(2)) > 1:
            these = [name for name in names if name.startswith(f"{word.zfill(2)}_")]
            problems.append(f"{brief(word)} is the number of {listed(these)}: write the name of one")
        elif word.zfill(2) in numbers:
            chosen.add(numbers.index(word.zfill(2)))
        else:
            hint = nearest(word, names)
            problems.append(f"unknown notebook {brief(word)}{hint} (notebooks: {', '.join(names)})")
    if problems:
        raise UserError(*problems)
    return sorted(chosen)


Link = tuple[str, str] | None


def _links(
    series: list[Path], notebook: Path, out: Path, chosen: Collection[str]
) -> tuple[Link, Link, tuple[str, ...]]:
    """Address and title of the reports before and after one, and the names of all that are or will be there."""
    there = [other for other in series if other.stem in chosen or (out / f"{other.stem}.html").exists()]
    before, after = (there[: there.index(notebook)][-1:], there[there.index(notebook) + 1 :][:1])
    found = [[(f"{other.stem}.html", parameters.title(other)) for other in place] for place in (before, after)]
    previous, following = (links[0] if links else None for links in found)
    return previous, following, tuple(other.stem for other in there)


def _linked_anew(reports: list[Report]) -> list[Report]:
    """Return reports with links to the pages that are there now: another process may have made some meanwhile."""
    series, out, chosen = notebooks_in(reports[0].notebook.parent), reports[0].out, [report.name for report in reports]
    found = []
    for report in reports:
        if report.notebook in series:  # (if not, it has just been deleted, which is told in its turn)
            previous, following, pages = _links(series, report.notebook, out, chosen)
            report = replace(report, previous=previous, following=following, pages=pages)
        found.append(report)
    return found


# --- one report ------------------------------------------------------------------------------------------


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


def _up_to_training(notebook: dict[str, Any]) -> dict[str, Any]:
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
    previous: tuple[str, str] | None
    following: tuple[str, str] | None
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
        if not (content := _up_to_training(load_notebook(self.notebook))):
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
        _write(content, working)
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
        _write(content, working)
        os.replace(working, self.executed)
        self.failed.unlink(missing_ok=True)


def _write(content: dict[str, Any], path: Path) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_whole(path, lambda part: part.write_text(text, "utf-8"))


# --- the series ------------------------------------------------------------------------------------------


def build(
    reports: list[Report],
    force: bool = False,
    resources: Resources | None = None,
    claims: Callable[[Path], pd.DataFrame] | None = None,
) -> list[str]:
    """Execute and render what has changed, in order; a failure does not stop the rest.

    Parameters
    ----------
    reports : what `prepare` returned
    force : execute the unchanged, too
    resources : what the notebooks' trainings may use
    claims : makes the index's table of claims from the reports folder, see `write_index`

    Returns
    -------
    One line a failed notebook: name, cell and error.

    Raises
    ------
    UserError
        The data is damaged.
    OSError
        The disk is full or `out` may not be written.
    """
    if any(report.reason(force) for report in reports):
        (resources or Resources()).check_scheduler()  # before all that takes long
    _fetch(reports)
    stale = [report for report in reports if report.reason(force)]  # (with their data there, some need nothing)
    _check_data(stale)
    if stale:
        _import_what_takes_long()
    out, outcomes, failures = reports[0].out, list[str](), list[str]()
    with marker.alone(out):
        marker.prepare(out)
        reports = _linked_anew(reports)  # (it may have waited for another process)
        resources, wanted = _going_on(reports, resources or Resources())
        if resources.since:
            marker.retraining_begins(out, wanted, resources.since)
        environment = resources.as_environment()
        try:
            with interrupt.in_order():
                for report in reports:
                    begin = time.monotonic()
                    try:
                        outcome = _build_one(report, force, environment)
                    except ExecutionError as error:
                        outcome = "FAILED"
                        trace = f" (see {shown(report.failed)})" if report.failed.exists() else ""
                        failures.append(f"FAILED {report.name}, {error}{trace}")
                    except UserError as error:  # its file was changed meanwhile, such as by a merge
                        outcome = "FAILED"
                        failures.append(f"FAILED {report.name}: {error}")
                    seconds = "" if outcome == UNCHANGED else f", {time.monotonic() - begin:.1f} s"
                    outcomes.append(f"{report.name}: {outcome}{seconds}")
            marker.tidy(out)  # what workers left that were killed meanwhile
            if resources.since and not failures:
                marker.retraining_ends(out, wanted)
        finally:  # also after Ctrl-C: the index lists what is finished
            # (Where nothing has become finished, it waits for the next call: Ctrl-C is to end soon.)
            stopped = len(outcomes) < len(reports) and all(line.endswith(UNCHANGED) for line in outcomes)
            if not stopped and not marker.index_is_current(out):
                from fmnist_utils.report.index import write_index

                write_index(out, reports[0].notebook.parent, claims)
    print(*outcomes, *failures, *_outdated(reports), f"Open {shown(out / 'index.html')}", sep="\n", flush=True)
    return failures


def _outdated(reports: list[Report]) -> list[str]:
    """Say of the pages beside those of `reports` which rest on runs that have changed since."""
    out, chosen, lines = reports[0].out, {report.notebook for report in reports}, []
    for notebook in notebooks_in(reports[0].notebook.parent):
        recorded = {} if notebook in chosen else freshness.recorded(out / "notebooks" / notebook.name)
        if why := trace.outdated(recorded, out):
            number = notebook.stem[:2]
            lines.append(f"{notebook.stem} is of before: {why}; --only {number} (make: ONLY={number}) makes it anew")
    return lines


def _going_on(reports: list[Report], resources: Resources) -> tuple[Resources, str]:
    """Let RETRAIN=1 go on with a retraining of the same that was interrupted; says, too, what tells it from others."""
    if not resources.since:
        return resources, ""
    wanted = freshness.digest([resources.precision, *((report.name, report.parts) for report in reports)])
    if begun := marker.retraining(reports[0].out, wanted):
        when = datetime.fromtimestamp(begun / 1e9).strftime("%Y-%m-%d %H:%M")
        print(f"Retraining goes on with what was begun on {when} and not ended", flush=True)
    return replace(resources, since=min(begun or resources.since, resources.since)), wanted


def _check_data(reports: list[Report]) -> None:
    """Read the data of reports; damaged files, and too few images, are told once, not by every notebook."""
    if data := {report.data for report in reports if report.data}:
        from fmnist_utils.data.dataset import load_dataset

        found = list[str]()
        for place in sorted(data):
            dataset = load_dataset(*place)
            found += [_too_large(report, dataset) for report in reports if report.data == place]
        if any(found):
            raise UserError(*filter(None, found))


def _too_large(report: Report, dataset: Dataset) -> str:
    """Say that a notebook is to train on more images than there are; "" if it is not."""
    size, there = report.effective.get("train_size"), len(dataset.train_labels)
    declared = parameters.read(report.notebook).get("train_size")
    if declared and "validation" in declared.comment:  # which leaves so many
        there -= -(-there // 12)
    if not isinstance(size, int) or size <= there or "min(train_size" in report.notebook.read_text("utf-8"):
        return ""  # (or the notebook itself takes what there is)
    what = f"{report.name}: train_size: {size:,} is more than the {there:,} images that {dataset.name} has for it"
    keep = f"write it into params/{report.profile}/{report.name}.yaml or a profile of your own"
    return f"{what}; 0 takes all: --set train_size=0 (make: SET=train_size=0), or {keep}"


def _fetch(reports: list[Report]) -> None:
    """Get the published data sets that are not on this machine."""
    missing = {report.data for report in reports if report.data and report.parts["data"] == freshness.MISSING}
    if missing:
        from fmnist_utils.data.fetch import fetch

        for place in missing:
            fetch(*place)
        freshness.data.cache_clear()


def dry_run(reports: list[Report], force: bool = False, resources: Resources | None = None) -> list[str]:
    """Say what `build` would execute and what it would cost; returns one line a failed notebook."""
    environment = _going_on(reports, resources or Resources())[0].as_environment()
    outcomes, failures = list[str](), list[str]()
    _check_data([report for report in reports if report.reason(force) and report.parts["data"] != freshness.MISSING])
    _import_what_takes_long()
    for report in reports:
        try:
            reason = report.reason(force)
            if not reason:
                told = UNCHANGED
            elif report.parts["data"] == freshness.MISSING:
                told = f"{reason}; its data would be fetched first, so the cost is not known yet"
            else:
                with interrupt.in_order():
                    told = f"{reason}; {report.rehearse(environment)}"
            outcomes.append(f"{report.name}: {told}")
        except ExecutionError as error:
            failures.append(f"FAILED {report.name}, {error}")
    print(*outcomes, *failures, sep="\n", flush=True)
    return failures


def _import_what_takes_long() -> None:
    """Import what executing a notebook needs, while Ctrl-C may still end the process at once."""
    for name in ("papermill", "fmnist_utils.report.html"):
        importlib.import_module(name)


def _build_one(report: Report, force: bool, environment: Mapping[str, str]) -> str:
    """Do what a report needs, and say in a word or two what that was."""
    if reason := report.reason(force):
        marker.index_is_old(report.out)
        print(f"{report.name}: executing ({reason})", flush=True)
        report.execute(environment)
        return "executed"
    if not report.html_is_current():
        marker.index_is_old(report.out)
        report.render()
        return "rendered anew"
    return UNCHANGED
