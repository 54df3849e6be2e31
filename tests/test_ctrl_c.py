"""Ctrl-C is heard at any moment: one line, status 130, and what is finished is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_project import copy_package, start, write_notebook, write_project

from fmnist_utils.basics.system import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that one process sends another")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_package(write_project(tmp_path / "project"))


def test_ctrl_c_stops_the_kernel_keeps_what_is_finished_and_says_how_to_go_on(project: Path) -> None:
    slow = "import os, time\nprint('kernel', os.getpid(), flush=True)\ntime.sleep(600)"
    write_notebook(project / "notebooks" / "02_second.ipynb", slow)
    process = start(project, "reports", "--out", "new")
    assert process.stdout is not None
    line = next(line for line in process.stdout if "kernel" in line)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err == "Stopped. What is finished is kept: the same command goes on from there.\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int(line.split()[-1]), 0)
    assert "01_first.html" in (project / "new" / "index.html").read_text("utf-8")
    assert [path.name for path in (project / "new" / "notebooks").iterdir()] == ["01_first.ipynb"]
    assert (project / "new" / "01_first.html").exists()


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3, 0.6, 1.0, 2.0, 3.0])
def test_ctrl_c_is_heard_as_soon_as_python_has_started(seconds: float, project: Path) -> None:
    process = start(project, "reports", "--out", "new", interpreter=("-X", "importtime"))
    assert process.stderr is not None
    # Until the first import of ours, Ctrl-C is Python's own affair.
    assert any("fmnist_utils.basics.interrupt" in line for line in process.stderr)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    said = [line for line in err.splitlines() if not line.startswith("import time:")]
    assert said == ["Stopped. What is finished is kept: the same command goes on from there."]


def test_an_interruption_that_somebody_swallows_is_raised_again() -> None:
    code = """
import os, signal, time
from fmnist_utils.basics import interrupt
try:
    with interrupt.in_order():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(9)
        except BaseException:
            print("swallowed", flush=True)
        time.sleep(9)
except KeyboardInterrupt:
    print("raised again")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("swallowed\nraised again\n", "")


def test_ctrl_c_while_python_ends_after_all_is_done_is_no_failure(project: Path) -> None:
    """Python gives the signal back to the system then, which would end the process without a word."""
    late = "import atexit, time\natexit.register(lambda: (print('ends', flush=True), time.sleep(3)))\n"
    package = project / "fmnist_utils" / "__init__.py"
    package.write_text(
        package.read_text("utf-8").replace("import importlib\n", f"import importlib\n{late}", 1), "utf-8"
    )
    process = start(project, "params", "02")
    assert process.stdout is not None
    assert any(line == "ends\n" for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
