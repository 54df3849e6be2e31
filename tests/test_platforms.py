"""Windows has no users, resource limits, alarms or fcntl: package, benchmarks and tests can be imported there, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import copy_package

from fmnist_utils.basics.system import ROOT

LIKE_WINDOWS = """
import importlib, os, pkgutil, signal, sys
# What others import of Unix is theirs; they have a Windows of their own.
import cleanlab, dask.distributed, jupyter_client, jupyterlab.labapp, matplotlib, nbconvert, papermill, pytest, selenium
import seaborn, torch, torchvision, ipywidgets, venv
for name in ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty"):
    sys.modules[name] = None
for name in ("geteuid", "getuid", "seteuid", "sched_getaffinity", "fork", "openpty", "mkfifo"):
    delattr(os, name)
for name in ("SIGALRM", "SIGKILL", "SIGHUP", "SIGUSR1", "pthread_sigmask", "setitimer", "alarm", "ITIMER_REAL"):
    delattr(signal, name)
sys.path.insert(0, "tests")
for package in ("fmnist_utils", "benchmarks"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
for module in pkgutil.iter_modules(["tests"]):
    importlib.import_module(module.name)
from fmnist_utils import Experiment, run_all
from fmnist_utils.basics import interrupt
from fmnist_utils.runs.runner import side_by_side
with interrupt.in_order():
    [run] = run_all(Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1), sys.argv[1])
print(run.fresh, side_by_side(1, 2, torch.device("cpu"), seconds=0.0))
"""


@pytest.mark.slow
def test_everything_is_imported_and_trains_without_what_windows_lacks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIKE_WINDOWS, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True 1"


def test_the_commit_is_that_of_the_projects_own_checkout(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "somebody else's"]):
        subprocess.run([*git, *arguments], check=True)
    root = copy_package(tmp_path / "project")  # unpacked in somebody's checkout, without a .git of its own
    tell = [sys.executable, "-c", "from fmnist_utils.basics.system import commit; print(commit())"]

    def told(root: Path, **environment: str) -> str:
        done = subprocess.run(tell, cwd=root, capture_output=True, text=True, check=True, env=os.environ | environment)
        return done.stdout.strip()

    assert told(root) == ""
    subprocess.run([*git[:-1], str(root), "init", "-q"], check=True)
    subprocess.run([*git[:-1], str(root), "commit", "-q", "--allow-empty", "-m", "ours"], check=True)
    ours = told(root)
    assert ours.endswith("-dirty")
    assert told(root, GIT_DIR=str(tmp_path / ".git")) == ours, "whatever repository the environment names"
