"""Words for people: times, counts, shares and intervals, each in one format; names that are safe everywhere."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Collection, Mapping
from html import escape
from typing import Any


def duration(seconds: float) -> str:
    """Write a time in seconds for people: ``"4.2 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(n: int, thing: str) -> str:
    """Write a number with what it counts: ``"1 run"``, ``"3 runs"``, ``"1,000 classes"``."""
    plural = f"{thing}es" if thing.endswith("s") else f"{thing}s"
    return f"{n:,} {thing if n == 1 else plural}"


def span(numbers: Collection[int]) -> str:
    """Write the range of whole numbers: ``"7 to 10"``, or one number where all are the same."""
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def shortened(text: str, room: int = 120) -> str:
    """Cut a text so that it fits a line of a terminal."""
    text = " ".join(text.split())
    return text if len(text) <= room else f"{text[: room - 1]}…"


def html_table(rows: Mapping[str, object]) -> str:
    """Write names and values as JupyterLab is to show them at the end of a cell."""
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items())
    return f"<table><tbody>{cells}</tbody></table>"


def public_names(module: Mapping[str, Any]) -> list[str]:
    """List the functions and classes that a module defines for others, given its globals: what its dir() is to show."""
    defined = {name: value for name, value in module.items() if inspect.isfunction(value) or inspect.isclass(value)}
    own = [name for name, value in defined.items() if value.__module__ == module["__name__"]]
    return sorted(name for name in own if not name.startswith("_"))


def mean_count(n: float) -> str:
    """Write a mean of counts: one below a hundred that is no whole number is not rounded to one, such as to none."""
    if 1e-6 <= n < 0.05:
        return "less than 0.1"
    return f"{n:,.0f}" if n >= 100 or abs(n - round(n)) < 1e-6 else f"{n:.1f}"


def md(name: object) -> str:
    """Escape a name (of a class, a data set, a file) so that Markdown and HTML show it as it is, on one line."""
    # entities mean nothing to Markdown, so no character can begin a list, a link or a tag
    return re.sub(r"[!-/:-@[-`{-~]", lambda match: f"&#{ord(match[0])};", " ".join(str(name).split()))


def spreadsheet(cell: Any) -> Any:
    """Keep spreadsheets from taking a name for a formula: it gets an apostrophe, which they do not show."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def percent(share: float, digits: int = 2) -> str:
    """Write a share (0 to 1) as ``"93.21 %"``; one that is not defined (NaN) as a dash."""
    return "–" if math.isnan(share) else f"{number(share, digits)} %"


def points(difference: float, digits: int = 2) -> str:
    """Write a difference of shares as ``"+1.32 points"``, with its sign and a true minus."""
    text = number(difference, digits, signed=True)
    return f"{text} {'point' if text.lstrip('+−') == '1' else 'points'}"


def interval(low: float, high: float, digits: int = 2, signed: bool = False) -> str:
    """Write an interval of shares as ``"92.74 to 93.68 %"``, or (`signed`) of differences as ``"−0.51 to +2.13"``."""
    return f"{number(low, digits, signed)} to {number(high, digits, signed)}{'' if signed else ' %'}"


def number(share: float, digits: int, signed: bool = False) -> str:
    """Hundred times `share`; nothing that rounds to zero has a sign."""
    text = f"{100 * share:{'+' if signed else ''}.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")
