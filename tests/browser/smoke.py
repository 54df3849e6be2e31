"""The real notebooks, executed and rendered by the command that users run, with the parameters of smoke."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.report import marker

NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def reports(out: Path, *arguments: str) -> str:
    """Make reports in `out`; returns what was said."""
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", "smoke", "--out", str(out), *arguments]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-2000:]
    return process.stdout


def beside_published(out: Path, *names: str) -> Path:
    """Make the reports called `names` in `out`, where the published pages of all others are, to be linked to."""
    marker.prepare(out)
    for name in set(NAMES) - set(names):
        shutil.copy(ROOT / PUBLISHED / f"{name}.html", out)
    reports(out, "--only", " ".join(names))
    return out
