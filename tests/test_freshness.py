"""What a report was made from: which files beside the package a notebook's cells import."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from fmnist_utils.report import freshness


@pytest.mark.parametrize(
    "cell",
    [
        "import mine",
        "import sys; import mine",
        "import os, \\\n    mine",
        "if True: import mine",
        "def later():\n    from mine import WORD",
        "from mine.inner import (\n    WORD,\n)",
        "%matplotlib inline\nimport sys; import mine",
        "if True:\n    !ls\nimport sys; import mine",
        "%%time\nimport sys; import mine",
        "%time import mine",
        "%run mine.py",
        "files = !ls\nimport sys; import mine",
        "sys?\nimport os, mine",
        "import more",
    ],
)
def test_an_import_is_found_wherever_it_stands(cell: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    (tmp_path / "unused.py").touch()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "__init__.py").write_text("from . import unused; import mine", "utf-8")
    assert tmp_path / "mine.py" in freshness.beside([cell], tmp_path)
    assert tmp_path / "unused.py" not in freshness.beside([cell], tmp_path)


def test_a_picture_in_a_cell_is_part_of_the_notebook(tmp_path: Path) -> None:
    found = set()
    for pictures in ({}, {"a.png": {"image/png": "AAAA"}}, {"a.png": {"image/png": "BBBB"}}):
        notebook = new_notebook(cells=[new_markdown_cell("![](attachment:a.png)", attachments=pictures)])
        nbformat.write(notebook, tmp_path / "01_a.ipynb")
        found.add(freshness.parts(tmp_path / "01_a.ipynb", {}, None)["notebook"])
    assert len(found) == 3


def test_what_is_only_named_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    assert freshness.beside(["mine = 'import mine'  # import mine", "from .mine import word"], tmp_path) == []
