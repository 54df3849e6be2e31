"""Which trainings a report or an index rests on, so that it is known to be old once one of them is replaced.

A run that is trained again keeps its key. What tells its trainings apart is how they went: history and provenance.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = "RUNS_READ_FILE"  # environment variable: where a notebook's kernel notes the runs that it reads, a line each


def identity(history: list[Any], provenance: Mapping[str, Any]) -> str:
    """What tells a training from others of the same key, 16 hex digits; to make a run thin leaves it as it is."""
    return hashlib.sha256(json.dumps([history, provenance], sort_keys=True).encode()).hexdigest()[:16]


def note(runs: Path, key: str, history: list[Any], provenance: Mapping[str, Any]) -> None:
    """Note that a run of a store's folder was read, where somebody wants to know (`FILE`)."""
    if file := os.environ.get(FILE):
        with open(file, "a", encoding="utf-8") as notes:
            notes.write(json.dumps([str(runs), key, identity(history, provenance)]) + "\n")


def noted(file: Path, runs: Path) -> dict[str, str]:
    """Identities, by key, of the runs of a store's folder that were noted in a file, as they were read last."""
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    found = {key: training for folder, key, training in map(json.loads, lines) if folder == str(runs)}
    return dict(sorted(found.items()))


def there(runs: Path) -> dict[str, str]:
    """Identities, by key, of the runs that a store's folder holds."""
    return {path.parent.name: now for path in sorted(runs.glob("*/record.json")) if (now := _now(path))}


def replaced(runs: Path, before: Mapping[str, str]) -> list[str]:
    """Keys of the runs that were trained again since; those that are gone contradict nothing."""
    return [key for key, training in before.items() if (now := _now(runs / key / "record.json")) and now != training]


def _now(record: Path) -> str:
    """Identity of a stored run; "" where there is none, or its record cannot be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        return _read(record, record.stat().st_mtime_ns)
    return ""


@lru_cache(maxsize=4096)
def _read(record: Path, time: int) -> str:
    content = json.loads(record.read_text("utf-8"))
    return identity(content["history"], content["provenance"])
