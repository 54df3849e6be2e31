"""docs/your-own.md: the examples of data, of a picture and of a cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from examples import blocks, run, shell


@pytest.mark.slow
def test_data_and_a_picture(project: Path) -> None:
    [example] = blocks("Data", "python")
    run(project, sys.executable, "-c", example)
    out = shell(project, "Data")
    assert "of 80 pictures: 80 brought to 28 x 28 pixels" in out
    assert "01_data_exploration: executed" in out
    [example] = blocks("A picture", "python")
    table = run(project, sys.executable, "-c", example).splitlines()[-3:]
    assert table[0].split() == ["box", "circle"]
    assert [sum(map(float, row.split()[1:])) for row in table[1:]] == pytest.approx([1, 1], abs=1e-3)


@pytest.mark.slow
def test_a_comparison(project: Path) -> None:
    [example] = blocks("A comparison", "python")
    out = run(project, sys.executable, "-c", example)
    assert "change (points)" in out and "Against the plain training, **flipped** " in out


@pytest.mark.slow
def test_a_cluster(project: Path) -> None:
    [example] = blocks("A cluster", "python")
    run(project, sys.executable, "-c", example)
    assert len(list((project / "reports" / "there").glob("runs/*/record.json"))) == 1
