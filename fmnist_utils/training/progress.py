"""Progress of trainings: bars in JupyterLab and on a terminal, else a line an epoch; after a run its line stays."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from fmnist_utils.basics.text import counted, duration, percent

PAUSE = 0.2  # seconds between two looks of the bars
SETTLED = 1.0  # seconds of training from which a bar says how much time is left
WIDTH = 20  # characters of a bar


class Log:
    """Where nobody watches: lines that stay, one after the other."""

    live = False  # whether lines that change can be shown, too

    def write(self, line: str) -> None:
        """Add a line that stays."""
        print(line, flush=True)

    def show(self, lines: list[str]) -> None:
        """Show lines that change, below those that stay and in place of the ones before."""


class Terminal(Log):
    """A terminal; tqdm keeps the lines that change at its end."""

    live = True

    def __init__(self) -> None:
        self.bars: list[Any] = []

    def write(self, line: str) -> None:
        from tqdm import tqdm

        tqdm.write(line)

    def show(self, lines: list[str]) -> None:
        from tqdm import tqdm

        while len(self.bars) > len(lines):
            self.bars.pop().close()
        while len(self.bars) < len(lines):
            self.bars.append(tqdm(bar_format="{desc}", leave=False, dynamic_ncols=True))
        for bar, line in zip(self.bars, lines, strict=True):
            bar.set_description_str(line)


class Notebook(Log):
    """A cell of JupyterLab: one output of plain text, which is still there when the notebook is opened again."""

    live = True

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.changing: list[str] = []
        self.output: Any = None

    def write(self, line: str) -> None:
        self.lines.append(line)
        self._draw()

    def show(self, lines: list[str]) -> None:
        self.changing = lines
        self._draw()

    def _draw(self) -> None:
        from IPython.display import display

        content = {"text/plain": "\n".join([*self.lines, *self.changing])}
        if self.output is None:
            self.output = display(content, raw=True, display_id=True)
        else:
            self.output.update(content, raw=True)


def screen() -> Log:
    """Find out who watches: a kernel started by JupyterLab, a terminal, or nobody."""
    if "JPY_SESSION_NAME" in os.environ:
        from IPython import get_ipython

        if hasattr(get_ipython(), "kernel"):
            return Notebook()
    return Terminal() if sys.stderr.isatty() else Log()


class Progress:
    """How far one run is; a training calls its methods.

    Parameters
    ----------
    label : what is trained, in a few words
    board : shows it, among others
    cost : estimated seconds, in the unit of all on the board
    """

    def __init__(self, label: str, board: Board, cost: float = 1.0) -> None:
        self.label, self.board, self.cost = label, board, cost
        self.running = self.over = self.has_failed = False
        self.epochs = self.batches = self.done = self.before = 0
        self.began, self.said = 0.0, ""

    def begin(self, epochs: int, steps: int, done: int = 0) -> None:
        """Take notice of `epochs` epochs of `steps` batches, of which `done` were trained before."""
        self.epochs, self.batches, self.began = epochs, epochs * steps, time.monotonic()
        self.done = self.before = done * steps
        self.running = True
        if done:
            self.say(f"{self.label}: goes on after epoch {done}")
        self.board.draw(now=True)

    def say(self, line: str) -> None:
        """Write a line that stays."""
        self.board.screen.write(line)

    def batch(self, n: int = 1) -> None:
        """Count `n` more batches."""
        self.done += n
        self.board.draw()

    def epoch(self, row: dict[str, Any]) -> None:
        """Report a finished epoch from its row of the history."""
        self.done = row["epoch"] * self.batches // max(self.epochs, 1)
        self.said = f"loss {row['train_loss']:.3f}, training {percent(row['train_accuracy'])}"
        if row["validation_accuracy"] is not None:
            self.said += f", validation {percent(row['validation_accuracy'])}"
        if not self.board.screen.live:
            self.say(f"{self.label}: epoch {row['epoch']}/{self.epochs}, {self.said}, {row['seconds']:.1f} s")
        self.board.draw()

    def close(self) -> None:
        """Take the bar away."""
        self.running = False
        self.board.draw(now=True)

    def finished(self, accuracy: float, seconds: float) -> None:
        """Leave a line in place of the bar: the test accuracy, a share, and how long the training took."""
        self._end(f"{percent(accuracy)} of the test images, {duration(seconds)}")

    def failed(self) -> None:
        """Leave a line in place of the bar, of a run that came to nothing."""
        self.has_failed = True
        self._end("failed")

    def _end(self, outcome: str) -> None:
        self.running, self.over = False, True
        self.say(f"{self.label}: {outcome}")
        self.board.count()

    @property
    def share(self) -> float:
        """How much of the run is done, in 0..1."""
        return 1.0 if self.over else self.done / max(self.batches, 1)

    @property
    def gained(self) -> float:
        """How much of the run was done here, not before."""
        done = self.done / max(self.batches, 1) if self.has_failed else self.share
        return done - self.before / max(self.batches, 1) if self.began else 0.0  # (it may fail before it begins)

    def __str__(self) -> str:
        left = _left(self.began, self.gained, 1 - self.share)
        return f"{self.label}{left} {_bar(self.share)} {self.said}".rstrip()


class Board:
    """All runs of a call: a bar for each that is trained, one for all, and a line for each that is finished.

    Parameters
    ----------
    labels : what to call each run, in a few words, by its key
    costs : estimated seconds of each run, in any unit, by its key
    """

    def __init__(self, labels: Mapping[str, str], costs: Mapping[str, float]) -> None:
        self.runs = {
            key: Progress(f"{label} ({number} of {len(labels)})" if len(labels) > 1 else label, self, costs[key])
            for number, (key, label) in enumerate(labels.items(), 1)
        }
        self.drawn = 0.0

    @cached_property
    def screen(self) -> Log:
        """Where it is shown."""
        return screen()

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        if self.screen.live:
            self.screen.show([])

    def draw(self, now: bool = False) -> None:
        """Show the bars as they are, at once or if the last time is a moment ago."""
        if self.screen.live and (now or time.monotonic() - self.drawn > PAUSE):
            bars = [str(run) for run in self.runs.values() if run.running]
            self.screen.show([str(self), *bars] if len(self.runs) > 1 else bars)
            self.drawn = time.monotonic()

    def count(self) -> None:
        """Take notice of a run that is over: say how many are, and how long the others may take."""
        if self.screen.live:
            self.draw(now=True)
        elif self.over < len(self.runs):
            self.screen.write(f"{self._done}{self._left}")

    @property
    def over(self) -> int:
        """How many runs are over, failed ones among them."""
        return sum(run.over for run in self.runs.values())

    @property
    def _done(self) -> str:
        """How many runs are done, and how many failed: ``"1 of 3 runs done, 1 failed"``."""
        failed = sum(run.has_failed for run in self.runs.values())
        said = f"{self.over - failed} of {counted(len(self.runs), 'run')} done"
        return f"{said}, {failed} failed" if failed else said

    @property
    def _left(self) -> str:
        """How much time all that is not done may take, from how long it took to do what is."""
        began = min((run.began for run in self.runs.values() if run.began), default=0.0)  # the first training
        gained = sum(run.cost * run.gained for run in self.runs.values())
        left = sum(run.cost * (1 - run.share) for run in self.runs.values())
        return _left(began, gained, left, 0.0 if self.over else SETTLED)

    def __str__(self) -> str:
        share = sum(run.cost * run.share for run in self.runs.values()) / sum(run.cost for run in self.runs.values())
        return f"{self._done}{self._left} {_bar(share)}"


def alone(label: str) -> Progress:
    """Show one run by itself."""
    return Board({label: label}, {label: 1.0}).runs[label]


def _left(began: float, gained: float, left: float, settled: float = SETTLED) -> str:
    """Say how long what is left may take, from how long it took to gain what was gained since a moment."""
    spent = time.monotonic() - began
    return f", {_about(spent * left / gained)} left" if gained and spent > settled else ""


def _about(seconds: float) -> str:
    """Write a time that is not known better than this: ``"about 20 s"``, ``"about 4 min"``, ``"about 2 h 05 min"``."""
    if seconds < 59.5:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 3570 else f"about {duration(seconds)}"


def _bar(share: float) -> str:
    """Draw a share, 0..1, in characters that every terminal has."""
    full = round(WIDTH * share)
    return f"[{'#' * full}{'-' * (WIDTH - full)}]"
