"""docs/your-own.md: every recipe works as it stands, in a project of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import copy_package

from fmnist_utils.basics.system import ROOT

TEXT = (ROOT / "docs" / "your-own.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def blocks(recipe: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", RECIPES[recipe], re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_package(tmp_path_factory.mktemp("project"))
    for folder in ("notebooks", "params"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return root


def run(root: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=clean(root))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def clean(root: Path) -> dict[str, str]:
    """The environment of a plain shell in which this Python is called python, and the package is that of `root`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **{name: value for name, value in os.environ.items() if name not in ("PROFILE", "OUT", "ONLY")},
        "PATH": path,
        "PYTHONPATH": str(root),
    }


def shell(root: Path, recipe: str) -> str:
    """Run the commands of a recipe, in order."""
    lines = [line for block in blocks(recipe, "bash") for line in block.splitlines()]
    assert lines
    return "".join(run(root, "bash", "-c", line) for line in lines)


def test_every_recipe_is_tested() -> None:
    tested = {"A model", "An augmentation", "An optimizer", "Data", "A picture", "A notebook", "A profile", "A cluster"}
    assert set(RECIPES) == tested


def test_what_is_python_passes_lint_as_it_stands(project: Path) -> None:
    [model], [augmentation], [optimizer] = (blocks(recipe, "python") for recipe in list(RECIPES)[:3])
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


def test_a_model(project: Path) -> None:
    [example] = blocks("A model", "python")
    assert example in (ROOT / "README.md").read_text("utf-8"), "the same example"
    (project / "fmnist_utils" / "models" / "mine.py").write_text(example, "utf-8")
    out = shell(project, "A model")
    assert "[02_baseline] my-net, seed 0" in out
    assert out.splitlines()[-1] == "reports/smoke has no stale runs"


def test_an_augmentation_and_an_optimizer(project: Path) -> None:
    [augmentation], [optimizer] = blocks("An augmentation", "python"), blocks("An optimizer", "python")
    mine = project / "fmnist_utils" / "training" / "mine.py"
    mine.write_text(f"{augmentation}\n\n{optimizer}", "utf-8")
    out = shell(project, "An augmentation")
    assert "03_augmentation: executed" in out
    assert re.search(r"\[03_augmentation\] flip\+darken, seed 0 \(\d+ of \d+\): \d+\.\d\d % of the test images, ", out)
    assert "02_baseline: executed" in shell(project, "An optimizer")


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


def test_a_notebook_and_a_profile(project: Path) -> None:
    assert "07_mine: executed" in shell(project, "A notebook")
    out = shell(project, "A profile")
    assert out.splitlines()[-1] == "Open reports/mine/index.html"


def test_a_cluster(project: Path) -> None:
    [example] = blocks("A cluster", "python")
    run(project, sys.executable, "-c", example)
    assert len(list((project / "reports" / "there").glob("runs/*/record.json"))) == 1
