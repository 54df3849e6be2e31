"""The committed runs: each is found under the key that its experiment has today, whatever module computes it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fmnist_utils import Experiment
from fmnist_utils.runs.store import Store
from fmnist_utils.system import PUBLISHED, ROOT
from fmnist_utils.training.experiment import TRAINING_VERSION


def committed() -> list[Path]:
    """Records that git has."""
    command = ["git", "ls-files", "-z", "--", f"{PUBLISHED}/runs/*/record.json"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_every_committed_run_is_found_under_its_key() -> None:
    assert TRAINING_VERSION == 2
    records = committed()
    assert len(records) >= 101
    for path in records:
        record = json.loads(path.read_text("utf-8"))
        key = Experiment(**record["experiment"]).key(record["provenance"]["dataset_checksum"])
        assert (key, record["training_version"]) == (path.parent.name, 2)


@pytest.mark.parametrize("path", committed()[::20], ids=lambda path: path.parent.name)
def test_a_committed_run_can_be_read(path: Path) -> None:
    run = Store(PUBLISHED).load(path.parent.name)
    assert run is not None
    recorded = json.loads(path.read_text("utf-8"))["test_accuracy"]
    assert run.test_accuracy == pytest.approx(recorded, abs=1e-3)  # the oldest have rounded probabilities alone
