"""Trainings in processes of their own, and what they must leave behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from fmnist_utils import Experiment, run_all
from fmnist_utils.basics.system import ROOT

TINY = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=2)
LONG = TINY.but(model="cnn-mid", epochs=5, train_size=4000, augmentation="flip+erasing")
SCRIPT = """
import sys
from fmnist_utils import Experiment, run_all
experiments = [Experiment(**fields) for fields in eval(sys.argv[2])]
for run in run_all(experiments, sys.argv[1], **eval(sys.argv[3])):
    print(run.key, "fresh" if run.fresh else "stored", run.provenance["precision"], run.provenance["threads"])
"""
DEADLINE = 240  # seconds; generous, for machines that are busy with other things


def start(
    out: Path, *experiments: Experiment, threads: int = 1, alone: bool = False, **options: object
) -> subprocess.Popen[str]:
    """Call `run_all` in a process of its own, whose torch has `threads` threads; `alone`: in a group of its own."""
    fields = repr([experiment.model_dump() for experiment in experiments])
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(out), fields, repr(options)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        start_new_session=alone,
    )  # fmt: skip


def said(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed; what it printed."""
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    return out


def trained_alone(out: Path) -> Path:
    """Train two runs one after the other in this process, with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        run_all([LONG, LONG.but(seed=1)], out, jobs=1)
    finally:
        torch.set_num_threads(threads)
    return out


def wait_for_checkpoint(out: Path, process: subprocess.Popen[str], trainings: int = 1) -> None:
    """Wait until so many trainings are past an epoch."""
    deadline = time.monotonic() + DEADLINE
    while len(list(out.glob("runs/*/checkpoint.pt"))) < trainings:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    assert not list(out.glob("runs/*/record.json")), "too late to mean anything"


def same_weights(first: Path, second: Path) -> bool:
    """Whether two stores hold the same runs, with the same weights to the last bit."""
    names = [sorted(path.parent.name for path in out.glob("runs/*/record.json")) for out in (first, second)]
    assert names[0] == names[1] and names[0]
    pairs = [[load_file(out / "runs" / name / "weights.safetensors") for out in (first, second)] for name in names[0]]
    return all(value.equal(b[name]) for a, b in pairs for name, value in a.items())


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
