"""From notebooks and their parameters to executed notebooks and pages."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from small_project import make, outputs, prepare, tokens, write_notebook, write_project

from fmnist_utils.report import execute


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose reports are made, for tests that do not change it."""
    root = write_project(tmp_path_factory.mktemp("made"))
    assert make(root) == []
    return root


def test_an_executed_notebook_has_outputs_of_its_parameters_and_its_provenance(made: Path) -> None:
    executed = made / "out" / "notebooks" / "02_second.ipynb"
    assert "lr is 0.001 for 3 epochs" in outputs(executed)
    metadata = json.loads(executed.read_text("utf-8"))["metadata"]
    found = metadata["fmnist"]["provenance"]
    assert found["parameters"]["epochs"] == 3
    assert found["profile"] == "quick"
    assert found["versions"]["torch"]
    assert found["device"]
    assert found["wall_seconds"] > 0
    assert len(found["fingerprint"]) == 64
    assert "papermill" not in metadata, "it holds paths of the machine"


def test_what_cells_print_is_joined_and_one_long_line_stops_nothing(project: Path) -> None:
    printing = "for part in ('x' * 200_000, '\\r', 'seen\\n'):\n    print(part, end='', flush=True)"
    write_notebook(project / "notebooks" / "01_first.ipynb", printing)
    begin = time.monotonic()
    assert make(project, only="01") == []
    assert time.monotonic() - begin < 60
    assert outputs(project / "out" / "notebooks" / "01_first.ipynb") == "seen\n"


def test_start_up_files_of_ipython_have_no_part_in_a_report(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup = project / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00_mine.py").write_text("import pandas as pd\npd.set_option('display.max_rows', 3)\nMINE = 1\n")
    monkeypatch.setenv("IPYTHONDIR", str(project / "ipython"))
    write_notebook(project / "notebooks" / "02_second.ipynb", "print('MINE' in globals())")
    assert make(project) == []
    assert outputs(project / "out" / "notebooks" / "02_second.ipynb") == "False\n"


def test_a_notebook_that_says_nothing_for_long_is_said_to_be_at_work(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(execute, "SILENCE", 2)
    write_notebook(project / "notebooks" / "01_first.ipynb", "import time; time.sleep(5)")
    assert make(project, only="01") == []
    assert "[01_first] still at work: What does 01_first ask?" in capsys.readouterr().out.splitlines()


def test_a_table_whose_name_is_no_text_is_in_no_record(project: Path) -> None:
    (report, *_) = prepare(project)
    report.out.mkdir()
    for name in (b"whole.csv", b"\xff.csv"):
        try:
            (report.out / os.fsdecode(name)).write_text("a\n")
        except OSError:
            pytest.skip("this file system has no such names")
    assert [name for name, _ in report._tables()] == ["whole.csv"]


def test_pages_link_to_their_neighbours_in_the_whole_series(made: Path) -> None:
    page = (made / "out" / "02_second.html").read_text("utf-8")
    assert 'href="01_first.html"' in page
    assert 'href="03_third.html"' in page
    assert "What does 03_third ask?" in page
    assert (made / "out" / "index.html").exists()


def test_nothing_is_executed_twice(made: Path) -> None:
    before = tokens(made / "out")
    assert len(set(before.values())) == 3
    assert make(made) == []
    assert tokens(made / "out") == before


def test_no_file_is_left_that_is_not_a_report(made: Path) -> None:
    assert sorted(path.name for path in (made / "out" / "notebooks").iterdir()) == [
        "01_first.ipynb",
        "02_second.ipynb",
        "03_third.ipynb",
    ]


def test_pages_do_not_link_to_reports_that_are_not_there(project: Path) -> None:
    make(project, only="1 3")
    first, third = (project / "out" / name for name in ("01_first.html", "03_third.html"))
    assert 'href="03_third.html"' in first.read_text("utf-8")
    assert "02_second.html" not in first.read_text("utf-8") + third.read_text("utf-8")
    before = tokens(project / "out")
    make(project)
    assert 'href="02_second.html"' in first.read_text("utf-8")
    assert before.items() < tokens(project / "out").items()


def test_a_notebook_without_kernel_metadata_is_executed(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    notebook.write_text(json.dumps({**content, "metadata": {}}), "utf-8")
    assert make(project, only="01") == []


def test_a_project_may_lie_in_a_folder_with_braces(tmp_path: Path) -> None:
    root = write_project(tmp_path / "{braces} {0} {{x")
    assert make(root, only="01") == []
    assert list(tokens(root / "out")) == ["01_first"]
