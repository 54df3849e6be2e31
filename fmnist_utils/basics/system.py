"""The machine around the project: where its folders lie, files that are whole or not there, what a result came from.

Imports nothing heavy, so that commands which train nothing start at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import glob
import itertools
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fmnist_utils.basics.errors import UserError, bare, brief

ROOT = Path(__file__).resolve().parents[2]  # holds notebooks/, params/ and reports/
PUBLISHED = "reports/full"  # the reports folder whose runs are committed
DRY_RUN_FILE = "DRY_RUN_FILE"  # environment variable: where a dry run writes, as JSON, what it would train
DAMAGED = ".damaged"  # end of the name that a file is put aside under
LIBRARIES = ("torch", "torchvision", "numpy", "scikit-learn", "papermill", "nbconvert")


def expanded(path: str | Path) -> Path:
    """Replace a leading ``~``; UserError for what cannot be a path."""
    try:
        str(path).encode()
        if "\0" in str(path):
            raise ValueError("it has a NUL in it")
        if str(path).isspace():
            raise ValueError("it is blank")
        os.lstat(place := Path(path).expanduser())
    except UnicodeEncodeError:
        if sys.getfilesystemencoding() != "utf-8":
            why = f"this Python reads names as {sys.getfilesystemencoding()}: leave PYTHONUTF8 and LC_ALL as they were"
            raise UserError(f"{brief(str(path))} cannot be read, as {why}") from None
        raise UserError(f"{brief(str(path))} is not UTF-8: rename it, or name it through a link") from None
    except (RuntimeError, ValueError, TypeError) as error:  # nobody is called so, or it is no text
        raise UserError(f"{brief(str(path))} cannot be a path: {error}") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(f"{brief(str(path))} cannot be a path: {error.strerror}") from None
    return place


def from_root(path: str | Path) -> Path:
    """Resolve `path` against the project root (not the current folder), so that notebooks and make agree."""
    return (ROOT / expanded(path)).resolve()


def from_anywhere(path: str) -> str:
    """Write `path` so that it means the same elsewhere: one of the current folder is made absolute.

    It stays as it is where it is not a folder, or where the project has one of that name, which goes first.
    """
    place = expanded(path)
    return path if not place.is_dir() or from_root(path).is_dir() else str(place.resolve())


def misplaced(out: Path, sources: Iterable[Path], data: Iterable[tuple[str, str]] = ()) -> str:
    """Say why a reports folder may not be written to, since it lies in what must not change; "" if it does not.

    Parameters
    ----------
    out : the folder
    sources : folders of the project that nothing may be written to
    data : names and folders of the data sets that the reports are about
    """
    if out == ROOT:
        return "OUT is the project itself: choose a folder in it, such as reports/mine"
    kept = [path.resolve() for path in sources]
    wanted = [place for pair in data for place in pair if place]
    kept += [path for place in wanted for path in (from_root(place), expanded(place).resolve()) if path.is_dir()]
    links = [place.resolve() for place in (out / "notebooks", out / "runs") if place.is_symlink()]
    for folder, place in itertools.product(kept, (out, *links)):
        if place == folder or folder in place.parents:
            return f"OUT={place} lies in {folder}, which reports must not change: choose another, such as reports/mine"
    return ""


def sources(notebooks: Path = ROOT / "notebooks", params: Path = ROOT / "params") -> list[Path]:
    """Folders of the project that nothing may be written to."""
    return [notebooks, params, ROOT / "fmnist_utils", ROOT / "data"]


def is_dry_run() -> bool:
    """Whether only what would happen is wanted (environment variable DRY_RUN)."""
    return is_set("DRY_RUN")


def is_set(variable: str) -> bool:
    """Whether an environment variable is 1, or another number than 0; UserError for what is none, such as "no"."""
    value = os.environ.get(variable, "") or "0"
    if not (value.isascii() and value.isdigit()):
        raise UserError(f"{variable}={bare(value, 60)} is not allowed: write 1, or 0 or nothing for no")
    return bool(value.strip("0"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then rename it: readers see the old file or the whole new one.

    What a killed process left of such a file goes.

    Raises
    ------
    OSError
        No room, or no permission; it names `path`.
    """
    write_together({path: write})


