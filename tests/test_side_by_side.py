"""Runs side by side: the same bits as one after the other, also when a worker is killed."""

from pathlib import Path

import psutil
import pytest
from training_processes import LONG, said, same_weights, start, wait_for_checkpoint


@pytest.mark.slow
def test_side_by_side_ends_with_the_bits_of_one_after_the_other(undisturbed: Path, tmp_path: Path) -> None:
    output = said(start(tmp_path, LONG, LONG.but(seed=1), jobs=2))
    assert "(1 of 2): epoch 5/5" in output and "(2 of 2): epoch 5/5" in output
    assert "1 of 2 runs done, about" in output
    assert same_weights(undisturbed, tmp_path)


@pytest.mark.slow
def test_a_killed_local_worker_has_its_run_taken_over(undisturbed: Path, tmp_path: Path) -> None:
    process = start(tmp_path, LONG, LONG.but(seed=1), jobs=2)
    wait_for_checkpoint(tmp_path, process, trainings=2)
    # The workers are the children that compute; the other one keeps account of semaphores.
    victim = max(psutil.Process(process.pid).children(recursive=True), key=lambda child: sum(child.cpu_times()[:2]))
    victim.kill()
    assert "goes on after epoch" in said(process)
    assert same_weights(undisturbed, tmp_path)
