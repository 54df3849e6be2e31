"""Stored runs on the command line: trained again, listed as stale, deleted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import call, copy_package, edit, start, write_notebook, write_project

from fmnist_utils.report import marker

OUT = Path("reports", "quick")
TRAINS = """\
from fmnist_utils import Experiment, run_all
[run] = run_all(Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1), out)
print("fresh" if run.fresh else "stored", run.key)"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run in its store."""
    root = copy_package(write_project(tmp_path_factory.mktemp("trained")))
    write_notebook(root / "notebooks" / "01_first.ipynb", TRAINS)
    assert call(root, "reports", "--only", "01")[0] == 0
    return root


def test_retrain_trains_what_the_chosen_reports_need(trained: Path) -> None:
    [record] = (trained / OUT).glob("runs/*/record.json")
    os.utime(record, (0, 0))
    assert "[01_first] stored" in call(trained, "reports", "--only", "01", "--force")[1]
    code, out, _ = call(trained, "reports", "--only", "01", RETRAIN="1", DRY_RUN="1")
    assert code == 0
    assert "01_first: forced; 1 run to train" in out
    assert "[01_first] fresh" in call(trained, "reports", "--only", "01", "--retrain")[1]
    assert "01_first: unchanged" in call(trained, "reports", "--only", "01")[1]


def test_retrain_goes_on_after_ctrl_c_and_begins_anew_after_its_end(trained: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trained, tmp_path / "project")
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)"
    write_notebook(root / "notebooks" / "01_first.ipynb", TRAINS, f"print('waits', flush=True)\n{wait}")
    [record] = (root / OUT).glob("runs/*/record.json")
    os.utime(record, (0, 0))
    process = start(root, "reports", "--only", "01", RETRAIN="1")
    assert process.stdout is not None
    assert any("[01_first] fresh" in line for line in process.stdout)
    assert any("waits" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    (root / "go").touch()
    code, out, _ = call(root, "reports", "--only", "01", RETRAIN="1", DRY_RUN="1")
    assert (code, out.splitlines()[-1]) == (0, "01_first: forced; nothing to train")
    code, out, _ = call(root, "reports", "--only", "01", RETRAIN="1")
    assert code == 0
    assert out.startswith("Retraining goes on with what was begun on ") and "[01_first] stored" in out
    code, out, _ = call(root, "reports", "--only", "01", RETRAIN="1")
    assert code == 0
    assert "goes on" not in out and "[01_first] fresh" in out


def test_an_interrupted_retraining_is_not_taken_for_another(tmp_path: Path) -> None:
    marker.prepare(tmp_path)
    marker.retraining_begins(tmp_path, "this", 1234)
    marker.index_is_old(tmp_path)
    assert (marker.retraining(tmp_path, "this"), marker.retraining(tmp_path, "that")) == (1234, 0)
    marker.retraining_ends(tmp_path)
    assert marker.retraining(tmp_path, "this") == 0


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
    assert not run.exists() and not marker.index_is_current(root / OUT)


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
    assert marker.index_is_current(root / OUT) == bool(left)  # which lists what is there
