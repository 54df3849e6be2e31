"""A project of three tiny notebooks, for tests of what surrounds notebooks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import build, series
from fmnist_utils.report.report import Report

COMMON = """\
out: str = "reports/quick"  # folder of the reports
lr: float = 1e-3  # learning rate
epochs: int = 2  # passes over the training images
train_size: int | None = None  # number of training images
models: list[str] = [
    "base",
    "enhanced",
]  # nets to compare
"""
TRAINS = """\
from fmnist_utils import Experiment, run_all
[run] = run_all(Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1), out)
print("fresh" if run.fresh else "stored", run.key)"""
TOKEN = "import uuid\nprint('token', uuid.uuid4())"  # tells one execution from another


def write_notebook(path: Path, *cells: str, parameters: str = COMMON) -> None:
    """Write a notebook: a title, the parameters cell, code cells."""
    declared = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    title = new_markdown_cell(f"# What does {path.stem} ask?\n\nSome prose.")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = new_notebook(cells=[title, declared, *map(new_code_cell, cells)], metadata={"kernelspec": kernel})
    nbformat.write(notebook, path)


def edit(path: Path, old: str, new: str, count: int = -1) -> None:
    """Replace text in a file, which must be there; all of it, or its first `count` occurrences."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")


def write_project(root: Path) -> Path:
    """Write notebooks 01, 02 and 03 with a profile "quick", and return the project's root."""
    for name in ("01_first", "02_second", "03_third"):
        write_notebook(root / "notebooks" / f"{name}.ipynb", TOKEN, "print('lr is', lr, 'for', epochs, 'epochs')")
        params = root / "params" / "quick" / f"{name}.yaml"
        params.parent.mkdir(parents=True, exist_ok=True)
        params.write_text("epochs: 3\ntrain_size: 500\n" if name == "02_second" else "", "utf-8")
    return root


def animals(root: Path) -> Path:
    """Write a data set of two classes, eight pictures each, into a project, and return its folder."""
    for name in ("cat", "dog"):
        (root / "animals" / name).mkdir(parents=True)
        for number in range(8):
            Image.linear_gradient("L").rotate(number).save(root / "animals" / name / f"{number}.png")
    return root / "animals"


def prepare(root: Path, out: str | Path = "", **options: object) -> list[Report]:
    """Get the reports of a project ready in this process, as the command does, with `options` of ``series.prepare``."""
    folders = {"notebooks": root / "notebooks", "params": root / "params"}
    return series.prepare("quick", out=str(out or root / "out"), **folders, **options)  # type: ignore[arg-type]


def make(root: Path, **options: object) -> list[str]:
    """Make the reports of a project in this process; return what failed."""
    return build.build(prepare(root, **options))


def copy_package(root: Path) -> Path:
    """Give a project its own copy of the package, so that the command line works there, and may be edited."""
    half_written = shutil.ignore_patterns("*.pyc.*")  # the compiled files themselves save a project's first call time
    shutil.copytree(ROOT / "fmnist_utils", root / "fmnist_utils", ignore=half_written)
    return root


def start(root: Path, *arguments: str, interpreter: tuple[str, ...] = (), **variables: str) -> subprocess.Popen[str]:
    """Start the command line in a project, with the environment variables that make might pass."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PROFILE", "ONLY", "OUT", "FORCE")}
    return subprocess.Popen(
        [sys.executable, *interpreter, "-m", "fmnist_utils", *arguments],
        cwd=root, env={**clean, "PROFILE": "quick", **variables}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def call(root: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run the command line in a project: exit status, stdout, stderr."""
    process = start(root, *arguments, **variables)
    out, err = process.communicate()
    return process.returncode, out, err


def with_reports(root: Path) -> Path:
    """Write a project and let the command line make all its reports."""
    copy_package(write_project(root))
    code, out, err = call(root, "reports")
    assert (code, err) == (0, "")
    assert "[02_second] lr is 0.001 for 3 epochs" in out, "what cells print is shown with the notebook's name"
    assert out.splitlines()[-1] == "Open reports/quick/index.html"
    return root


def with_a_run(root: Path) -> Path:
    """Write a project whose first notebook trains a net, and let the command line execute that."""
    copy_package(write_project(root))
    write_notebook(root / "notebooks" / "01_first.ipynb", TRAINS)
    assert call(root, "reports", "--only", "01")[0] == 0
    return root


CALLS = """
import contextlib, io, json, sys
from fmnist_utils.__main__ import main
said = []
for arguments in json.load(sys.stdin):
    out, err = (io.TextIOWrapper(io.BytesIO(), sys.stdout.encoding) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
    said.append([status, *(stream.buffer.getvalue().decode() for stream in (out, err) if not stream.flush())])
json.dump(said, sys.stdout)
"""


def calls(root: Path, *calls: list[str], **variables: str) -> list[tuple[int, str, str]]:
    """Run command lines in one process, which imports everything once: exit status, stdout, stderr of each."""
    done = subprocess.run(
        [sys.executable, "-c", CALLS], cwd=root, env={**os.environ, "PROFILE": "quick", **variables},
        input=json.dumps(calls), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [(status, out, err) for status, out, err in json.loads(done.stdout)]


def outputs(executed: Path) -> str:
    """All that the cells of an executed notebook printed."""
    cells = json.loads(executed.read_text("utf-8"))["cells"]
    return "".join("".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", []))


def tokens(out: Path) -> dict[str, str]:
    """What each executed notebook printed, its execution's own token included, by name."""
    return {path.stem: outputs(path) for path in sorted((out / "notebooks").glob("*.ipynb"))}
