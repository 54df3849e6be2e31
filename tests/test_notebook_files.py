"""The form in which notebooks are kept: what JupyterLab saves changes nothing, and who explores has copies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager

from fmnist_utils import UserError
from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import authoring, parameters

SERIES = sorted((ROOT / "notebooks").glob("*.ipynb"))


def saved(folder: Path, name: str, hook: str = "") -> bytes:
    """Open a notebook in Jupyter, execute it if there is a hook, as the browser does, and save it."""
    manager = LargeFileManager(root_dir=str(folder), **({"pre_save_hook": hook} if hook else {}))
    model = manager.get(name, type="notebook")
    if hook:
        model["content"]["metadata"]["language_info"] = {"name": "python", "version": "3.99", "file_extension": ".py"}
        for cell in model["content"]["cells"]:
            cell["metadata"]["trusted"] = True
            if cell["cell_type"] == "code":
                cell["metadata"]["execution"] = {"iopub.status.busy": "2026-01-01"}
                cell["outputs"] = [nbformat.v4.new_output("stream", text="of this machine")]
                cell["execution_count"] = 7
    manager.save(model, name)
    return (folder / name).read_bytes()


@pytest.mark.parametrize("notebook", SERIES, ids=lambda path: path.stem)
def test_opening_and_saving_in_jupyter_changes_nothing(notebook: Path, tmp_path: Path) -> None:
    shutil.copy(notebook, tmp_path)
    mend = "python -m fmnist_utils tidy"
    assert saved(tmp_path, notebook.name) == notebook.read_bytes(), mend
    assert saved(tmp_path, notebook.name, "fmnist_utils.report.authoring.pre_save") == notebook.read_bytes(), mend


def test_tidy_mends_what_was_saved_with_outputs(tmp_path: Path) -> None:
    path = Path(shutil.copy(SERIES[0], tmp_path))
    content = json.loads(path.read_text("utf-8"))
    content["cells"][1] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": ["x"]}], "metadata": {}}
    content["cells"][1]["metadata"] = {"tags": ["parameters"], "collapsed": True}
    path.write_text(json.dumps(content), "utf-8")
    assert authoring.tidy_files([path]) == [path]
    assert path.read_bytes() == SERIES[0].read_bytes()
    assert authoring.tidy_files([path]) == []


def made(path: Path, *cells: dict[str, object], **other: object) -> Path:
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **other}
    path.write_text(json.dumps(content), "utf-8")
    return path


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("minor", [4, 5])
def test_tidy_mends_cells_without_metadata_and_ids_that_are_missing_or_there_twice(
    minor: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells: list[dict[str, object]] = [{"cell_type": "code", "source": ["a\n", "b"]} for _ in range(4)]
    cells[0]["id"] = cells[1]["id"] = "part-0"
    cells[2] = {"cell_type": "markdown", "source": "text", "id": "own"}
    path = made(tmp_path / "01_a.ipynb", *cells, nbformat_minor=minor)
    assert authoring.tidy_files([path]) == [path]
    assert authoring.tidy_files([path]) == []
    tidied = json.loads(path.read_text("utf-8"))["cells"]
    assert [cell.get("id") for cell in tidied] == (["part-0", "part-1", "own", "part-2"] if minor == 5 else [None] * 4)
    assert [cell["metadata"] for cell in tidied] == [{}] * 4
    assert tidied[0]["source"] == ["a\n", "b"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("cell", "other"),
    [
        ({}, {"nbformat": 5}),
        ({}, {"nbformat": 3}),
        ({}, {"nbformat_minor": "5"}),
        ({}, {"odd": "\ud83d"}),
        ({"attachments": "picture.png"}, {}),
        ({"attachments": {"picture.png": 1}}, {}),
        ({"source": "\ud83d"}, {}),
        ({"id": "no id"}, {}),
        ({"id": ["a"]}, {}),
    ],
)
def test_tidy_refuses_in_a_line_what_is_no_notebook(
    cell: dict[str, object], other: dict[str, object], tmp_path: Path
) -> None:
    path = made(tmp_path / "01_a.ipynb", {"cell_type": "markdown", "source": "text", **cell}, **other)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"^.*01_a\.ipynb is not a Jupyter notebook: .{3,120}$"):
        authoring.tidy_files([path])
    assert path.read_bytes() == before


def test_working_copies_have_a_store_of_their_own_and_keep_what_was_tried(tmp_path: Path) -> None:
    notebooks = shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    before = [path.read_bytes() for path in sorted((notebooks).iterdir())]
    lab = tmp_path / "lab"
    first = authoring.working_copies(notebooks, lab)
    assert [path.name for path in sorted(lab.iterdir())] == [path.name for path in SERIES]
    for copy, notebook in zip(sorted(lab.iterdir()), SERIES, strict=True):
        values = [{name: item.default for name, item in parameters.read(path).items()} for path in (copy, notebook)]
        assert values[0] == values[1] | {"out": "reports/lab"}
    first.write_text(first.read_text("utf-8").replace("linear_steps: int = 40", "linear_steps: int = -1"), "utf-8")
    tried = first.read_bytes()
    authoring.working_copies(notebooks, lab)
    assert first.read_bytes() == tried
    assert [path.read_bytes() for path in sorted((notebooks).iterdir())] == before


@pytest.mark.parametrize("line", ["out: str = 'x'", 'out:str="x"  # a comment', 'out: str = ("x")'])
def test_a_working_copy_has_its_store_however_that_is_written(line: str, tmp_path: Path) -> None:
    made(
        tmp_path / "01_a.ipynb",
        {
            "cell_type": "code",
            "outputs": [],
            "execution_count": None,
            "source": line,
            "metadata": {"tags": ["parameters"]},
        },
    )
    assert parameters.read(authoring.working_copies(tmp_path, tmp_path / "lab"))["out"].default == "reports/lab"


def test_working_copies_are_ignored_by_git() -> None:
    assert f"/{authoring.LAB.name}/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
