"""Errors for people: one line that says what is wrong, what is allowed and what to do."""

from __future__ import annotations

import contextlib
import difflib
import errno
import re
import reprlib
from collections.abc import Iterable, Iterator, Sequence

MAKE_ROOM = "make room or choose another OUT"
ALLOW = "allow it, or choose another OUT"
ADVICE = dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), ALLOW)
ADVICE |= dict.fromkeys((errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)), MAKE_ROOM)
# What a terminal would act on, or show in another order: control characters, separators of lines, bidirectional marks.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {10: "\\n", 9: "\\t"}
CONTROLS |= {code: f"\\u{code:04x}" for code in (0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))}
DIFFERS = "its content differs from its checksum"  # of a file that is not what was written


class UserError(Exception):
    """A mistake that the user can mend, or several: each is shown as one line, never as a traceback.

    A path or another word of more characters than anybody reads is shown by its two ends; what would break the line,
    or change how a terminal shows it, is written out.
    """

    def __str__(self) -> str:
        lines = (str(problem).translate(CONTROLS) for problem in self.args)
        return "\n".join(re.sub(r"\S{161,}", lambda word: f"{word[0][:60]}…{word[0][-59:]}", line) for line in lines)

    def _render_traceback_(self) -> list[str]:
        """Tell IPython (a notebook, JupyterLab) to show the one line in place of a traceback."""
        return [f"Error: {self}"]


def together(failures: Sequence[Exception]) -> Exception:
    """Make one error of several: what each says, a line each; the first that is no UserError goes before them all."""
    if others := [failure for failure in failures if not isinstance(failure, UserError)]:
        return others[0]
    problems = dict.fromkeys(problem for failure in failures for problem in failure.args)  # each is said once
    return failures[0] if len(failures) == 1 else UserError(*problems)


class Stopped(KeyboardInterrupt):
    """The stop button of a notebook, or Ctrl-C, during a training; a notebook shows it as one line."""

    def __str__(self) -> str:
        return "What is finished is kept: the same call goes on from there."

    def _render_traceback_(self) -> list[str]:
        return ["Stopped. What is finished is kept: the same cell goes on from there."]


def brief(value: object, room: int = 80) -> str:
    """Write a value as Python would, cut short where it is long, so that an error stays one short line."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = room
    short.maxlist = short.maxtuple = short.maxdict = 6
    text = " ".join(short.repr(value).split())
    return text if len(text) <= room else f"{text[: room - 1]}…"


def bare(text: str, room: int = 80) -> str:
    """Write a text that the user gave as `brief` does, but as it was: without quotation marks around it."""
    return brief(text, room).strip("'\"")


def listed(names: Iterable[str], room: int = 150) -> str:
    """Join names by commas, as many as there is room for, and say how many more there are."""
    names, shown = list(names), list[str]()
    while len(shown) < len(names) and sum(len(name) + 2 for name in shown) + len(names[len(shown)]) <= room:
        shown.append(names[len(shown)])
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Say which allowed name is meant: ``"; did you mean 'adam'?"``, or nothing if none is near."""
    matches = difflib.get_close_matches(str(name)[:100].lower(), list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""


@contextlib.contextmanager
def os_errors(action: str = "read or write", advice: str = "") -> Iterator[None]:
    """Turn what the file system refuses (permission, full disk, bad medium) into one line.

    Parameters
    ----------
    action : what could not be done
    advice : what to do about it, unless it is a matter of permission
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise  # not the file system: PIL, for one, says so of what is no image
        raise UserError(refused(error, action, advice and ADVICE.get(error.errno, advice))) from error


def refused(error: OSError, action: str = "read or write", advice: str = "") -> str:
    """Say in a line what the file system refuses, and what to do about it."""
    where = bare(str(error.filename), 200) if error.filename else "a file"
    return f"cannot {action} {where}: {error.strerror or error}" + (f"; {advice}" if advice else "")
