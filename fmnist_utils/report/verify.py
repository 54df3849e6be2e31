"""Holds every stored file of a reports folder against its checksum, and against what follows from the others."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_utils import models
from fmnist_utils.basics.errors import DIFFERS, UserError
from fmnist_utils.basics.system import DAMAGED, is_held, leftovers, write_whole
from fmnist_utils.report import freshness, marker
from fmnist_utils.runs import record, robustness, trace
from fmnist_utils.runs.store import A_WRITE, Store
from fmnist_utils.training.experiment import recorded_digests
from fmnist_utils.training.run import WEIGHTS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written: in which file, what, and what mends it."""

    path: Path
    says: str
    cure: str
    mend: Callable[[], object]

    def line(self, out: Path, mended: bool) -> str:
        """Say it in a line; paths are those below `out`."""
        return f"{self.path.relative_to(out)}: {self.says}; {'mended: ' if mended else '--mend: '}{self.cure}"


def verify(out: Path, mend: bool = False, claims: Callable[[Path], pd.DataFrame] | None = None) -> list[str]:
    """Check all that is stored below a reports folder.

    Parameters
    ----------
    out : the folder
    mend : mend what is found: damaged files are put aside, and what is missing is added
    claims : makes the index's table of claims, should it be written anew, see `write_index`

    Returns
    -------
    One line a finding.

    Raises
    ------
    UserError
        There is no such folder, or it holds no reports.
    """
    if not out.is_dir():
        raise UserError(f"{out} is not a folder: name one of reports, or give its PROFILE")
    if problem := marker.problem(out, (), ()):
        raise UserError(problem)
    lines = []
    # (Between a file and its record, whoever is writing them looks damaged: to mend is to wait for it.)
    with marker.alone(out) if mend else contextlib.nullcontext():
        # (While a series runs, its index is old: it is written at the end.)
        made = not mend and is_held(out / marker.LOCK)
        old = marker.index_lacks_runs(out)  # not for what is mended now
        checks = partial(_runs, alone=mend), _reports, partial(_rest, being_made=made, index_is_old=old)
        for check in checks:  # each sees what the one before has mended
            for finding in check(out):
                if mend:
                    finding.mend()
                lines.append(finding.line(out, mend))
        if mend and lines:
            marker.index_is_old(out)  # it may list what is no longer there
        if mend and not marker.index_is_current(out):
            from fmnist_utils.report.index import write_index

            write_index(out, claims=claims)
    return lines


@cache
def _sizes(model: str, classes: int, options: str) -> tuple[int, int]:
    net = models.build(model, classes, **json.loads(options))
    return models.count_parameters(net), models.count_multiply_adds(net)


AGAIN = "put aside, and {} again when it is wanted"
OLD = "it is of before there were checksums"
PUT_ASIDE = f"record.json{DAMAGED}"


def _aside(path: Path) -> None:
    os.replace(path, path.with_name(path.name + DAMAGED))


def _clear(path: Path) -> None:
    """Put a folder, a link to nowhere or the like aside that lies where a file is to be written."""
    if os.path.lexists(path) and not path.is_file():
        _aside(path)


def _runs(out: Path, alone: bool) -> Iterator[Finding]:
    """Check the runs, those that seem damaged twice; `alone` holds these, after whoever may be writing them."""
    store = Store(out)
    for path in sorted(store.folder.glob(f"{trace.RUN}/{PUT_ASIDE}")):
        # Such as one that was looked at while its folder was being copied.
        with contextlib.suppress(record.Damaged, UserError, OSError):
            if not (whole := path.with_name(trace.RECORD)).exists() and store.check(path.parent.name, PUT_ASIDE):
                yield Finding(path, "it was put aside, and is whole", "taken back", partial(os.replace, path, whole))
    for path in sorted(store.folder.glob(f"{trace.RUN}/{trace.RECORD}")):
        if not list(_run(store, path)):
            continue
        # A process that trains it again may be between two of its files, and does not hold the folder.
        if alone:
            with store.lock(path.parent.name):
                yield from _run(store, path)  # each is mended before the next is asked for
        else:
            time.sleep(A_WRITE)
            yield from _run(store, path)


