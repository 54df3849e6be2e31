"""Notebooks and profiles of one's own, made by a command."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import call, copy_package, outputs

from fmnist_utils import UserError
from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import authoring, parameters, series

SERIES = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The series and its params, to change."""
    for folder in ("notebooks", "params"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return tmp_path


@pytest.mark.slow
def test_a_new_notebook_becomes_a_report_of_the_series(project: Path) -> None:
    root = copy_package(project)
    for path in [*(root / "notebooks").iterdir(), *root.glob("params/*/*")]:
        if not path.stem.startswith(("01", "02")):
            path.unlink()
    code, out, err = call(root, "notebook", "07_my_idea")
    assert (code, err) == (0, "")
    made = "notebooks/07_my_idea.ipynb is made, with params for every profile: make reports ONLY=07"
    assert out.splitlines()[0] == made
    for name in ("01_data_exploration", "02_baseline"):
        first = parameters.load_notebook(root / "notebooks" / f"{name}.ipynb")["cells"][0]["source"]
        assert " · [07 my idea](07_my_idea.ipynb)" in first
        assert first.count("**07") == 0
    path = root / "notebooks" / "07_my_idea.ipynb"
    assert "[01 the data](01_data_exploration.ipynb)" in path.read_text("utf-8")
    assert authoring.tidy_files([path]) == []
    assert {profile: parameters.load(root / "params" / profile / "07_my_idea.yaml")["out"]
            for profile in ("smoke", "quick", "full")} == {
        profile: f"reports/{profile}" for profile in ("smoke", "quick", "full")}  # fmt: skip
    assert call(root, "check", PROFILE="")[0] == 0
    code, out, _ = call(root, "reports", "--only", "07", "--set", "epochs=1", "train_size=200", PROFILE="smoke")
    assert code == 0, out
    page = (root / "reports" / "smoke" / "07_my_idea.html").read_text("utf-8")
    assert "What does my idea change?" in page
    assert "epoch 1/1" in outputs(root / "reports" / "smoke" / "notebooks" / "07_my_idea.ipynb")
    index = " ".join((root / "reports" / "smoke" / "index.html").read_text("utf-8").split())
    assert "3 notebooks, 1 report<" in index


def test_tidy_takes_a_notebook_that_is_gone_out_of_the_maps(project: Path) -> None:
    folders = project / "notebooks", project / "params"
    before = {path.name: path.read_bytes() for path in folders[0].iterdir()}
    authoring.make_notebook("07_mine", *folders).unlink()
    assert len(authoring.tidy_files(folders[0].iterdir(), folders[0])) == len(before)
    assert {path.name: path.read_bytes() for path in folders[0].iterdir()} == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "NAME=mine is not allowed: write it as 07_mine"),
        ("٠٧_mine", "NAME=٠٧_mine is not allowed: write it as 07_mine"),
        ("02_mine", "NAME=02_mine: 02_baseline has that number already: write 07_mine"),
    ],
)
def test_the_name_of_a_new_notebook_is_checked(project: Path, name: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}$"):
        authoring.make_notebook(name, project / "notebooks", project / "params")
    assert len(list((project / "notebooks").iterdir())) == len(SERIES)


def test_a_new_notebook_replaces_the_others_whole(project: Path) -> None:
    """Who reads a notebook while its map is written sees the old one to its end, as after Ctrl-C in between."""
    path = project / "notebooks" / SERIES[0].name
    before = path.read_text("utf-8")
    with path.open(encoding="utf-8") as old:
        authoring.make_notebook("07_mine", project / "notebooks", project / "params")
        assert old.read() == before != path.read_text("utf-8")


def test_a_label_may_have_backslashes(project: Path) -> None:
    path = project / "notebooks" / SERIES[0].name
    path.write_text(path.read_text("utf-8").replace("**01 the data**", r"**01 the \\alpha \\1 one**"), "utf-8")
    made = authoring.make_notebook("07_mine", project / "notebooks", project / "params")
    first = parameters.load_notebook(made)["cells"][0]["source"]
    assert r"[01 the \alpha \1 one](01_data_exploration.ipynb)" in first


@pytest.mark.parametrize("file", ["params/smoke/02_baseline.yaml", "notebooks/06_error_analysis.ipynb"])
def test_a_new_notebook_is_written_after_all_that_may_be_wrong_is_read(file: str, project: Path) -> None:
    (project / file).write_text("a: [1\n", "utf-8")
    before = {path: path.read_bytes() for path in project.rglob("*.*")}
    with pytest.raises(UserError):
        authoring.make_notebook("07_mine", project / "notebooks", project / "params")
    assert {path: path.read_bytes() for path in project.rglob("*.*")} == before


