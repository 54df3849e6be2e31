"""Which trainings a report or an index rests on, so that it is known to be old once they are others.

A run that is trained again keeps its key. What tells its trainings apart is how they went: history and provenance. A
report rests on runs that it read, and on what was there when it asked: for published runs, or for those of a notebook.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fmnist_utils.basics.system import PUBLISHED, from_root

RUN = "[0-9a-f]" * 16  # name of a run's folder: its key
RECORD = "record.json"  # in it, what was trained and how
OF_PUBLISHED = "published"  # what else was asked for is the number of a notebook, such as "03"
FILE = "RUNS_READ_FILE"  # environment variable: where a notebook's kernel notes the runs that it reads, a line each


def identity(history: list[Any], provenance: Mapping[str, Any]) -> str:
    """What tells a training from others of the same key, 16 hex digits; to make a run thin leaves it as it is."""
    return _digest([history, provenance])


def note(runs: Path, key: str, history: list[Any], provenance: Mapping[str, Any]) -> None:
    """Note that a run of a store's folder was read, where somebody wants to know (`FILE`)."""
    _write(runs, key, lambda: identity(history, provenance))


def note_asked(what: str, out: Path) -> None:
    """Note that runs were asked for, found or not: the published ones, or those of a notebook of a reports folder."""
    _write(out, what, lambda: state(what, out))


def _write(folder: Path, what: str, state: Callable[[], str]) -> None:
    if file := os.environ.get(FILE):
        with open(file, "a", encoding="utf-8") as notes:
            notes.write(json.dumps([str(folder), what, state()]) + "\n")


def noted(file: Path, folder: Path) -> dict[str, str]:
    """States, by name, of what a file has notes of in a folder, as it was read last: of a store's, its runs."""
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    return dict(sorted({what: now for place, what, now in map(json.loads, lines) if place == str(folder)}.items()))


def asked(file: Path, out: Path) -> dict[str, str]:
    """What was asked for by those who read runs for a report of `out`, and the state in which it was."""
    published = from_root(PUBLISHED)
    return noted(file, out) | (noted(file, published) if out != published else {})


def state(what: str, out: Path) -> str:
    """Digest of the trainings that can be asked for; those of a notebook are what its report rests on ("": none)."""
    if what == OF_PUBLISHED:
        return _digest(there(from_root(PUBLISHED) / "runs"))
    for path in executed(out, what):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            runs = json.loads(path.read_text("utf-8"))["metadata"]["fmnist"]["runs"]
            return _digest(runs) if runs else ""
    return ""


def executed(out: Path, number: str = "[0-9][0-9]") -> list[Path]:
    """Executed notebooks of a reports folder, all or that of one number, without those that failed."""
    there = sorted((out / "notebooks").glob(f"{number}_*.ipynb"))
    return [path for path in there if not path.name.endswith(".failed.ipynb")]


def outdated(report: Mapping[str, Any], out: Path) -> str:
    """Say which runs that a report of `out` rests on are others now; "" if none are.

    `report` is what was recorded of it: by their names, the runs that it read, and what it "asked" for.
    """
    if again := replaced(out / "runs", report.get("runs", {})):
        return f"run {again[0]}{f' and {len(again) - 1} more' if len(again) > 1 else ''} was trained again since"
    others = [what for what, then in report.get("asked", {}).items() if state(what, out) != then]
    these = " and ".join("the published runs" if what == OF_PUBLISHED else f"the runs of {what}" for what in others)
    return f"{these}, which it asked for, have changed since" if others else ""


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def there(runs: Path) -> dict[str, str]:
    """Identities, by key, of the runs that a store's folder holds."""
    return {path.parent.name: now for path in sorted(runs.glob(f"{RUN}/{RECORD}")) if (now := _now(path))}


def replaced(runs: Path, before: Mapping[str, str]) -> list[str]:
    """Keys of the runs that were trained again since; those that are gone contradict nothing."""
    return [key for key, training in before.items() if (now := _now(runs / key / RECORD)) and now != training]


def _now(record: Path) -> str:
    """Identity of a stored run; "" where there is none, or its record cannot be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        return _read(record, record.stat().st_mtime_ns)
    return ""


@lru_cache(maxsize=4096)
def _read(record: Path, time: int) -> str:
    content = json.loads(record.read_text("utf-8"))
    return identity(content["history"], content["provenance"])
