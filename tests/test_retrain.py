"""Stored runs are trained again when that is asked for."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from small_project import TRAINS, call, start, write_notebook
from training_processes import TINY

from fmnist_utils import load_dataset, run_all
from fmnist_utils.report import marker
from fmnist_utils.runs.store import Store
from fmnist_utils.training.progress import alone
from fmnist_utils.training.trainer import Trainer

OUT = Path("reports", "quick")


@pytest.mark.slow
def test_retrain_trains_what_the_chosen_reports_need(trained: Path) -> None:
    [record] = (trained / OUT).glob("runs/*/record.json")
    os.utime(record, (0, 0))
    assert "[01_first] stored" in call(trained, "reports", "--only", "01", "--force")[1]
    code, out, _ = call(trained, "reports", "--only", "01", RETRAIN="1", DRY_RUN="1")
    assert code == 0
    assert "01_first: forced; 1 run to train" in out
    assert "[01_first] fresh" in call(trained, "reports", "--only", "01", "--retrain")[1]
    assert "01_first: unchanged" in call(trained, "reports", "--only", "01")[1]


@pytest.mark.slow
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
    marker.retraining_begins(tmp_path, "that", 5678)
    marker.retraining_ends(tmp_path, "that")
    assert (marker.retraining(tmp_path, "this"), marker.retraining(tmp_path, "that")) == (1234, 0)
    marker.retraining_ends(tmp_path, "this")
    assert marker.retraining(tmp_path, "this") == 0


def test_neither_clocks_nor_copies_make_an_old_run_a_new_one(tmp_path: Path) -> None:
    wanted = [TINY, TINY.but(seed=1)]
    run_all(wanted, tmp_path, jobs=1)
    for record in tmp_path.glob("runs/*/record.json"):  # written by a machine whose clock is ahead
        os.utime(record, (time.time() + 1e6,) * 2)
    assert [run.fresh for run in run_all(wanted, tmp_path, jobs=1, retrain=True)] == [True, True]
    begun = time.time_ns() + 100
    assert Store(tmp_path, begun).load(wanted[0].key(load_dataset().checksum)) is None
    with pytest.MonkeyPatch.context() as patch:  # a retraining that was interrupted, in a folder that was copied then
        patch.setenv("RETRAIN", str(begun))
        run_all(wanted[0], tmp_path, jobs=1)
        copied = shutil.copytree(tmp_path / "runs", tmp_path / "there" / "runs", copy_function=shutil.copy)
        assert [run.fresh for run in run_all(wanted, copied.parent, jobs=1)] == [False, True]


def test_a_checkpoint_of_a_clock_that_was_ahead_is_not_gone_on_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_short = TINY.but(train_size=100)
    key = cut_short.key(load_dataset().checksum)
    trainer = Trainer(cut_short, load_dataset(), torch.device("cpu"))
    trainer.epoch(alone("cut short"))
    checkpoint = Store(tmp_path).checkpoint(key)
    checkpoint.parent.mkdir(parents=True)
    for retrain in (True, False):
        trainer.save(checkpoint)
        os.utime(checkpoint, (time.time() + 1e6,) * 2)
        capsys.readouterr()
        run_all(cut_short, tmp_path, jobs=1, retrain=retrain)
        assert ("goes on after epoch 1" in capsys.readouterr().out) is not retrain
        shutil.rmtree(checkpoint.parent)
        checkpoint.parent.mkdir()


def test_a_retraining_right_after_another_one_trains_again(tmp_path: Path) -> None:
    short = TINY.but(train_size=100, epochs=1)
    run_all(short, tmp_path, jobs=1)
    [first], [second] = (run_all(short, tmp_path, jobs=1, retrain=True) for _ in range(2))
    assert first.provenance["retrained"] < second.provenance["retrained"]
