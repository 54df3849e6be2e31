"""Runs beside each other on this machine: when, how many, and what becomes of those that fail."""

import subprocess
import sys
from pathlib import Path

import pytest
from training_processes import DEADLINE, TINY

from fmnist_utils import UserError, results, run_all
from fmnist_utils.basics.system import ROOT


@pytest.mark.slow
def test_a_model_that_the_caller_defines_is_trained_side_by_side(tmp_path: Path) -> None:
    script = f"""
from torch import nn
from fmnist_utils import Experiment, models, run_all
@models.register("mine", source="me")
class Mine(nn.Module):
    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))
    def forward(self, images):
        return self.layers(images)
wanted = [Experiment(model="mine", train_size=500, epochs=1, seed=seed) for seed in range(2)]
print([run.test_accuracy > 0.2 for run in run_all(wanted, {str(tmp_path)!r}, jobs=2)])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout.splitlines()[-1] == "[True, True]", done.stderr


def test_short_trainings_and_none_start_no_other_process(tmp_path: Path) -> None:
    script = f"""
import sys
from fmnist_utils import Experiment, run_all
wanted = [Experiment(model="cnn-small", train_size=500, epochs=1, seed=seed) for seed in range(2)]
for _ in range(2):
    run_all(wanted, {str(tmp_path)!r})
print("fmnist_utils.runs.cluster" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout.splitlines()[-1] == "False", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 10_000])
def test_failing_runs_do_not_take_the_others_along_and_are_all_told(
    jobs: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [TINY.but(optimizer="sgd", lr=10, seed=seed) for seed in range(2)]
    with pytest.raises(UserError) as caught:
        run_all([*wrong, TINY, TINY.but(seed=1)], tmp_path, jobs=jobs)
    lines = sorted(str(caught.value).splitlines())
    assert ["seed 0 diverged" in lines[0], "seed 1 diverged" in lines[1]] == [True, True]
    assert len(lines) == 2 and len(results(tmp_path)) == 2
    cut_down = "JOBS=10000: " in capsys.readouterr().out
    assert cut_down == (jobs > 1), "more jobs than cores are said to be cut down"
