"""Progress of trainings: bars in JupyterLab and on a terminal, else a line an epoch."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from fmnist_utils.basics.text import duration


def interactive() -> bool:
    """Tell whether somebody watches: a kernel started by JupyterLab, or a terminal."""
    return "JPY_SESSION_NAME" in os.environ or sys.stderr.isatty()


class Progress:
    """Shows how far one run is; a training calls its methods.

    Parameters
    ----------
    label : what is trained, in a few words
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.epochs = 0
        self.bar: Any = None

    def begin(self, epochs: int, steps: int, done: int = 0) -> None:
        """Take notice of `epochs` epochs of `steps` batches, of which `done` were trained before."""
        self.epochs = epochs
        if interactive():
            from tqdm.auto import tqdm

            self.bar = tqdm(total=epochs * steps, initial=done * steps, desc=self.label, leave=False)
        if done:
            self.say(f"{self.label}: goes on after epoch {done}")

    def say(self, line: str) -> None:
        """Print a line without tearing the bar."""
        if self.bar is not None:
            self.bar.write(line)
        else:
            print(line, flush=True)

    def batch(self, n: int = 1) -> None:
        """Count `n` more batches."""
        if self.bar is not None:
            self.bar.update(n)

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


class Overall:
    """Shows how far several runs are together: a bar where somebody watches, else a line after each.

    Parameters
    ----------
    costs : estimated seconds of each run, by its key, in any unit
    """

    def __init__(self, costs: dict[str, float]) -> None:
        self.costs, self.began = dict(costs), time.monotonic()
        self.n, self.cost, self.done = len(costs), sum(costs.values()), 0
        self.bar: Any = None
        if self.n > 1 and interactive():
            from tqdm.auto import tqdm

            self.bar = tqdm(total=self.n, desc="all runs", unit="run")

    def label(self, label: str, number: int) -> str:
        """Say which of the runs one is: ``"cnn-big, seed 0 (3 of 30)"``."""
        return f"{label} ({number} of {self.n})" if self.n > 1 else label

    def finished(self, key: str) -> None:
        """Count a finished run, and say how much time the others may take."""
        self.done += 1
        self.costs.pop(key, None)
        left = sum(self.costs.values())
        spent = time.monotonic() - self.began
        expected = duration(spent * left / max(self.cost - left, 1e-9))
        if self.bar is not None:
            self.bar.update()
            self.bar.set_postfix_str(f"about {expected} left" if left else "")
        elif self.costs:
            print(f"{self.done} of {self.n} runs trained, about {expected} left", flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.close()