def _run(store: Store, path: Path) -> Iterator[Finding]:
    try:
        run = store.check(path.parent.name)
    except UserError:
        return  # of a model that the package no longer has: its checksum holds
    except (record.Damaged, FileNotFoundError, NotADirectoryError) as error:
        why = record.damage(error)
        if path.parent.is_symlink():
            yield Finding(path, why, "the link that leads to it is removed", path.parent.unlink)
        else:
            yield Finding(path, why, AGAIN.format("trained"), partial(_aside, path))
        return
    options = json.dumps(run.experiment.model_options, sort_keys=True)
    current = recorded_digests(run.provenance) == run.experiment.digests  # its model is still what was trained
    if current and (run.parameters, run.multiply_adds) != (sizes := _sizes(run.experiment.model, run.classes, options)):
        why = f"its parameters and multiply-adds are {run.parameters} and {run.multiply_adds}, not {sizes[0]} and "
        yield Finding(path, f"{why}{sizes[1]}", AGAIN.format("trained"), partial(_aside, path))
        return
    weights = path.with_name(WEIGHTS)
    there = marker.checksum(weights)
    if there and run.weights_sha256 and there != run.weights_sha256:
        yield Finding(weights, DIFFERS, "put aside", partial(_aside, weights))
    try:
        robustness.check(run)
    except record.Damaged as error:
        place = path.with_name(robustness.FILE)
        cure = f"put aside; {robustness.AGAIN}"
        yield Finding(place, record.damage(error), cure, partial(_aside, place))
    if record.CHECKSUM not in record.read(path) or (there and not run.weights_sha256):
        yield Finding(path, OLD, "they are added", partial(_seal, path, there))


def _seal(path: Path, weights: str) -> None:
    values = record.read(path)
    values |= {"weights_sha256": weights} if weights and "weights_sha256" not in values else {}
    write_whole(path, lambda part: part.write_text(record.written(record.sealed(values)), "utf-8"))


def _reports(out: Path) -> Iterator[Finding]:
    for path in trace.executed(out):
        content, page = freshness.whole(path), out / f"{path.stem}.html"
        there = marker.checksum(page)
        if not content:
            why = f"{DIFFERS}, or `reports` did not execute it"
            yield Finding(path, why, AGAIN.format("executed"), partial(_aside, path))
        elif not {"checksum", "html_checksum"} <= content["metadata"]["fmnist"].keys():
            yield Finding(path, OLD, "they are added", partial(_seal_report, path, there))
        elif not there and os.path.lexists(page):
            yield Finding(page, "it is no file", AGAIN.format("written"), partial(_aside, page))
        elif there and there != content["metadata"]["fmnist"]["html_checksum"]:
            yield Finding(page, "it is not the page that was written", AGAIN.format("written"), partial(_aside, page))
        elif why := trace.outdated(content["metadata"]["fmnist"], out):
            yield Finding(path, why, AGAIN.format("executed"), partial(_aside, path))
    for name, (_, digest) in marker.tables(out).items():
        if (out / name).is_file() and marker.checksum(out / name) != digest:
            yield Finding(out / name, DIFFERS, AGAIN.format("written"), partial(_aside, out / name))


def _seal_report(path: Path, page: str) -> None:
    content: dict[str, Any] = freshness.whole(path)
    content["metadata"]["fmnist"]["html_checksum"] = page
    freshness.seal(content)
    freshness.write(content, path)


def _rest(out: Path, being_made: bool, index_is_old: bool) -> Iterator[Finding]:
    if not being_made and not marker.index_is_current(out):
        for name in marker.INDEX:
            if marker.recorded(out, name) != marker.checksum(out / name):
                place, known = out / name, marker.recorded(out, name)
                why = "it is not what was written last" if known else "it may be older than the folder's last change"
                yield Finding(place, why, "written anew", partial(_clear, place))
        if index_is_old:
            why = "runs have come, gone or been trained again since it was written"
            yield Finding(out / marker.INDEX[1], why, "written anew", lambda: None)
        reports = [*(out / name for name in marker.INDEX), *(out / "notebooks").glob("*.ipynb")]
        # (`run_all` writes runs alone, into a folder without a marker)
        if not (place := out / marker.MARKER).is_file() and (place.exists() or any(map(Path.exists, reports))):
            yield Finding(place, "it is missing, or no file", "written", partial(_clear, place))
    for folder in (out, out / "notebooks", *out.glob("runs/*/")):
        for path in leftovers(folder):
            yield Finding(path, "a killed process left it", "removed", partial(path.unlink, missing_ok=True))
