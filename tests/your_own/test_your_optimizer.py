"""docs/your-own.md: the example of an optimizer, in the file of the augmentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import blocks, shell


@pytest.mark.slow
def test_an_optimizer(project: Path) -> None:
    [augmentation], [optimizer] = blocks("An augmentation", "python"), blocks("An optimizer", "python")
    mine = project / "fmnist_utils" / "training" / "mine.py"
    mine.write_text(f"{augmentation}\n\n{optimizer}", "utf-8")
    assert "02_baseline: executed" in shell(project, "An optimizer")
