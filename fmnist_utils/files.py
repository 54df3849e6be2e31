"""Files that are whole or not there: writing beside and renaming, and putting damaged ones aside."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from fmnist_utils.errors import UserError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then rename it: readers see the old file or the whole new one."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        os.replace(part, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; make room or choose another OUT") from error
    finally:
        if part.exists():
            part.unlink()


def put_aside(path: Path, why: str) -> None:
    """Rename a damaged file so that it is neither used nor lost, and say so."""
    aside = path.with_name(f"{path.name}.damaged")
    os.replace(path, aside)
    print(f"{path} is damaged ({why}): put aside as {aside.name}, the run is trained again", file=sys.stderr)
