"""Errors for people: one line that says what is wrong, what is allowed and what to do."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator

MAKE_ROOM = "make room or choose another OUT"


class UserError(Exception):
    """A mistake that the user can mend; shown as one line, never as a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Tell IPython (a notebook, JupyterLab) to show the one line in place of a traceback."""
        return [f"Error: {self}"]


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Say which allowed name is meant: ``"; did you mean 'adam'?"``, or nothing if none is near."""
    matches = difflib.get_close_matches(str(name).lower(), list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""


@contextlib.contextmanager
def os_errors(action: str = "read or write", advice: str = "") -> Iterator[None]:
    """Turn what the file system refuses (permission, full disk, bad medium) into one line.

    Parameters
    ----------
    action : what could not be done
    advice : what to do about it
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise  # not the file system: PIL, for one, says so of what is no image
        line = f"cannot {action} {error.filename or 'a file'}: {error.strerror or error}"
        raise UserError(f"{line}; {advice}" if advice else line) from error
