"""What every notebook needs to speak: computed sentences and tables, with names escaped."""

from __future__ import annotations

import re

from IPython.display import Markdown, display

from fmnist_utils import frontier
from fmnist_utils.experiment import Experiment
from fmnist_utils.run import accuracies, changes, gap

__all__ = ["accuracies", "changes", "gap", "headline", "md", "say"]


def say(text: str) -> None:
    """Display a sentence made from results, as Markdown."""
    display(Markdown(text))


def md(name: object) -> str:
    """Escape a name (of a class, a data set, a file) so that Markdown and HTML show it as it is, on one line."""
    # entities mean nothing to Markdown, so no character can begin a list, a link or a tag
    return re.sub(r"[!-/:-@[-`{-~]", lambda match: f"&#{ord(match[0])};", " ".join(str(name).split()))


def headline(dataset: str, data_dir: str, epochs: int, seed: int, train_size: int = 0) -> Experiment:
    """Return the headline experiment of notebooks 05 and 06: the frontier's first recipe in the caller's budget."""
    return frontier.FIRST.but(
        dataset=dataset,
        data_dir=data_dir,
        epochs=epochs,
        seed=seed,
        train_size=train_size,
        validation=True,
        test_time_views=False,
    )
