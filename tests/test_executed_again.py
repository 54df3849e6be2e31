"""What makes a report be executed again, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from small_project import (
    COMMON,
    TOKEN,
    animals,
    call,
    copy_package,
    edit,
    make,
    outputs,
    prepare,
    tokens,
    write_notebook,
)

from fmnist_utils.report import build
from fmnist_utils.report.verify import verify


def test_editing_prose_executes_that_notebook_alone(project: Path) -> None:
    make(project)
    before = tokens(project / "out")
    edit(project / "notebooks" / "02_second.ipynb", "Some prose.", "Better prose.")
    make(project)
    after = tokens(project / "out")
    assert [name for name in before if after[name] != before[name]] == ["02_second"]
    assert "Better prose." in (project / "out" / "02_second.html").read_text("utf-8")


def changed(root: Path) -> bool:
    """Make the reports; whether 01 was executed again."""
    before = tokens(root / "out")
    make(root, only="01")
    return tokens(root / "out") != before


def test_what_a_report_depends_on_executes_it_again_and_nothing_else_does(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    make(project, only="01")
    content = json.loads(notebook.read_text("utf-8"))
    for index, cell in enumerate(content["cells"]):
        cell |= {"id": f"cell-{index}", "metadata": {**cell["metadata"], "collapsed": True}}
    notebook.write_text(json.dumps(content, indent=4), "utf-8")
    assert not changed(project), "cell ids, other metadata and layout"
    (project / "params" / "quick" / "01_first.yaml").write_text("epochs: 2\n")
    assert not changed(project), "a parameter set to its default"
    (project / "params" / "quick" / "01_first.yaml").write_text("epochs: 5\n")
    assert changed(project), "a parameter"
    content["cells"][2]["metadata"]["tags"] = ["remove-input"]
    notebook.write_text(json.dumps(content), "utf-8")
    assert changed(project), "a tag"
    assert changed(project) is False
    before = tokens(project / "out")
    build.build(prepare(project, only="01"), force=True)
    assert tokens(project / "out") != before, "force"


def test_changed_data_executes_a_notebook_again(project: Path) -> None:
    folder = animals(project)
    declared = f'{COMMON}dataset: str = "{folder}"  # name or folder\ndata_dir: str = ""  # its place\n'
    write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, parameters=declared)
    make(project, only="01")
    assert not changed(project)
    Image.linear_gradient("L").save(folder / "cat" / "8.png")
    assert changed(project)


def test_a_missing_page_is_rendered_without_execution(project: Path) -> None:
    make(project)
    before, page = tokens(project / "out"), project / "out" / "02_second.html"
    page.unlink()
    make(project)
    assert page.exists()
    assert tokens(project / "out") == before


def test_a_neighbours_new_title_is_rendered_without_execution(project: Path) -> None:
    make(project)
    before = tokens(project / "out")
    edit(project / "notebooks" / "03_third.ipynb", "What does 03_third ask?", "A better title")
    make(project, only="1 2")
    assert "A better title" in (project / "out" / "02_second.html").read_text("utf-8")
    assert tokens(project / "out") == before


def test_a_damaged_executed_notebook_is_made_again(project: Path) -> None:
    make(project, only="01")
    executed = project / "out" / "notebooks" / "01_first.ipynb"
    executed.write_text(executed.read_text("utf-8")[:100])
    make(project, only="01")
    assert "token" in outputs(executed)


def test_an_executed_notebook_without_its_checksum_is_made_again(project: Path) -> None:
    make(project, only="01")
    executed = project / "out" / "notebooks" / "01_first.ipynb"
    content = json.loads(executed.read_text("utf-8"))
    del content["metadata"]["fmnist"]["checksum"]
    content["metadata"]["fmnist"] |= {"files": ["x"], "provenance": 3}
    executed.write_text(json.dumps(content), "utf-8")
    assert verify(project / "out", mend=False)
    assert changed(project)
    assert verify(project / "out") == []


@pytest.mark.slow
def test_code_that_changes_while_a_notebook_runs_makes_it_old(project: Path) -> None:
    """As with another branch that is looked at for a while: when the old code is back, its outputs are not of it."""
    copy_package(project)
    text = project / "fmnist_utils" / "basics" / "text.py"
    first = project / "notebooks" / "01_first.ipynb"
    before = text.read_text("utf-8")
    write_notebook(
        first, f"import pathlib\nwith pathlib.Path({str(text)!r}).open('a') as file:\n    file.write('#')", TOKEN
    )
    code, said, _ = call(project, "reports", "--only", "01")
    assert code == 0 and "[01_first] the code changed while it ran: it is executed again the next time" in said
    text.write_text(before, "utf-8")
    _, said, _ = call(project, "reports", "--only", "01")
    assert "01_first: executing (changed: code)" in said
