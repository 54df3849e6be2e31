"""Processes that train side by side, while they start: Ctrl-C, and programs that they would run again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from training_processes import DEADLINE, LONG, start

from fmnist_utils.basics.system import ROOT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that one process sends another")
@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_ctrl_c_while_the_processes_start_is_one_line(seconds: float, tmp_path: Path) -> None:
    """It reaches all of a terminal (the stop button all of a kernel), those that have only begun to start included."""
    process = start(tmp_path, LONG, LONG.but(seed=1), alone=True, jobs=2)
    assert process.stdout is not None
    assert "Starting 2 processes that train side by side\n" in iter(process.stdout.readline, "")
    time.sleep(seconds)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert err.count("Traceback") == 1, err
    assert err.splitlines()[-1].endswith("Stopped: What is finished is kept: the same call goes on from there."), err
    assert psutil.wait_procs(workers, timeout=DEADLINE)[1] == []


@pytest.mark.slow
def test_a_file_that_new_processes_would_run_again_is_refused_before_they_do(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    program = """
import sys
from fmnist_utils import Experiment, run_all
from fmnist_utils.runs import cluster
{}
    cluster.local = lambda jobs: sys.exit(f"{{jobs}} processes")
    small = Experiment(model="cnn-small", train_size=500, epochs=1)
    run_all([small, small.but(seed=1)], sys.argv[1], jobs=2)
"""

    def told(guard: str, file: str = str(script)) -> list[str]:
        script.write_text(program.format(guard), "utf-8")
        done = subprocess.run(
            [sys.executable, file, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, input=script.read_text("utf-8"),
        )  # fmt: skip
        assert done.returncode == 1
        return done.stderr.splitlines()

    refused = told("if True:")
    assert f"jobs=2 starts processes that read {script} again from its top: put what it does below" in refused[-1]
    assert len(refused) < 20, "and not what each of them would say"
    assert told("if __name__ == '__main__':") == ["2 processes"]
    assert "give it as a file, or give jobs=1" in told("if True:", "-")[-1], "standard input is read only once"
