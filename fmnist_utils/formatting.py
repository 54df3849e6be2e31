"""One format for every number that is said: shares as percent, differences as points, intervals."""

from __future__ import annotations


def percent(share: float, digits: int = 2) -> str:
    """Write a share (0 to 1) as ``"93.21 %"``."""
    return f"{number(share, digits)} %"


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
