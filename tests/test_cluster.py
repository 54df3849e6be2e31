"""Runs side by side and on Dask workers: the same bits as one process alone, whoever is killed on the way."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cloudpickle
import numpy as np
import psutil
import pytest
from dask.distributed import Client
from safetensors.torch import load_file

from fmnist_utils import Experiment, UserError, results, run_all
from fmnist_utils.basics.system import ROOT
from fmnist_utils.data.dataset import Dataset
from fmnist_utils.runs import cluster, resources
from fmnist_utils.runs.resources import Resources
from fmnist_utils.runs.store import Store

TINY = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=2)
LONG = TINY.but(model="cnn-mid", epochs=8, train_size=4000, augmentation="flip+erasing")
SCRIPT = """
import sys
from fmnist_utils import Experiment, run_all
experiments = [Experiment(**fields) for fields in eval(sys.argv[2])]
for run in run_all(experiments, sys.argv[1], **eval(sys.argv[3])):
    print(run.key, "fresh" if run.fresh else "stored", run.provenance["precision"], run.provenance["threads"])
"""
DEADLINE = 240  # seconds; generous, for machines that are busy with other things


def start(out: Path, *experiments: Experiment, threads: int = 1, **options: object) -> subprocess.Popen[str]:
    """Call `run_all` in a process of its own, whose torch has `threads` threads."""
    fields = repr([experiment.model_dump() for experiment in experiments])
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(out), fields, repr(options)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )  # fmt: skip


def said(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed; what it printed."""
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    return out


