"""What a notebook says: sentences made from results, and the summary box with question, answer, number and cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from inspect import getsource
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from IPython.display import Markdown, display

from fmnist_utils.basics.errors import UserError, brief
from fmnist_utils.basics.text import counted, duration

if TYPE_CHECKING:
    from fmnist_utils.training.run import Run

MIME = "application/vnd.fmnist.summary+json"


def say(text: str) -> None:
    """Display a sentence made from results, as Markdown."""
    display(Markdown(text))


def show_source(item: type | Callable[..., Any]) -> None:
    """Display the source of a class or function, which a report then shows even where it folds code away."""
    if not callable(item):
        raise UserError(f"show_source takes a class or a function, not {brief(item)}")
    display(Markdown(f"```python\n{dedent(getsource(item)).rstrip()}\n```"))


def summary(question: str, answer: str, value: object = "", runs: Iterable[Run] = (), note: str = "") -> None:
    """Show the summary box, and store its parts in the cell's output for the report and the index.

    Call it once, in a notebook's last cell; the report shows the box below its title.

    Parameters
    ----------
    question, answer : str
        Plain text (markup in it appears as text); the answer is one sentence made from the results.
    value : anything with a `str`
        The headline number with its interval, such as an `Estimate`; it may be left out.
    runs : runs, or groups of them
        All runs that the notebook rests on: what they cost is added up.
    note : str
        One more line of plain text, such as what limits the answer.
    """
    from fmnist_utils.runs.runner import trained_here
    from fmnist_utils.training.run import Run

    given: Any = runs  # one run, groups by name, or a list of runs
    runs = list(getattr(given, "runs", given) if isinstance(given, Iterable) else [given])
    if strange := [run for run in runs if not isinstance(run, Run)]:
        raise UserError(f"a summary has {brief(strange[0])} among its runs, which is none")
    parts: dict[str, Any] = {
        "question": str(question),
        "answer": str(answer),
        "value": str(value),
        "note": str(note),
        "runs": len(runs),
        "trained": sum(map(trained_here, runs)),
        "seconds": float(sum(run.seconds for run in runs)),
    }
    lines = [parts["question"], parts["answer"], parts["value"], cost(parts), parts["note"]]
    styles = ["opacity:.8", "font-size:1.25em;font-weight:600", "font-size:1.1em", "opacity:.8", "opacity:.8"]
    html = "".join(
        f'<div style="{style}">{escape(line)}</div>' for line, style in zip(lines, styles, strict=True) if line
    )
    box = f'<div style="border-left:4px solid #2a7f9e;padding:.4em 1em;line-height:1.6">{html}</div>'
    display({MIME: parts, "text/html": box, "text/plain": "\n".join(filter(None, lines))}, raw=True)


def cost(parts: dict[str, Any]) -> str:
    """Say what a summary's runs cost: how many, how long they trained, and how many were read."""
    runs, trained = parts["runs"], parts["trained"]
    if not runs:
        return ""
    origin = "read from the store"
    if trained:
        origin = f"{'all' if trained == runs else trained} trained for this report"
    return f"{counted(runs, 'run')}, {duration(parts['seconds'])} of training; {origin}"
