"""docs/your-own.md: the example of an augmentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from examples import blocks, shell


@pytest.mark.slow
def test_an_augmentation(project: Path) -> None:
    [augmentation] = blocks("An augmentation", "python")
    (project / "fmnist_utils" / "training" / "mine.py").write_text(augmentation, "utf-8")
    out = shell(project, "An augmentation")
    assert "03_augmentation: executed" in out
    assert re.search(r"\[03_augmentation\] flip\+darken, seed 0 \(\d+ of \d+\): \d+\.\d\d % of the test images, ", out)
