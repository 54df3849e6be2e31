"""The examples of docs/your-own.md, and a shell to run them in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from fmnist_utils.basics.system import ROOT

TEXT = (ROOT / "docs" / "your-own.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def blocks(title: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", EXAMPLES[title], re.MULTILINE | re.DOTALL)


def run(root: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=clean(root))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def clean(root: Path) -> dict[str, str]:
    """The environment of a plain shell in which this Python is called python, and the package is that of `root`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **{name: value for name, value in os.environ.items() if name not in ("PROFILE", "OUT", "ONLY")},
        "PATH": path,
        "PYTHONPATH": str(root),
    }


def shell(root: Path, title: str) -> str:
    """Run the commands of an example, in order."""
    lines = [line for block in blocks(title, "bash") for line in block.splitlines()]
    assert lines
    return "".join(run(root, "bash", "-c", line) for line in lines)
