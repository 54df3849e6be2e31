"""Where the project lies: the folder that holds ``notebooks/``, ``params/`` and ``reports/``."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = "reports/full"  # the reports folder whose runs are committed


def from_root(path: str | Path) -> Path:
    """Resolve `path` against the project root (not the current folder), so that notebooks and make agree."""
    return (ROOT / Path(path).expanduser()).resolve()
