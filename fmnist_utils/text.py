"""Words for people: times, counts, and names made safe for Markdown."""

from __future__ import annotations

import re


def duration(seconds: float) -> str:
    """Write a time in seconds for people: ``"4.2 s"``, ``"3 min 20 s"``, ``"2 h 05 min"``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(n: int, thing: str) -> str:
    """Write a number with what it counts: ``"1 run"``, ``"3 runs"``."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def md(name: object) -> str:
    """Escape a name (of a class, a data set, a file) so that Markdown and HTML show it as it is, on one line."""
    # entities mean nothing to Markdown, so no character can begin a list, a link or a tag
    return re.sub(r"[!-/:-@[-`{-~]", lambda match: f"&#{ord(match[0])};", " ".join(str(name).split()))
