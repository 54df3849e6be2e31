"""`reports` on the command line: what it executes, what it leaves, and who is waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from data_files import own
from small_project import COMMON, call, edit, start, tokens, with_reports, write_notebook

from fmnist_utils.basics.system import ROOT

OUT = Path("reports", "quick")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with all its reports, for tests that do not change it."""
    return with_reports(tmp_path_factory.mktemp("made"))


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of that project, to change."""
    return shutil.copytree(made, tmp_path / "project")


@pytest.mark.slow
def test_a_second_call_executes_nothing_and_imports_nothing_heavy(made: Path) -> None:
    before = tokens(made / OUT)
    process = start(made, "reports", interpreter=("-X", "importtime"))
    out, imports = process.communicate()
    assert process.returncode == 0
    assert out.splitlines()[:3] == ["01_first: unchanged", "02_second: unchanged", "03_third: unchanged"]
    assert tokens(made / OUT) == before
    modules = {line.rpartition("|")[2].strip() for line in imports.splitlines()}
    assert "pydantic" in modules
    assert not modules & {"torch", "papermill", "nbconvert", "pandas", "matplotlib"}


def test_what_executes_and_renders_builds_no_grammar_of_addresses() -> None:
    script = "import fmnist_utils.report.build, papermill, fmnist_utils.report.html, sys\n"
    script += "print('jsonschema' in sys.modules, 'lark' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True) == "True False\n"


@pytest.mark.slow
def test_options_come_from_the_environment_as_make_passes_them(made: Path) -> None:
    code, out, _ = call(made, "reports", ONLY="02", DRY_RUN="1", FORCE="1")
    assert (code, out.splitlines()[-1]) == (0, "02_second: forced; nothing to train")
    code, out, _ = call(made, "reports", DRY_RUN="1", OUT="elsewhere", FORCE="0")
    assert (code, out.splitlines()[-3]) == (0, "01_first: new; nothing to train")
    assert not (made / "elsewhere").exists()
    code, out, _ = call(made, "reports", "--only", "1", "--dry-run", SET="lr=0.5 'models=[base, enhanced, base]'")
    assert (code, out.splitlines()[-1]) == (0, "01_first: changed: parameters; nothing to train")
    code, out, _ = call(made, "reports", "--only", "1 3", "--set", "lr=0.5", "--dry-run")
    assert code == 0
    assert out.splitlines()[-2:] == [
        "01_first: changed: parameters; nothing to train",
        "03_third: changed: parameters; nothing to train",
    ]


def test_images_in_the_current_folder_are_meant_wherever_kernels_run(project: Path, tmp_path: Path) -> None:
    declared = f'{COMMON}dataset: str = "fashion-mnist"  # name or folder\n'
    write_notebook(project / "notebooks" / "01_first.ipynb", "print('images of', dataset)", parameters=declared)
    images = own(tmp_path / "elsewhere" / "mine", labels := (0, 1, 2) * 8, labels, images=len(labels))
    done = subprocess.run(
        [sys.executable, "-m", "fmnist_utils", "reports", "--only", "01", "--dataset", "mine"],
        cwd=images.parent, env={**os.environ, "PYTHONPATH": str(project), "PROFILE": "quick"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert f"[01_first] images of {images}" in done.stdout.splitlines()
    assert (project / OUT / "01_first.html").exists()


@pytest.mark.slow
def test_a_failed_notebook_gives_status_1(project: Path) -> None:
    write_notebook(project / "notebooks" / "02_second.ipynb", "1 / 0")
    code, out, _ = call(project, "reports", "--only", "2")
    assert code == 1
    assert (
        "FAILED 02_second, cell 3: ZeroDivisionError: division by zero"
        " (see reports/quick/notebooks/02_second.failed.ipynb)" in out.splitlines()
    )


@pytest.mark.slow
def test_changed_code_executes_again_and_a_changed_template_renders_only(project: Path) -> None:
    before, page = tokens(project / OUT), project / OUT / "01_first.html"
    style = project / "fmnist_utils" / "report" / "template" / "style.css"
    style.write_text(style.read_text("utf-8") + "\n.made-up-by-a-test { margin: 0 }\n", "utf-8")
    _, out, _ = call(project, "reports", "--only", "01")
    assert tokens(project / OUT) == before
    assert "made-up-by-a-test" in page.read_text("utf-8")
    edit(project / "fmnist_utils" / "report" / "html.py", '"Link to this section"', '"Link to this very section"')
    _, out, _ = call(project, "reports", "--only", "01")
    assert "01_first: rendered anew" in out
    assert tokens(project / OUT) == before
    edit(project / "fmnist_utils" / "basics" / "errors.py", "as one line", "as one short line")
    _, out, _ = call(project, "reports", "--only", "01")
    assert "01_first: executing (changed: code)" in out
    assert tokens(project / OUT) != before


@pytest.mark.slow
def test_two_calls_at_once_wait_for_each_other_and_execute_once(project: Path) -> None:
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)"
    write_notebook(project / "notebooks" / "01_first.ipynb", "print('kernel', flush=True)", wait)
    first = start(project, "reports", "--only", "01")
    try:
        assert first.stdout is not None
        assert any("kernel" in line for line in first.stdout)
        second = start(project, "reports", "--only", "01")
        assert second.stdout is not None
        assert any(f"in use by process {first.pid} " in line for line in second.stdout)
    finally:
        (project / "go").touch()
    first.communicate()
    out, _ = second.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    assert out.splitlines()[0] == "01_first: unchanged"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_is_one_line_and_status_2_and_keeps_the_reports(made: Path) -> None:
    import resource

    before = tokens(made / OUT)
    done = subprocess.run(
        [sys.executable, "-m", "fmnist_utils", "reports", "--only", "01", "--force", "--profile", "quick"],
        cwd=made, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("Error: cannot")
    assert len(done.stderr.splitlines()) == 1
    assert tokens(made / OUT) == before


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_one_line_and_status_2(made: Path) -> None:
    (made / "file").write_text("")
    code, _, err = call(made, "reports", "--out", "file/reports")
    assert code == 2
    assert err.startswith("Error: cannot read or write ")
    assert len(err.splitlines()) == 1


def test_a_scheduler_that_is_not_there_is_told_before_any_notebook(made: Path) -> None:
    code, out, err = call(made, "reports", "--force", SCHEDULER="tcp://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert err.startswith("Error: SCHEDULER=tcp://127.0.0.1:1: no Dask scheduler answers there")
    assert len(err.splitlines()) == 1
