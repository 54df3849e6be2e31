"""The attacks of `make bench ARGS=reliability` in small sizes, other draws than there."""

from __future__ import annotations

import random
import runpy
import sys

import pytest

from benchmarks import reliability
from fmnist_utils.basics.system import ROOT


@pytest.mark.parametrize(("part", "n"), [("parameters", 60), ("data", 15), ("checkpoints", 40)])
def test_an_attack_finds_nothing(part: str, n: int) -> None:
    attack, _ = reliability.PARTS[part]
    tallies = list(attack(n, random.Random(1)))
    assert sum(tally.counts.total() for tally in tallies) == n
    assert [tally.failed for tally in tallies] == [0] * len(tallies)


def test_hypothesis_makes_the_same_up_from_the_same_seed() -> None:
    notebook = ROOT / "notebooks" / "02_baseline.ipynb"

    def made_up(seed: int) -> list[object]:
        cases = list[object]()
        for kind in (reliability.params_files, reliability.command_lines):
            reliability.call_with_examples(cases.append, kind(notebook), 20, seed)
        return cases

    first = made_up(1)
    assert len(first) == 40
    assert first == made_up(1) != made_up(2)


@pytest.mark.parametrize("failures", [0, 3])
def test_what_an_attack_finds_fails_the_command(failures: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reliability, "main", lambda arguments: failures)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "reliability"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("benchmarks", run_name="__main__")
    assert ended.value.code == bool(failures)


@pytest.mark.slow
@pytest.mark.parametrize(("part", "n"), [("interrupts", 2), ("damage", 4)])
def test_an_attack_on_the_series_finds_nothing(part: str, n: int) -> None:
    attack, _ = reliability.PARTS[part]
    assert [tally.failed for tally in attack(n, random.Random(1))] == [0]