def test_a_new_profile_has_a_reports_folder_of_its_own(project: Path) -> None:
    places = {"notebooks": project / "notebooks", "params": project / "params"}
    shutil.copytree(project / "params" / "quick", project / "params" / "copied")
    with pytest.raises(UserError, match="out: 'reports/quick' must be reports/copied"):
        series.prepare("copied", **places, stale=lambda report: False)
    authoring.make_profile("mine", "quick", project / "params")
    reports = series.prepare("mine", **places, stale=lambda report: False)
    assert {report.out.name for report in reports} == {"mine"}
    with pytest.raises(UserError, match="mine is there already"):
        authoring.make_profile("mine", "quick", project / "params")
    with pytest.raises(UserError, match="unknown profile 'qick'; did you mean 'quick'"):
        authoring.make_profile("other", "qick", project / "params")


@pytest.mark.parametrize("make", [authoring.make_notebook, authoring.make_profile])
def test_a_full_disk_leaves_nothing_half_made(
    make: Callable[..., Path], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(project.rglob("*"))
    written = list[Path]()

    def write(path: Path, text: str) -> None:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        written.append(path)

    monkeypatch.setattr(authoring, "_write", write)
    given = ("mine", "quick", project / "params")
    if make is authoring.make_notebook:
        given = ("07_mine", project / "notebooks", project / "params")
    with pytest.raises(OSError, match="No space left"):
        make(*given)
    assert len(written) == 3 and sorted(project.rglob("*")) == before
    monkeypatch.undo()
    assert make(*given).exists(), "and the same command works when there is room again"


DISTURBED = """
import os, pathlib, signal, sys
from fmnist_utils.basics import interrupt
from fmnist_utils.report import authoring

make, number, at, first, second, third = sys.argv[1:]
replace, done = os.replace, []

def disturbed(*paths):
    done.append(paths)
    if len(done) == int(at):
        os.kill(os.getpid(), int(number))
    replace(*paths)

interrupt.at_once()
os.replace = disturbed
getattr(authoring, make)(first, *([second] if make == "make_profile" else [pathlib.Path(second)]), pathlib.Path(third))
assert len(done) >= int(at)
"""


@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.skipif(sys.platform == "win32", reason="no process is sent such signals there")
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
@pytest.mark.parametrize("make", ["make_notebook", "make_profile"])
def test_whoever_is_stopped_while_it_writes_goes_on_with_the_same_command(
    make: str, name: str, at: int, project: Path
) -> None:
    notebooks, params, number = project / "notebooks", project / "params", getattr(signal, name)
    given = ("07_mine", notebooks, params) if make == "make_notebook" else ("mine", "quick", params)
    done = subprocess.run([sys.executable, "-c", DISTURBED, make, str(int(number)), str(at), *map(str, given)])
    if name == "SIGINT":
        assert done.returncode == 0, "it takes milliseconds, and is whole"
    else:
        assert done.returncode == -number
        assert not (params / "mine").exists()
        getattr(authoring, make)(*given)
    made = "mine" if make == "make_profile" else "quick"
    series.prepare(made, notebooks=notebooks, params=params, stale=lambda report: False)
    assert [*project.rglob("*.part"), *project.rglob("*.making")] == []


def test_a_long_name_is_refused_before_anything_is_written(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"NAME=07_a+.+ has 203 letters: 60 are allowed"):
        authoring.make_notebook(f"07_{'a' * 200}", project / "notebooks", project / "params")
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_a_number_of_two_notebooks_chooses_none() -> None:
    with pytest.raises(UserError, match="'7' is the number of 07_a, 07_b: write the name of one"):
        series.matching(["01_first", "07_a", "07_b"], "7")
    assert series.matching(["01_first", "07_a", "07_b"], "07_b") == [2]


def test_after_the_last_number_a_free_one_is_advised(project: Path) -> None:
    shutil.copy(SERIES[0], project / "notebooks" / "99_last.ipynb")
    with pytest.raises(UserError, match="NAME=100_mine is not allowed: write it as 07_mine"):
        authoring.make_notebook("100_mine", project / "notebooks", project / "params")


def test_what_never_ends_is_no_notebook(tmp_path: Path) -> None:
    for strange in (Path(os.devnull), tmp_path):
        with pytest.raises(UserError, match="is not a Jupyter notebook: it is no file"):
            authoring.tidy_files([strange])
