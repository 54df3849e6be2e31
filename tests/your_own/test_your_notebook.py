"""docs/your-own.md: the examples of a notebook and of a profile."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import shell


@pytest.mark.slow
def test_a_notebook_and_a_profile(project: Path) -> None:
    assert "07_mine: executed" in shell(project, "A notebook")
    out = shell(project, "A profile")
    assert out.splitlines()[-1] == "Open reports/mine/index.html"
