"""The series of notebooks: what to make of it, all parameters checked first, and the making in order."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from fmnist_utils import interrupt
from fmnist_utils.errors import UserError, brief, listed, nearest
from fmnist_utils.report import freshness, marker, parameters
from fmnist_utils.report.execute import ExecutionError, Report
from fmnist_utils.report.parameters import shown
from fmnist_utils.system import ROOT, from_root

if TYPE_CHECKING:
    from fmnist_utils.data.dataset import Dataset

NOTEBOOKS, PARAMS = ROOT / "notebooks", ROOT / "params"
UNCHANGED = "unchanged"


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


def plan(
    profile: str,
    only: str = "",
    overrides: Mapping[str, Any] | None = None,
    out: str = "",
    notebooks: Path = NOTEBOOKS,
    params: Path = PARAMS,
    stale: Callable[[Report], bool] = lambda report: True,
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

    Raises
    ------
    UserError
        All problems that were found, one a line.
    """
    freshness.data.cache_clear()  # the files may be others than at the last plan
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
        selected = select(names, only)
    for index in selected:
        notebook, file = series[index], params / profile / f"{names[index]}.yaml"
        with _collected(found):
            own = parameters.read(notebook)
            declared |= own.keys()
            if not file.exists():
                raise UserError(f"{shown(file)} is missing: every notebook has one; it may be empty")
            defaults = {name: parameter.default for name, parameter in own.items()}
            values, given = parameters.load(file), {"out": out, **overrides}
            if "out" in values:
                found.append(f"{shown(file)}: out: is not set here but by OUT, on the command line: remove the line")
            given = {name: value for name, value in given.items() if name in own}
            links = _neighbours(series, index, selected, from_root(out))
            report = Report(notebook, profile, defaults, values | given, from_root(out), *links)
            reports.append(report)
            origins = {shown(notebook): defaults, shown(file): values, "command line": given}
            wrong = _problems(notebook, origins, ranges=False)
            found += _problems(notebook, origins, ranges=True) if wrong or stale(report) else []
    if selected:
        found += [
            f"command line: no selected notebook has a parameter {brief(name, 40)}{nearest(name, declared)}"
            for name in overrides
            if name not in declared
        ]
    data = {report.data for report in reports if report.data}
    if problem := marker.problem(from_root(out), marker.sources(notebooks, params), data):
        found.append(problem)
    if found:
        raise UserError("\n".join(dict.fromkeys(found)))
    return reports


def _problems(notebook: Path, origins: Mapping[str, Mapping[str, Any]], ranges: bool) -> list[str]:
    found = (parameters.problems(notebook, values, origin, ranges) for origin, values in origins.items())
    return list(itertools.chain.from_iterable(found))


def select(names: list[str], only: str) -> list[int]:
    """Return the positions of the notebooks that `only` lists by number or name, in order; "" means all."""
    wanted = re.split(r"[\s,]+", only.strip()) if only.strip() else names
    numbers = [name.partition("_")[0] for name in names]
    problems, chosen = [], set()
    for word in wanted:
        word = word.removesuffix(".ipynb")
        if word in names:
            chosen.add(names.index(word))
        elif word.zfill(2) in numbers:
            chosen.add(numbers.index(word.zfill(2)))
        else:
            hint = nearest(word, names)
            problems.append(f"unknown notebook {brief(word)}{hint} (notebooks: {', '.join(names)})")
    if problems:
        raise UserError("\n".join(problems))
    return sorted(chosen)


def _neighbours(series: list[Path], index: int, selected: list[int], out: Path) -> list[tuple[str, str] | None]:
    """Address and title of the reports before and after the one at `index`, of those that are or will be there."""
    there = [i for i, path in enumerate(series) if i in selected or (out / f"{path.stem}.html").exists()]
    before, after = [i for i in there if i < index][-1:], [i for i in there if i > index][:1]
    found = [[(f"{series[i].stem}.html", freshness.heading(series[i])) for i in place] for place in (before, after)]
    return [links[0] if links else None for links in found]


