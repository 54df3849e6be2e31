"""Progress of a training: a bar in JupyterLab and on a terminal, else a line an epoch; times and counts in words."""

from __future__ import annotations

import os
import sys
from typing import Any


def interactive() -> bool:
    """Tell whether somebody watches: a kernel started by JupyterLab, or a terminal."""
    return "JPY_SESSION_NAME" in os.environ or sys.stderr.isatty()


def duration(seconds: float) -> str:
    """Write a time in seconds for people: ``"4.2 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(n: int, thing: str) -> str:
    """Write a number with what it counts: ``"1 run"``, ``"3 runs"``."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


class Progress:
    """Shows how far one run is.

    Parameters
    ----------
    label : what is trained, in a few words
    epochs, steps : number of epochs, and of batches in one
    done : epochs already trained, for a run that goes on from a checkpoint
    """

    def __init__(self, label: str, epochs: int, steps: int, done: int = 0) -> None:
        self.label, self.epochs = label, epochs
        self.bar: Any = None
        if interactive():
            from tqdm.auto import tqdm

            self.bar = tqdm(total=epochs * steps, initial=done * steps, desc=label, leave=False)
        if done:
            self.say(f"{label}: goes on after epoch {done}")

    def say(self, line: str) -> None:
        """Print a line without tearing the bar."""
        if self.bar is not None:
            self.bar.write(line)
        else:
            print(line, flush=True)

    def batch(self) -> None:
        """Count one more batch."""
        if self.bar is not None:
            self.bar.update()

    def epoch(self, row: dict[str, Any]) -> None:
        """Report a finished epoch from its row of the history."""
        text = f"loss {row['train_loss']:.3f}, training {row['train_accuracy']:.2%}"
        if row["validation_accuracy"] is not None:
            text += f", validation {row['validation_accuracy']:.2%}"
        if self.bar is not None:
            self.bar.set_postfix_str(text)
        else:
            print(f"{self.label}: epoch {row['epoch']}/{self.epochs}, {text}, {row['seconds']:.1f} s", flush=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
