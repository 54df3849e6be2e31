"""Runs on Dask workers: the same bits as one process alone, whichever is killed on the way."""

from dataclasses import replace
from pathlib import Path

import pytest
from training_processes import LONG, Worker, said, same_weights, start, wait_for_checkpoint

from fmnist_utils.runs import cluster
from fmnist_utils.runs.runner import Wanted
from fmnist_utils.runs.store import Store


@pytest.mark.slow
def test_a_killed_remote_worker_has_its_run_taken_over(undisturbed: Path, tmp_path: Path, worker: Worker) -> None:
    first = worker()
    process = start(tmp_path, LONG, LONG.but(seed=1), scheduler=worker.address)
    wait_for_checkpoint(tmp_path, process)
    first.kill()
    worker()
    output = said(process)
    assert "goes on after epoch" in output
    assert same_weights(undisturbed, tmp_path)


@pytest.mark.slow
def test_a_worker_elsewhere_sends_its_run_and_keeps_its_checkpoints(
    undisturbed: Path, tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch, data
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    worker()
    store = Store(tmp_path / "here")
    runs = [LONG, LONG.but(seed=1)]
    orders = [
        cluster.Order.of(run.key(data.checksum), Wanted(run, {}, run.label), data.checksum, store, "cpu", "auto")
        for run in runs
    ]
    costs = {order.key: 1.0 for order in orders}
    (there := tmp_path / "there").mkdir()  # another folder, or a copy, under that path on another machine
    cluster.train([replace(order, reports=there) for order in orders], costs, store, worker.address)
    assert same_weights(undisturbed, tmp_path / "here")
    assert len(list(tmp_path.glob("elsewhere/fmnist-reports/runs/*/checkpoint.pt"))) == 2
