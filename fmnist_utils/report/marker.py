"""A folder of reports: what marks it as one, where it may lie, and whether its index is what was written last."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fmnist_utils.basics.system import PUBLISHED, from_root, hold, leftovers, misplaced, write_whole
from fmnist_utils.report import freshness
from fmnist_utils.report.parameters import shown
from fmnist_utils.runs import trace

MARKER = ".fmnist-reports.json"
LOCK = ".lock"
INDEX = ("index.html", "results.csv")  # written last, together
RUNS = "runs"  # that they were written of
ABOUT = "This folder holds reports of fmnist-reports, which may replace any file in it."
# What a folder of reports has in it, for those of before there was a marker.
OURS = re.compile(
    r"index\.html|results\.csv|suspects\.csv|notebooks|runs|\d\d_\w+\.html|\.lock|\.DS_Store|\.git(?:ignore|keep|attributes)|\.ipynb_checkpoints|\.fmnist-reports\.json.*|.*\.part"
)


def checksum(path: Path) -> str:
    """SHA-256 (hex) of a file; "" if it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def problem(out: Path, sources: Iterable[Path], data: Iterable[tuple[str, str]]) -> str:
    """Say why reports may not be written to `out`, since that would damage what is there; "" if they may.

    Parameters
    ----------
    out : where the reports would go
    sources, data : as in `misplaced`
    """
    if why := misplaced(out, sources, data):
        return why
    if out.exists() and not out.is_dir():
        return f"OUT={out} is a file: choose a folder, such as reports/mine"
    if not out.is_dir() or (out / MARKER).exists():
        return ""
    there = sorted(path.name for path in out.iterdir())
    if strange := [name for name in there if not OURS.fullmatch(name)] or (there if not _looks_made(out) else []):
        what = f"{strange[0]!r}" + (f" and {len(strange) - 1} more" if len(strange) > 1 else "")
        return f"OUT={out} holds {what} and is no folder of reports: choose a new or empty one, such as reports/mine"
    return ""


def _looks_made(out: Path) -> bool:
    """Whether a folder without a marker was nevertheless made by this package, or has nothing in it that counts."""
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    executed = [path for path in out.glob("notebooks/*.ipynb") if not path.stem.endswith(".failed")]
    if not all(map(freshness.recorded, executed)):  # somebody's own notebooks, which would be overwritten
        return False
    runs = [path for name in (trace.RECORD, "run.lock") for path in out.glob(f"runs/{trace.RUN}/{name}")]
    return bool(not names or executed or (runs and names.isdisjoint(INDEX)))  # which no run alone has written


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Hold a folder of reports for this process; wait for another one that holds it."""
    waiting = "{out} is in use by {holder}: waiting for it to finish"
    with hold(out / LOCK, lambda holder: print(waiting.format(out=shown(out), holder=holder), flush=True)):
        yield


def prepare(out: Path) -> None:
    """Mark a folder, whose lock this process holds, as one of reports, and remove what killed processes left."""
    if not (out / MARKER).exists():
        _write(out)
    tidy(out)


def tidy(out: Path) -> None:
    """Remove what killed processes left in a folder, whose lock this process holds."""
    for folder in (out, out / "notebooks", *out.glob("runs/*/")):
        for path in leftovers(folder):
            path.unlink(missing_ok=True)
    shutil.rmtree(out / "notebooks" / "executing.tmp", ignore_errors=True)


def _read(out: Path) -> dict[str, Any]:
    """What the marker says; nothing if it is not there, or damaged: then it is written anew."""
    if not (out / MARKER).is_file():
        return {}
    try:
        content = json.loads((out / MARKER).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(out: Path, **changes: Any) -> None:
    content = {"about": ABOUT, "files": {}, **_read(out), **changes}
    text = json.dumps({name: value for name, value in content.items() if value is not None}, indent=1) + "\n"
    write_whole(out / MARKER, lambda path: path.write_text(text, "utf-8"))


def tables(out: Path, sources: Path | None = None) -> dict[str, tuple[str, str]]:
    """Give the last writer of each CSV file that executed notebooks wrote, and its checksum as it was then.

    The last writer alone answers for a file. With `sources` only notebooks of that folder count, which can write again.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for path in sorted((out / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        if sources and not (sources / path.name).exists():
            continue
        record = freshness.recorded(path)
        date = record.get("provenance", {}).get("date", "")
        for name, digest in record.get("files", {}).items():
            found[name] = max(found.get(name, ("", "", "")), (date, path.stem, digest))
    return {name: (writer, digest) for name, (_, writer, digest) in found.items()}


def retraining(out: Path, wanted: str) -> int:
    """Moment at which a retraining of the same began that has not come to its end; 0 if there is none.

    `wanted` tells what is to be trained again, and with what.
    """
    since = _retrainings(out).get(wanted, 0)
    return since if since <= time.time_ns() else 0


def retraining_begins(out: Path, wanted: str, since: int) -> None:
    """Note that a retraining has begun: until `retraining_ends`, the same command goes on with it."""
    _write(out, retrainings={**_retrainings(out), wanted: since})


def retraining_ends(out: Path, wanted: str) -> None:
    """Note that all that was to be trained again has been."""
    _write(out, retrainings={other: since for other, since in _retrainings(out).items() if other != wanted} or None)


def _retrainings(out: Path) -> dict[str, int]:
    """Moments at which retrainings began that have not come to their ends, by what tells what they are of."""
    begun = _read(out).get("retrainings")
    if not isinstance(begun, dict):
        return {}
    return {wanted: since for wanted, since in begun.items() if type(since) is int and since > 0}


def recorded(out: Path, name: str) -> str:
    """Checksum of a file of the index as it was written last; "" if there is none, or it has become old."""
    try:
        return str(_read(out)["files"][name])
    except (KeyError, TypeError):
        return ""


def index_is_current(out: Path) -> bool:
    """Whether index and table are those that were written after the last change, bit by bit, of the runs of today."""
    return all(recorded(out, name) == checksum(out / name) != "" for name in INDEX) and not index_lacks_runs(out)


def index_lacks_runs(out: Path) -> bool:
    """Whether runs have come, gone or been trained again since the index was written."""
    return recorded(out, RUNS) not in ("", runs_of(out))  # (those of before do not say what runs there were)


def runs_of(out: Path) -> str:
    """Digest of which trainings an index of a folder may list: those that it holds, and the published ones."""
    own = trace.there(out / "runs")
    published = from_root(PUBLISHED)
    return freshness.digest(own if out == published else [own, trace.state(trace.OF_PUBLISHED, published)])


def index_is_old(out: Path) -> None:
    """Note that something in the folder is about to change: until `index_is_new`, its index is to be written again."""
    _write(out, files={})


def index_is_new(out: Path, runs: str) -> None:
    """Note that index and table have been written, of the runs that there were (`runs_of`)."""
    _write(out, files={name: checksum(out / name) for name in INDEX} | {RUNS: runs})
