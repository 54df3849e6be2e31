"""The attacks of `make bench ARGS=reliability` in small sizes, other draws than there."""

from __future__ import annotations

import random

import pytest

from benchmarks import reliability


@pytest.mark.parametrize(("part", "n"), [("parameters", 60), ("data", 15), ("checkpoints", 40)])
def test_an_attack_finds_nothing(part: str, n: int) -> None:
    attack, _ = reliability.PARTS[part]
    for tally in attack(n, random.Random(1)):
        assert tally.counts.total() == n
        assert tally.failed == 0


@pytest.mark.parametrize("part", ["interrupts", "damage"])
def test_an_attack_on_the_series_finds_nothing(part: str) -> None:
    attack, _ = reliability.PARTS[part]
    assert [tally.failed for tally in attack(4, random.Random(1))] == [0]