def wait_for_checkpoint(out: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a training is past an epoch."""
    deadline = time.monotonic() + DEADLINE
    while not list(out.glob("runs/*/checkpoint.pt")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    assert not list(out.glob("runs/*/record.json")), "too late to mean anything"


def same_weights(first: Path, second: Path) -> bool:
    """Whether two stores hold the same runs, with the same weights to the last bit."""
    names = [sorted(path.parent.name for path in out.glob("runs/*/record.json")) for out in (first, second)]
    assert names[0] == names[1] and names[0]
    pairs = [[load_file(out / "runs" / name / "weights.safetensors") for out in (first, second)] for name in names[0]]
    return all(value.equal(b[name]) for a, b in pairs for name, value in a.items())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, trained one after the other by one process of one thread."""
    out = tmp_path_factory.mktemp("undisturbed")
    said(start(out, LONG, LONG.but(seed=1), jobs=1))
    return out


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Address of a Dask scheduler in a process of its own, without workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    yield address
    process.kill()
    process.wait()


@pytest.fixture
def worker(scheduler: str) -> Iterator["Worker"]:
    """Start workers of the scheduler; each is one process, without a nanny that would start it again."""
    workers = Worker(scheduler)
    yield workers
    for process in workers.started:
        process.kill()
        process.wait()


class Worker:
    """Starts Dask workers of one thread."""

    def __init__(self, address: str) -> None:
        self.address, self.started = address, list[subprocess.Popen[bytes]]()

    def __call__(self, *preload: str) -> subprocess.Popen[bytes]:
        options = [
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            *(o for code in preload for o in ("--preload", code)),
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", "worker", self.address, *options], cwd=ROOT, stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self.started.append(process)
        return process


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


def test_a_worker_elsewhere_trains_again_what_it_has_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Dataset
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    store, run = Store(tmp_path / "here"), TINY.but(epochs=1)
    order = cluster.Order.of(run.key(data.checksum), run, data.checksum, store, "cpu", "fp32")
    order = replace(order, identity="another folder")
    with cluster.local(1) as address:
        times = []
        for since in (0, 0, int(time.time())):
            found = cluster.train([replace(order, since=since)], {order.key: 1.0}, store, address)
            times.append(found[order.key].history[0]["seconds"])
            [checkpoint] = tmp_path.glob("elsewhere/fmnist-reports/runs/*/checkpoint.pt")
            os.utime(checkpoint, (time.time() - 3600,) * 2)
    assert times[0] == times[1] != times[2]


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


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told what to keep")
def test_a_worker_keeps_the_memory_that_a_training_step_frees(tmp_path: Path, data: Dataset) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    store, run = Store(tmp_path), TINY.but(epochs=1)
    order = cluster.Order.of(run.key(data.checksum), run, data.checksum, store, "cpu", "fp32")
    with cluster.local(1) as address, Client(address) as client:
        assert client.submit(new_pages).result() > 20_000  # what Dask makes of malloc
        cluster.train([order], {order.key: 1.0}, store, address)
        assert client.submit(new_pages, pure=False).result() < 2_000


def test_a_stopped_call_stops_its_remote_workers(tmp_path: Path, worker: Worker) -> None:
    worker()
    process = start(tmp_path, LONG.but(epochs=2000), scheduler=worker.address)
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE)
    [busy] = worker.started
    assert said(start(tmp_path, TINY, scheduler=worker.address)).count("fresh") == 1
    assert busy.poll() is None  # the same worker was free for the next


def test_no_worker_is_said_and_waited_for(tmp_path: Path, worker: Worker) -> None:
    process = start(tmp_path, TINY, scheduler=worker.address)
    assert process.stdout is not None
    assert process.stdout.readline() == "1 run: 0 in the store, 1 to train\n"
    assert process.stdout.readline() == f"No worker is connected to {worker.address}: waiting for one (Ctrl-C stops)\n"
    worker()
    assert "fresh" in said(process)


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


def test_a_resumed_run_keeps_the_precision_and_threads_it_was_begun_with(tmp_path: Path) -> None:
    process = start(tmp_path, LONG, threads=1, jobs=1, precision="fp32")
    wait_for_checkpoint(tmp_path, process)
    process.kill()
    process.communicate()
    output = said(start(tmp_path, LONG, threads=2, jobs=1, precision="bf16"))
    assert "goes on after epoch" in output
    assert output.splitlines()[-1].endswith("fresh fp32 1")


def test_a_model_that_the_caller_defines_is_trained_side_by_side(tmp_path: Path) -> None:
    script = f"""
from torch import nn
from fmnist_utils import Experiment, models, run_all
@models.register("mine", source="me")
class Mine(nn.Module):
    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))
    def forward(self, images):
        return self.layers(images)
wanted = [Experiment(model="mine", train_size=500, epochs=1, seed=seed) for seed in range(2)]
print([run.test_accuracy > 0.2 for run in run_all(wanted, {str(tmp_path)!r}, jobs=2)])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout.splitlines()[-1] == "[True, True]", done.stderr


def test_short_trainings_and_none_start_no_other_process(tmp_path: Path) -> None:
    script = f"""
import sys
from fmnist_utils import Experiment, run_all
wanted = [Experiment(model="cnn-small", train_size=500, epochs=1, seed=seed) for seed in range(2)]
for _ in range(2):
    run_all(wanted, {str(tmp_path)!r})
print("fmnist_utils.runs.cluster" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout.splitlines()[-1] == "False", done.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_failing_runs_do_not_take_the_others_along_and_are_all_told(jobs: int, tmp_path: Path) -> None:
    wrong = [TINY.but(class_weights={name: 2.0}, seed=seed) for name in ("Shirts", "Coats") for seed in range(2)]
    with pytest.raises(UserError) as caught:
        run_all([*wrong, TINY, TINY.but(seed=1)], tmp_path, jobs=jobs)
    lines = sorted(str(caught.value).splitlines())
    assert ["did you mean 'Coat'" in lines[0], "did you mean 'Shirt'" in lines[1]] == [True, True]
    assert len(lines) == 2 and len(results(tmp_path)) == 2


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"precision": "fp16"}, "PRECISION=fp16 is unknown; did you mean 'bf16'"),
        ({"jobs": 0}, "JOBS=0 is not allowed"),
        ({"jobs": "-3"}, "JOBS=-3 is not allowed"),
        ({"jobs": "abc"}, "JOBS=abc is not allowed"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_line(asked: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run_all([TINY], tmp_path, **asked)
    assert "\n" not in str(caught.value)
    assert not tmp_path.joinpath("runs").exists()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 400 Bad Request\r\n\r\n", b"\xff" * 64, None])
def test_a_server_that_is_no_scheduler_is_told_at_once(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that closes, one that speaks another language, and (None) one that is silent."""
    monkeypatch.setattr(resources, "ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    caller, _ = server.accept()
                    callers.append(caller)
                    if answer is not None:
                        caller.sendall(answer)
                        caller.close()

        callers: list[socket.socket] = []
        threading.Thread(target=serve, daemon=True).start()
        place = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        said = f"^SCHEDULER={place}: no Dask scheduler answers there .whoever listens there does not speak Dask's"
        with pytest.raises(UserError, match=said) as caught:
            Resources(scheduler=place).check_scheduler()
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 300


def test_more_jobs_than_cores_are_cut_down_with_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_all([TINY, TINY.but(seed=1)], tmp_path, jobs=10_000)
    assert "JOBS=10000: " in capsys.readouterr().out
    assert len(results(tmp_path)) == 2


def test_bf16_where_it_is_emulated_goes_on_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fmnist_utils.training.device.has_bf16", lambda device: False)
    [run] = run_all([TINY.but(epochs=1, train_size=100)], tmp_path, precision="bf16")
    assert run.provenance["precision"] == "bf16"
    [line] = capsys.readouterr().err.splitlines()
    assert "bf16 is emulated on this cpu: training takes hundreds of times as long" in line
    [other] = run_all([TINY], tmp_path)
    assert other.provenance["precision"] == "fp32"


def test_resources_pass_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Resources(precision="fp32", jobs=3, scheduler="tcp://host:1")
    for name, value in wanted.as_environment().items():
        monkeypatch.setenv(name, value)
    assert Resources.of() == wanted
    assert Resources.of(jobs="auto", precision="", scheduler="") == Resources()
