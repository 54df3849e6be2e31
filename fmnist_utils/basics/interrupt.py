"""Ctrl-C: at once where nothing has to be ended in order, and never swallowed where something has.

Python turns Ctrl-C into an exception in whatever runs just then. In an import or a callback of a library that may be
caught, ignored or shown as a traceback. So commands begin with `at_once`, and only what holds kernels or half-written
files runs `in_order`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

STOPPED = "Stopped. What is finished is kept: the same command goes on from there."
STATUS = 130  # what shells give for Ctrl-C
AGAIN = 2.0  # seconds after which an interruption that somebody swallowed is raised again


def at_once() -> None:
    """From here on, Ctrl-C ends the process with one line and status 130."""
    signal.signal(signal.SIGINT, _stop)


def _stop(*_: Any) -> None:
    os.write(2, f"{STOPPED}\n".encode())
    os._exit(STATUS)


def leave() -> None:
    """End the process with status 130, now that all that had to be ended in order is ended."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(STATUS)


def no_more() -> None:
    """From here on, Ctrl-C changes nothing: all is done, and Python's own end would be cut off without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Within it, for the milliseconds that files which belong together are written, Ctrl-C changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are not this thread's
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def in_order() -> Iterator[None]:
    """Within it, Ctrl-C raises KeyboardInterrupt, and again every two seconds until that has left it."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield  # signals are not this thread's
        return

    def interrupt(*_: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
