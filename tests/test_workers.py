"""Dask workers: what they keep, when they stop, and how it is told that one is missing or cannot train."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from dask.distributed import Client
from filelock import FileLock, Timeout
from training_processes import DEADLINE, LONG, TINY, Worker, said, start, wait_for_checkpoint

from fmnist_utils import Experiment, Run, UserError, run_all
from fmnist_utils.data.dataset import Dataset
from fmnist_utils.runs import cluster
from fmnist_utils.runs.runner import Wanted
from fmnist_utils.runs.store import Store


def new_pages() -> int:
    """Count the pages that a process is given for a hundred times the same MiB."""
    import ctypes
    import resource

    no_huge_pages = 41  # PR_SET_THP_DISABLE: one page of 2 MiB would stand for 512 of 4 KiB
    ctypes.CDLL(None).prctl(no_huge_pages, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        np.ones(2**17)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.slow
def test_a_worker_elsewhere_trains_again_what_it_has_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Dataset
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    store, run = Store(tmp_path / "here"), TINY.but(epochs=1)
    order = cluster.Order.of(run.key(data.checksum), Wanted(run, {}, run.label), data.checksum, store, "cpu", "fp32")
    order = replace(order, reports=tmp_path / "there")
    save = Store.save

    def held(self: Store, run: Run) -> Run:
        with pytest.raises(Timeout), FileLock(self.folder / run.key / "run.lock", timeout=0):
            pass
        return save(self, run)

    monkeypatch.setattr(Store, "save", held)  # here, where what is sent is stored
    with cluster.local(1) as address:
        times = []
        for since in (0, 0, time.time_ns()):
            found = cluster.train([replace(order, since=since)], {order.key: 1.0}, store, address)
            times.append(found[order.key].history[0]["seconds"])
            [checkpoint] = tmp_path.glob("elsewhere/fmnist-reports/runs/*/checkpoint.pt")
            os.utime(checkpoint, (time.time() - 3600,) * 2)
    assert times[0] == times[1] != times[2]


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told what to keep")
def test_a_worker_keeps_the_memory_that_a_training_step_frees(tmp_path: Path, data: Dataset) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    store, run = Store(tmp_path), TINY.but(epochs=1)
    order = cluster.Order.of(run.key(data.checksum), Wanted(run, {}, run.label), data.checksum, store, "cpu", "fp32")
    with cluster.local(1) as address, Client(address) as client:
        assert client.submit(new_pages).result() > 20_000  # what Dask makes of malloc
        cluster.train([order], {order.key: 1.0}, store, address)
        assert client.submit(new_pages, pure=False).result() < 2_000


@pytest.mark.slow
@pytest.mark.parametrize("training", [LONG, TINY])  # an epoch of the latter takes a fraction of a second
def test_a_stopped_call_stops_its_remote_workers(training: Experiment, tmp_path: Path, worker: Worker) -> None:
    import psutil

    def spent() -> float:
        times = psutil.Process(busy.pid).cpu_times()
        return times.user + times.system

    worker()
    process = start(tmp_path, training.but(epochs=2000), scheduler=worker.address)
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE)
    [busy] = worker.started
    deadline, before = time.monotonic() + 30, -1.0
    while spent() - before > 0.5:  # seconds of a core, in two
        assert time.monotonic() < deadline, "it trains on"
        before = spent()
        time.sleep(2)
    assert said(start(tmp_path, TINY, scheduler=worker.address)).count("fresh") == 1
    assert busy.poll() is None  # the same worker was free for the next


@pytest.mark.slow
def test_no_worker_is_said_and_waited_for(tmp_path: Path, worker: Worker) -> None:
    process = start(tmp_path, TINY, scheduler=worker.address)
    assert process.stdout is not None
    assert process.stdout.readline() == "1 run: 0 in the store, 1 to train\n"
    assert process.stdout.readline() == f"No worker is connected to {worker.address}: waiting for one (Ctrl-C stops)\n"
    worker()
    assert "fresh" in said(process)


@pytest.mark.slow
def test_a_scheduler_that_dies_is_told_in_a_line(tmp_path: Path, worker: Worker) -> None:
    import psutil

    worker()
    process = start(tmp_path, LONG.but(epochs=2000), scheduler=worker.address)
    wait_for_checkpoint(tmp_path, process)
    port = worker.address.rpartition(":")[2]
    running = psutil.process_iter(["cmdline"])
    [theirs] = [each for each in running if {"scheduler", port} <= set(each.info["cmdline"] or [])]
    theirs.kill()
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1 and "ERROR" not in err, "what Dask logs of it"
    assert err.splitlines()[-1].endswith(f"the Dask scheduler at {worker.address} is gone: {cluster.KEPT}")


@pytest.mark.parametrize(
    ("preload", "message"),
    [
        (
            "import fmnist_utils.runs.cluster as c; c.version = lambda: '0.0.1, training version 1'",
            "has fmnist-reports 0.0.1",
        ),
        (
            "import fmnist_utils.runs.cluster as c, importlib.metadata as m, types; c.metadata = types.SimpleNamespace("
            "version=lambda name: '2020.1.0' if name == 'distributed' else m.version(name))",
            "has Dask 2020.1.0, not ",
        ),
        (
            "import fmnist_utils.runs.cluster as c; c.version = lambda: '0.0.1, training version 1'; "
            "c.work = lambda order: order.of_another_name",  # before it comes to the version
            "the worker at .* has fmnist-reports 0.0.1",
        ),
        ("import fmnist_utils.data.locate as s; s.KNOWN = {}", "is unknown"),
    ],
)
def test_a_worker_that_cannot_train_the_run_is_named_in_a_line(
    preload: str, message: str, tmp_path: Path, worker: Worker
) -> None:
    worker(preload)
    with pytest.raises(UserError, match=message) as caught:
        run_all([TINY], tmp_path, scheduler=worker.address)
    assert "\n" not in str(caught.value)


def test_a_scheduler_of_another_version_is_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dask.distributed import LocalCluster

    with LocalCluster(n_workers=0, processes=False, dashboard_address=None) as old:
        monkeypatch.setattr(cluster.metadata, "version", lambda name: "2020.1.0")
        with pytest.raises(UserError, match="the scheduler has Dask .*, this machine 2020.1.0: install the same"):
            run_all([TINY], tmp_path, scheduler=old.scheduler_address)
