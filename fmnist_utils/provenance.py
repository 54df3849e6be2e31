"""Where a result comes from: code, libraries and machine."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from fmnist_utils.paths import ROOT

LIBRARIES = ("torch", "torchvision", "numpy", "scikit-learn", "papermill", "nbconvert")


def commit() -> str:
    """Return the git commit of the project, with "-dirty" if code differs from it; "" outside a checkout."""
    git = ["git", "-C", str(ROOT)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changes = subprocess.run(
            [*git, "status", "--porcelain", "--", ".", ":!reports"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("-dirty" if changes.stdout.strip() else "")


def describe() -> dict[str, Any]:
    """Return date, commit, Python and library versions, and the machine's kind."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}},
    }
