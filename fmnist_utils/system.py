"""The machine around the project: where its folders lie, files that are whole or not there, what a result came from.

Imports nothing heavy, so that commands which train nothing start at once.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from fmnist_utils.errors import UserError, brief

ROOT = Path(__file__).resolve().parent.parent  # holds notebooks/, params/ and reports/
PUBLISHED = "reports/full"  # the reports folder whose runs are committed
LIBRARIES = ("torch", "torchvision", "numpy", "scikit-learn", "papermill", "nbconvert")


def expanded(path: str | Path) -> Path:
    """Replace a leading ``~``; UserError for what cannot be a path."""
    try:
        str(path).encode()
        if "\0" in str(path):
            raise ValueError("it has a NUL in it")
        return Path(path).expanduser()
    except UnicodeEncodeError:
        raise UserError(f"{brief(str(path))} is not UTF-8: rename it, or name it through a link") from None
    except (RuntimeError, ValueError) as error:  # nobody is called so
        raise UserError(f"{brief(str(path))} cannot be a path: {error}") from None


def from_root(path: str | Path) -> Path:
    """Resolve `path` against the project root (not the current folder), so that notebooks and make agree."""
    return (ROOT / expanded(path)).resolve()


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then rename it: readers see the old file or the whole new one.

    Raises
    ------
    OSError
        No room, or no permission; it names `path`.
    """
    part = path.with_name(f"{path.name}.{platform.node()}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        if part.exists():
            part.unlink()


def leftovers(folder: Path) -> list[Path]:
    """List the ``*.part`` files that processes of this machine left in a folder when they were killed.

    A process that is alive, and not younger than the file, may still be writing it.
    """
    import psutil

    found = []
    # The second form is that of before the machine's name was in it.
    ours = re.compile(rf"(?:.+\.{re.escape(platform.node())}|[^.]+\.\w+)\.(\d+)\.part")
    for path in folder.glob("*.part"):
        if (process := ours.fullmatch(path.name)) is None:
            continue  # of another machine that sees this folder
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            # (A minute's grace, since a clock that is set moves the one time and not the other.)
            if psutil.Process(int(process[1])).create_time() < path.stat().st_mtime + 60:
                continue
        found.append(path)
    return found


def put_aside(path: Path, why: str, then: str = "the run is trained again when it is wanted") -> None:
    """Rename a damaged file so that it is neither used nor lost, and say so and what follows (`then`).

    Where it may not be renamed, it is left where it is, and not used all the same.
    """
    aside = path.with_name(f"{path.name}.damaged")
    try:
        os.replace(path, aside)
        done = f"put aside as {aside.name}"
    except OSError as error:
        done = f"not used, and it cannot be put aside ({error.strerror})"
    print(f"{path} is damaged ({why}): {done}; {then}", file=sys.stderr, flush=True)


def commit() -> str:
    """Return the git commit of the project, with "-dirty" if code differs from it; "" outside a checkout."""
    git = ["git", "-C", str(ROOT)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changes = subprocess.run(
            [*git, "status", "--porcelain", "--", ".", ":!reports"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("-dirty" if changes.stdout.strip() else "")


def provenance() -> dict[str, Any]:
    """Return date, commit, Python and library versions, and the machine's kind."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}},
    }