def write_together(files: Mapping[Path, Callable[[Path], object]]) -> None:
    """Fill several files beside their places, then rename them in order: where one cannot be filled, none is changed.

    Raises
    ------
    OSError
        As in `write_whole`.
    """
    parts = {path: path.with_name(f"{path.name}.{platform.node()}.{os.getpid()}.part") for path in files}
    path = Path()
    try:
        for path, part in parts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            for left in leftovers(path.parent, path.name):
                left.unlink(missing_ok=True)
            files[path](part)
        for path, part in parts.items():
            os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def hold(path: Path, waiting: Callable[[str], object]) -> Iterator[None]:
    """Hold a lock file for this process; the system releases it even when the process is killed.

    `waiting` is told who holds it, if another process does; then it is waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():  # to open a pipe is to wait for whoever is at its other end
        raise FileExistsError(errno.EEXIST, "it is no file", str(path))
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = ""
        with contextlib.suppress(OSError):  # Windows lets nobody read what is locked
            holder = path.read_text("utf-8")
        waiting(holder or "another process")
        lock.acquire()
    try:
        with contextlib.suppress(OSError):  # it is for the eyes of who waits
            path.write_text(f"process {os.getpid()} on {platform.node()}", "utf-8")
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether another process holds a lock file (`hold`)."""
    if not path.is_file():
        return False
    try:
        with FileLock(path).acquire(blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # it may not be written, so that nobody can tell
        return False


def leftovers(folder: Path, name: str = "") -> list[Path]:
    """List the ``*.part`` files that processes of this machine left in a folder when they were killed.

    A process that is alive, and not younger than the file, may still be writing it. With `name`, only those of the file
    of that name.
    """
    if not (parts := list(folder.glob(f"{glob.escape(name)}.*.part" if name else "*.part"))):
        return []
    import psutil

    found = []
    # The second form is that of before the machine's name was in it.
    ours = re.compile(rf"(?:.+\.{re.escape(platform.node())}|[^.]+\.\w+)\.(\d+)\.part")
    for path in parts:
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

    Where it may not be renamed, it is left where it is, and not used all the same: so is what a link leads to, as it is
    another folder's.
    """
    aside = path.with_name(path.name + DAMAGED)
    try:
        if path.parent.is_symlink():
            raise OSError(errno.EPERM, "its folder is a link")
        os.replace(path, aside)
        done = f"put aside as {aside.name}"
    except OSError as error:
        done = f"not used, and it cannot be put aside ({error.strerror})"
    print(f"{path} is damaged ({why}): {done}; {then}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let the C library keep what is freed for the next allocation, in place of giving it back to the system.

    Dask starts its workers with a malloc that gives back at once (MALLOC_TRIM_THRESHOLD_). A training step then gets
    its activations as new pages, which the system must clear, every time: half as many images again are trained
    without. What is kept goes back when the context ends: the pieces that one net leaves are of little use to the
    next, and add up to gigabytes. Only glibc is told; other C libraries are left alone.
    """
    library: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
    if mallopt := getattr(library, "mallopt", None):
        trim_threshold, mmap_threshold = -1, -3  # their numbers in malloc.h
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_threshold, 32 * 2**20)  # the most that it takes; a trim threshold alone would fix it at 128 KiB
    try:
        yield
    finally:
        gc.collect()
        if trim := getattr(library, "malloc_trim", None):
            trim(0)


def commit() -> str:
    """Return the git commit of the project, with "-dirty" if code differs from it; "" outside a checkout of its own."""
    try:
        # (A folder without .git may lie in somebody else's checkout.)
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != ROOT:
            return ""
        head, changes = _git("rev-parse", "--short=12", "HEAD"), _git("status", "--porcelain", "--", ".", ":!reports")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("-dirty" if changes else "")


def _git(*arguments: str) -> str:
    """Ask git about the project, whatever repository the environment names, as it does in a hook."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()


def provenance() -> dict[str, Any]:
    """Return date, commit, Python and library versions, and the machine's kind."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}},
    }
