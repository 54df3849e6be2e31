"""What a process that trains keeps in memory, and what it gives back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from data_files import own

from fmnist_utils import Experiment
from fmnist_utils.runs.datasets import data_of, forget_changed

LEFT = """
import psutil
from fmnist_utils.basics.system import freed_memory_kept

def held():
    return psutil.Process().memory_full_info().uss / 2**20

with freed_memory_kept():
    before = held()
    pieces = [bytearray(2**20) for _ in range(300)]
    for piece in pieces:
        piece[::4096] = b"x" * len(piece[::4096])
    last = bytearray(2**20)  # behind them, so that they do not lie at the heap's end
    del pieces, piece
    kept = held() - before
print(kept, held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told to keep what is freed")
def test_what_a_training_freed_is_kept_until_its_end_and_then_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=True)
    kept, left = map(float, done.stdout.split())
    assert kept > 250
    assert left < 50


def test_a_data_set_is_read_once_and_again_when_its_files_have_changed(tmp_path: Path) -> None:
    first = Experiment(dataset=str(own(tmp_path, train_labels=(0, 1, 2, 0))))
    another = first.but(seed=1)
    data = data_of(first)
    forget_changed([first, another])
    assert data_of(another) is data
    own(tmp_path, train_labels=(0, 1, 2, 1))
    forget_changed([another])
    assert data_of(first).train_labels.tolist() == [0, 1, 2, 1]
