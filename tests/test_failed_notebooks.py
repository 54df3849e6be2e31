"""A notebook that fails: what is told of it, and that it takes nothing else along."""

from __future__ import annotations

import json
from pathlib import Path

import papermill
import pytest
from small_project import TOKEN, make, outputs, prepare, tokens, write_notebook

from fmnist_utils.report import build


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no such thing\\nmore')", "FAILED 02_second, cell 5: ValueError: no such thing (see "),
        (
            "from fmnist_utils import UserError\nraise UserError('lr is odd; take 0.1')",
            "FAILED 02_second, cell 5: lr is odd; take 0.1 (see ",
        ),
        ("import os\nos._exit(1)", "FAILED 02_second, cell 5: DeadKernelError: "),
    ],
)
def test_a_failure_is_told_keeps_the_last_good_report_and_stops_no_other(project: Path, code: str, said: str) -> None:
    make(project, only="02")
    good, page = tokens(project / "out"), (project / "out" / "02_second.html").read_text("utf-8")
    write_notebook(project / "notebooks" / "02_second.ipynb", TOKEN, "print('so far')", code, "print('never')")
    (failure,) = make(project)
    assert failure.startswith(said)
    failed = project / "out" / "notebooks" / "02_second.failed.ipynb"
    assert str(failed) in failure
    assert "so far" in outputs(failed)
    assert "never" not in outputs(failed)
    after = tokens(project / "out")
    assert after["02_second"] == good["02_second"]
    assert (project / "out" / "02_second.html").read_text("utf-8") == page
    assert {"01_first", "03_third"} < after.keys()
    index = (project / "out" / "index.html").read_text("utf-8")
    assert "02_second.html" in index
    assert "03_third.html" in index


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("file.write_text('<<<<<<< HEAD\\n' + file.read_text())", "FAILED 02_second: {} is not a Jupyter notebook: "),
        ("file.write_text('')", "FAILED 02_second: {} is not a Jupyter notebook: "),
        ("file.unlink()", "FAILED 02_second: {} is not there"),
    ],
)
def test_a_notebook_that_is_damaged_while_others_run_stops_none_of_them(project: Path, change: str, said: str) -> None:
    file = project / "notebooks" / "02_second.ipynb"
    changes = f"from pathlib import Path\nfile = Path({str(file)!r})\n{change}"
    write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, changes)
    (failure,) = make(project)
    assert failure.startswith(said.format(file)) and "\n" not in failure
    assert tokens(project / "out").keys() == {"01_first", "03_third"}
    assert "03_third.html" in (project / "out" / "index.html").read_text("utf-8")


def test_a_notebook_whose_parameters_change_meanwhile_fails_alone_and_is_repeated(project: Path) -> None:
    file = project / "notebooks" / "02_second.ipynb"
    changed = "file.write_text(file.read_text().replace('lr: float = 1e-3', 'lr: float = 0.01'))"
    changes = f"from pathlib import Path\nfile = Path({str(file)!r})\n{changed}"
    write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, changes)
    (failure,) = make(project)
    assert failure == f"FAILED 02_second: {file} has other parameters than this call began with: repeat the call"
    assert make(project, only="02") == []
    executed = project / "out" / "notebooks" / "02_second.ipynb"
    assert "lr is 0.01 " in outputs(executed)
    assert json.loads(executed.read_text("utf-8"))["metadata"]["fmnist"]["provenance"]["parameters"]["lr"] == 0.01


def test_a_damaged_notebook_that_was_not_asked_for_costs_no_index(project: Path) -> None:
    (project / "notebooks" / "03_third.ipynb").write_text("")
    assert make(project, only="02") == []
    index = (project / "out" / "index.html").read_text("utf-8")
    assert "What does 02_second ask?" in index and "03_third" in index


def test_a_notebook_that_is_renamed_while_its_series_waits_fails_alone(project: Path) -> None:
    reports = prepare(project)
    (project / "notebooks" / "02_second.ipynb").rename(project / "notebooks" / "02_ours.ipynb")
    (failure,) = build.build(reports)
    assert failure == f"FAILED 02_second: {project / 'notebooks' / '02_second.ipynb'} is not there"
    assert tokens(project / "out").keys() == {"01_first", "03_third"}


def test_an_output_that_cannot_be_rendered_is_a_failure_of_its_notebook_alone(project: Path) -> None:
    broken = "from IPython.display import display\ndisplay({'image/png': 'AAAA'}, raw=True)"
    write_notebook(project / "notebooks" / "01_first.ipynb", broken)
    (failure,) = make(project, only="01 02")
    assert failure.startswith("FAILED 01_first, rendering: ")
    assert list(tokens(project / "out")) == ["01_first.failed", "02_second"]
    assert not (project / "out" / "01_first.html").exists()


def test_a_failure_that_takes_lines_to_tell_is_told_in_one(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"][-1]["metadata"]["collapsed"] = "neither"  # which no notebook may say
    notebook.write_text(json.dumps(content), "utf-8")
    (failure,) = make(project, only="01")
    assert failure.startswith("FAILED 01_first, rendering: ") and "\n" not in failure


def test_a_failed_notebook_is_tried_again_and_its_trace_goes_when_it_succeeds(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    write_notebook(notebook, "1 / 0")
    assert len(make(project, only="01")) == 1
    assert len(make(project, only="01")) == 1
    write_notebook(notebook, TOKEN)
    assert make(project, only="01") == []
    assert [path.name for path in (project / "out" / "notebooks").iterdir()] == ["01_first.ipynb"]


def test_taking_a_failed_edit_back_leaves_the_good_report_and_no_failure(project: Path) -> None:
    make(project, only="01")
    good, notebook = tokens(project / "out"), project / "notebooks" / "01_first.ipynb"
    before = notebook.read_text("utf-8")
    write_notebook(notebook, "1 / 0")
    assert len(make(project, only="01")) == 1
    notebook.write_text(before, "utf-8")
    assert make(project, only="01") == []
    assert tokens(project / "out") == good


@pytest.mark.parametrize(("deaths", "failures"), [(1, 0), (2, 1)])
def test_a_kernel_that_dies_before_its_first_cell_is_started_once_more(
    deaths: int, failures: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, left = papermill.execute_notebook, [RuntimeError("Kernel died before replying to kernel_info")] * deaths

    def dying(*arguments: object, **options: object) -> object:
        if left:
            raise left.pop()
        return execute(*arguments, **options)

    monkeypatch.setattr(papermill, "execute_notebook", dying)
    assert len(make(project, only="01")) == failures
