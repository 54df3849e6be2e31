"""Stored runs on the command line: listed as stale, deleted."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_project import call, edit, start

from fmnist_utils.__main__ import main
from fmnist_utils.basics import system
from fmnist_utils.report import marker
from fmnist_utils.report.verify import verify

OUT = Path("reports", "quick")
pytestmark = pytest.mark.usefixtures("nothing_published")


@pytest.mark.slow
def test_runs_are_deleted_after_saying_which_and_asking(trained: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trained, tmp_path / "project")
    [run] = (root / OUT / "runs").glob("*/")
    code, out, err = call(root, "runs", "--delete", "zzz")
    assert (code, out, err) == (2, "", "Error: reports/quick: run 'zzz' is not there\n")
    code, out, err = call(root, "runs", "--delete", run.name[:6])
    assert (code, run.exists()) == (2, True), "nobody was there to answer"
    assert f"{run.name}: cnn-small, seed 0" in out
    assert err == "Error: nothing is deleted, as nobody can answer here: add --yes\n"
    assert call(root, "runs", "--stale", "--yes")[:2] == (0, "reports/quick has no stale runs\n")
    source = root / "fmnist_utils" / "models" / "projects.py"
    edit(source, '"cnn-small"', '"cnn-tiny"')
    code, out, _ = call(root, "runs", "--stale", "--yes")
    assert code == 0
    assert f"{run.name}: cnn-small, seed 0 (unknown model 'cnn-small'" in out
    assert out.splitlines()[-1] == "1 run deleted"
    assert not run.exists()


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--delete", "--thin"])
def test_a_few_characters_name_no_run(trained: Path, option: str) -> None:
    """Such as none, where a shell's variable is not set; however few runs there are."""
    [run] = (trained / OUT / "runs").glob("*/")
    for wanted in ("", run.name[:3]):
        code, out, err = call(trained, "runs", option, wanted, "--yes")
        assert (code, out, err) == (
            2, "", f"Error: reports/quick: run {wanted!r} is too short: write at least 4 characters of its key\n"
        )  # fmt: skip
    assert (run / "record.json").exists()
    assert call(trained, "errors", "")[0] == 2


def test_runs_are_deleted_when_the_series_that_writes_its_index_is_finished(trained: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trained, tmp_path / "project")
    [run] = (root / OUT / "runs").glob("*/")
    with marker.alone(root / OUT):
        process = start(root, "runs", "--delete", run.name, "--yes")
        assert process.stdout is not None and process.stdout.readline().startswith(run.name)
        assert "is in use by process" in process.stdout.readline()
        assert process.poll() is None and run.exists() and marker.index_is_current(root / OUT)
    assert process.communicate()[0].endswith("1 run deleted\n")
    assert not run.exists()
    check_index(root / OUT, run.name)


def check_index(out: Path, key: str) -> None:
    """The index is of today, and lists a deleted run no longer."""
    assert marker.index_is_current(out)
    assert not [line for line in verify(out) if "index" in line or "results" in line]
    assert key not in (out / "results.csv").read_text("utf-8")


@pytest.mark.parametrize(("answer", "left"), [("n\n", 1), ("y\n", 0)])
def test_the_answer_decides(trained: Path, tmp_path: Path, answer: str, left: int) -> None:
    root = shutil.copytree(trained, tmp_path / "project")
    [run] = (root / OUT / "runs").glob("*/")
    done = subprocess.run(
        [sys.executable, "-m", "fmnist_utils", "runs", "--profile", "quick", "--delete", run.name],
        cwd=root, input=answer, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Delete 1 run of reports/quick? [y/N]" in done.stdout
    assert len(list((root / OUT / "runs").glob("*/"))) == left
    assert marker.index_is_current(root / OUT)
    if not left:
        check_index(root / OUT, run.name)


def test_runs_are_deleted_on_a_full_disk(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained / OUT, out)
    [run] = (out / "runs").glob("*/")
    written = system.write_whole

    def write_whole(path: Path, write: Callable[[Path], object]) -> None:
        if run.exists():
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written(path, write)

    monkeypatch.setattr(marker, "write_whole", write_whole)
    assert main(["runs", "--out", str(out), "--delete", run.name, "--yes"]) == 0
    assert not run.exists()
    check_index(out, run.name)
