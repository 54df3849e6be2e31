"""Runs beside each other on this machine: when, how many, and what becomes of those that fail."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from training_processes import DEADLINE, LONG, TINY, start

from fmnist_utils import UserError, results, run_all
from fmnist_utils.basics.system import ROOT


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


def test_more_jobs_than_cores_are_cut_down_with_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_all([TINY, TINY.but(seed=1)], tmp_path, jobs=10_000)
    assert "JOBS=10000: " in capsys.readouterr().out
    assert len(results(tmp_path)) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that one process sends another")
@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.5, 3.0])
def test_ctrl_c_while_the_processes_start_is_one_line(seconds: float, tmp_path: Path) -> None:
    """It reaches all of a terminal (the stop button all of a kernel), those that have only begun to start included."""
    process = start(tmp_path, LONG, LONG.but(seed=1), alone=True, jobs=2)
    assert process.stdout is not None
    assert "Starting 2 processes to train in\n" in iter(process.stdout.readline, "")
    time.sleep(seconds)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert err.count("Traceback") == 1, err
    assert err.splitlines()[-1].endswith("Stopped: What is finished is kept: the same call goes on from there."), err
    assert psutil.wait_procs(workers, timeout=DEADLINE)[1] == []


def test_a_file_that_new_processes_would_run_again_is_refused_before_they_do(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    call = (
        f"run_all([Experiment(model='cnn-small', train_size=500, epochs=1, seed=s) for s in (0, 1)], {str(tmp_path)!r}"
    )
    script.write_text(f"from fmnist_utils import Experiment, run_all\n{call}, jobs=2)\n", "utf-8")
    command, environment = [sys.executable, str(script)], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, env=environment)
    assert done.returncode == 1 and len(done.stderr.splitlines()) < 20
    assert f"jobs=2 starts processes that read {script} again from its top: put" in done.stderr.splitlines()[-1]
    script.write_text(
        f"from fmnist_utils import Experiment, run_all\nif __name__ == '__main__':\n    {call}, jobs=2)\n"
    )
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(results(tmp_path)) == 2