def make(reports: list[Report], force: bool = False) -> list[str]:
    """Execute and render what has changed, in order; a failure does not stop the rest.

    Parameters
    ----------
    reports : what `plan` returned
    force : execute the unchanged, too

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
    if data := {report.data for report in reports if report.data and report.reason(force)}:
        from fmnist_utils.data.dataset import load_dataset

        found = list[str]()
        for place in sorted(data):
            dataset = load_dataset(*place)  # damaged files are told once, not by every notebook
            found += [_too_large(report, dataset) for report in reports if report.data == place]
        if any(found):
            raise UserError("\n".join(filter(None, found)))
    if any(report.reason(force) for report in reports):
        _import_what_takes_long()
    out, outcomes, failures = reports[0].out, list[str](), list[str]()
    with _alone(out):
        marker.prepare(out)
        try:
            with interrupt.in_order():
                for report in reports:
                    begin = time.monotonic()
                    try:
                        outcome = _make_one(report, force)
                    except ExecutionError as error:
                        outcome = "FAILED"
                        trace = f" (see {shown(report.failed)})" if report.failed.exists() else ""
                        failures.append(f"FAILED {report.name}, {error}{trace}")
                    seconds = "" if outcome == UNCHANGED else f", {time.monotonic() - begin:.1f} s"
                    outcomes.append(f"{report.name}: {outcome}{seconds}")
        finally:  # also after Ctrl-C: the index lists what is finished
            if not marker.index_is_current(out):
                from fmnist_utils.report.index import write_index

                write_index(out, reports[0].notebook.parent)
    print(*outcomes, *failures, f"Open {shown(out / 'index.html')}", sep="\n", flush=True)
    return failures


def _too_large(report: Report, dataset: Dataset) -> str:
    """Say that a notebook is to train on more images than there are; "" if it is not."""
    size, there = report.effective.get("train_size"), len(dataset.train_labels)
    declared = parameters.read(report.notebook).get("train_size")
    if declared and "validation" in declared.comment:  # which leaves so many
        there -= -(-there // 12)
    if not isinstance(size, int) or size <= there or "min(train_size" in report.notebook.read_text("utf-8"):
        return ""  # (or the notebook itself takes what there is)
    what = f"{report.name}: train_size: {size:,} is more than the {there:,} images that {dataset.name} has for it"
    return f"{what}; 0 takes all: write it into params/{report.profile}/{report.name}.yaml or a profile of your own"


def rehearse(reports: list[Report], force: bool = False) -> list[str]:
    """Say what `make` would execute and what it would cost; returns one line a failed notebook."""
    os.environ["DRY_RUN"] = "1"  # the kernels inherit it, and stop where training would begin
    outcomes, failures = list[str](), list[str]()
    _import_what_takes_long()
    for report in reports:
        try:
            reason = report.reason(force)
            with interrupt.in_order():
                outcomes.append(f"{report.name}: {f'{reason}; {report.plan()}' if reason else UNCHANGED}")
        except ExecutionError as error:
            failures.append(f"FAILED {report.name}, {error}")
    print(*outcomes, *failures, sep="\n", flush=True)
    return failures


def _import_what_takes_long() -> None:
    """Import what executing a notebook needs, while Ctrl-C may still end the process at once."""
    for name in ("papermill", "fmnist_utils.report.html"):
        importlib.import_module(name)


def _make_one(report: Report, force: bool) -> str:
    """Do what a report needs, and say in a word or two what that was."""
    if reason := report.reason(force):
        marker.index_is_old(report.out)
        print(f"{report.name}: executing ({reason})", flush=True)
        report.execute()
        return "executed"
    if not report.page_is_current():
        marker.index_is_old(report.out)
        report.render()
        return "rendered anew"
    return UNCHANGED


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold a folder of reports for this process; wait for another one that holds it."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / ".lock"
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = path.read_text("utf-8") or "another process"
        print(f"{shown(out)} is in use by {holder}: waiting for it to finish", flush=True)
        lock.acquire()
    try:
        with contextlib.suppress(OSError):  # it is for the eyes of who waits
            path.write_text(f"process {os.getpid()} on {platform.node()}", "utf-8")
        yield
    finally:
        lock.release()
