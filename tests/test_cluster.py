"""Runs side by side and on Dask workers: the same bits as one process alone, whoever is killed on the way."""

from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from training_processes import LONG, Worker, said, same_weights, start, wait_for_checkpoint

from fmnist_utils.runs import cluster
from fmnist_utils.runs.store import Store


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, trained one after the other by one process of one thread."""
    out = tmp_path_factory.mktemp("undisturbed")
    said(start(out, LONG, LONG.but(seed=1), jobs=1))
    return out


def test_side_by_side_ends_with_the_bits_of_one_after_the_other(undisturbed: Path, tmp_path: Path) -> None:
    output = said(start(tmp_path, LONG, LONG.but(seed=1), jobs=2))
    assert "(1 of 2): epoch 8/8" in output and "(2 of 2): epoch 8/8" in output
    assert "1 of 2 runs done, about" in output
    assert same_weights(undisturbed, tmp_path)


def test_a_killed_process_takes_its_workers_along_and_all_goes_on_to_the_same_bits(
    undisturbed: Path, tmp_path: Path
) -> None:
    process = start(tmp_path, LONG, LONG.but(seed=1), jobs=2)
    wait_for_checkpoint(tmp_path, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]
    assert "goes on after epoch" in said(start(tmp_path, LONG, LONG.but(seed=1), jobs=2))
    assert same_weights(undisturbed, tmp_path)


def test_a_killed_local_worker_has_its_run_taken_over(undisturbed: Path, tmp_path: Path) -> None:
    process = start(tmp_path, LONG, LONG.but(seed=1), jobs=2)
    wait_for_checkpoint(tmp_path, process)
    # The workers are the children that compute; the other one keeps account of semaphores.
    victim = max(psutil.Process(process.pid).children(recursive=True), key=lambda child: sum(child.cpu_times()[:2]))
    victim.kill()
    assert "goes on after epoch" in said(process)
    assert same_weights(undisturbed, tmp_path)


def test_a_killed_remote_worker_has_its_run_taken_over(undisturbed: Path, tmp_path: Path, worker: Worker) -> None:
    first = worker()
    process = start(tmp_path, LONG, LONG.but(seed=1), scheduler=worker.address)
    wait_for_checkpoint(tmp_path, process)
    first.kill()
    worker()
    output = said(process)
    assert "goes on after epoch" in output
    assert same_weights(undisturbed, tmp_path)


def test_a_worker_elsewhere_sends_its_run_and_keeps_its_checkpoints(
    undisturbed: Path, tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch, data
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    worker()
    store = Store(tmp_path / "here")
    runs = [LONG, LONG.but(seed=1)]
    orders = [cluster.Order.of(run.key(data.checksum), run, data.checksum, store, "cpu", "auto") for run in runs]
    costs = {order.key: 1.0 for order in orders}
    # Another machine has no folder of that identity under that path.
    cluster.train([replace(order, identity="another folder") for order in orders], costs, store, worker.address)
    assert same_weights(undisturbed, tmp_path / "here")
    assert len(list(tmp_path.glob("elsewhere/fmnist-reports/runs/*/checkpoint.pt"))) == 2
