"""From notebooks to reports: `build` executes what has changed and writes its HTML, `dry_run` says what it would be."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_utils.basics import interrupt
from fmnist_utils.basics.errors import UserError
from fmnist_utils.report import freshness, marker, parameters
from fmnist_utils.report.execute import ExecutionError
from fmnist_utils.report.parameters import shown
from fmnist_utils.report.report import Report
from fmnist_utils.report.series import linked_anew, notebooks_in
from fmnist_utils.runs import trace
from fmnist_utils.runs.resources import Resources

if TYPE_CHECKING:
    import pandas as pd

    from fmnist_utils.data.dataset import Dataset

UNCHANGED = "unchanged"


def build(
    reports: list[Report],
    force: bool = False,
    resources: Resources | None = None,
    claims: Callable[[Path], pd.DataFrame] | None = None,
) -> list[str]:
    """Execute and render what has changed, in order; a failure does not stop the rest.

    Parameters
    ----------
    reports : what `series.prepare` returned
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
        reports = linked_anew(reports)  # (it may have waited for another process)
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
                        where = f" (see {shown(report.failed)})" if report.failed.exists() else ""
                        failures.append(f"FAILED {report.name}, {error}{where}")
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
