"""docs/your-own.md: the example of a model, and that all Python code of the page passes lint."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from examples import EXAMPLES, blocks, run, shell

from fmnist_utils.basics.system import ROOT


def test_every_example_is_tested() -> None:
    models = {"A model", "An augmentation", "An optimizer", "A comparison"}
    assert set(EXAMPLES) == models | {"Data", "A picture", "A notebook", "A profile", "A cluster"}


@pytest.mark.slow
def test_what_is_python_passes_lint_as_it_stands(project: Path) -> None:
    [model], [augmentation], [optimizer] = (blocks(example, "python") for example in list(EXAMPLES)[:3])
    files = {"models/mine.py": model, "training/mine.py": f"{augmentation}\n\n{optimizer}"}
    for name, text in files.items():
        (project / "fmnist_utils" / name).write_text(text, "utf-8")
    shutil.copy(ROOT / "pyproject.toml", project)
    if (ROOT / ".mypy_cache").is_dir():  # what `make lint` found out about the libraries
        shutil.copytree(ROOT / ".mypy_cache", project / ".mypy_cache")
    for arguments in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--follow-imports=silent"]):
        run(project, sys.executable, "-m", *arguments, *(f"fmnist_utils/{name}" for name in files))
    for name in files:
        (project / "fmnist_utils" / name).unlink()


@pytest.mark.slow
def test_a_model(project: Path) -> None:
    [example] = blocks("A model", "python")
    assert example in (ROOT / "README.md").read_text("utf-8"), "the same example"
    (project / "fmnist_utils" / "models" / "mine.py").write_text(example, "utf-8")
    out = shell(project, "A model")
    assert "[02_baseline] my-net, seed 0" in out
    assert out.splitlines()[-1] == "reports/smoke has no stale runs"
