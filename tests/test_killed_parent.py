"""A process that is killed while it trains runs side by side."""

from pathlib import Path

import psutil
import pytest
from training_processes import LONG, said, same_weights, start, wait_for_checkpoint


@pytest.mark.slow
def test_a_killed_process_takes_its_workers_along_and_all_goes_on_to_the_same_bits(
    undisturbed: Path, tmp_path: Path
) -> None:
    process = start(tmp_path, LONG, LONG.but(seed=1), jobs=2)
    wait_for_checkpoint(tmp_path, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]
    assert "goes on after epoch" in said(start(tmp_path, LONG, LONG.but(seed=1), jobs=2))
    assert same_weights(undisturbed, tmp_path)
