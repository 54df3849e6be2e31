"""Images a second that a machine trains: one process in fp32 against one a core in the best precision, in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

import torch

from benchmarks.training import new_trainer
from fmnist_utils.basics.system import ROOT
from fmnist_utils.data.dataset import load_dataset
from fmnist_utils.studies.recipes import RECIPES
from fmnist_utils.training.device import choose_precision
from fmnist_utils.training.experiment import Experiment

NETS = {
    "base": (Experiment(model="base"), 1.7),
    "cnn-mid": (Experiment(model="cnn-mid"), 2.0),
    "cnn-big": (Experiment(model="cnn-big"), 1.6),
    "sprint": (RECIPES["sprint"], 1.6),
}
PAIRS = 5
SECONDS = 4.0  # of every measurement


class Process:
    """A process that trains a net when it is told to, and says how many images a second it did."""

    def __init__(self, net: str, precision: str, threads: int) -> None:
        command = [sys.executable, "-m", "benchmarks.throughput", net, precision, str(threads)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hear()  # it is ready

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def hear(self) -> float:
        assert self.process.stdout is not None
        return float(json.loads(self.process.stdout.readline()))


def serve(net: str, precision: str, threads: int) -> None:
    """Be such a process: train for a moment for every line of the standard input."""
    torch.set_num_threads(threads)
    data = load_dataset()
    experiment, _ = NETS[net]
    trainer = new_trainer(experiment, data, choose_precision(precision, torch.device("cpu")))
    trainer.model.train()
    batches = trainer.training[torch.randperm(len(trainer.training))].split(experiment.batch_size)[:-1]
    for indices in batches[:5]:
        trainer.step(*trainer.batch(indices, 0))
    print(0, flush=True)
    number = 0
    for _ in sys.stdin:
        started, images = time.perf_counter(), 0
        while time.perf_counter() - started < SECONDS:
            indices = batches[number % len(batches)]
            trainer.step(*trainer.batch(indices, 0))
            number, images = number + 1, images + len(indices)
        print(images / (time.perf_counter() - started), flush=True)


def together(processes: list[Process]) -> float:
    """Let processes train at the same time; the images a second of all."""
    for process in processes:
        process.say("go")
    return sum(process.hear() for process in processes)


def main() -> None:
    """Print images a second of both ways and their ratio, the median of pairs measured in turn."""
    cores = torch.get_num_threads()
    best = choose_precision("auto", torch.device("cpu"))
    print(f"Training throughput, images a second: JOBS=1 PRECISION=fp32 against JOBS={cores} PRECISION={best}")
    for net, (experiment, target) in NETS.items():
        alone = [Process(net, "fp32", cores)]
        others = [Process(net, "auto", 1) for _ in range(cores)]
        pairs = [(together(alone), together(others)) for _ in range(PAIRS)]
        ratios = sorted(fast / slow for slow, fast in pairs)
        slow, fast = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"  {net:8s} batch {experiment.batch_size:4d}  {slow:8,.0f}  {fast:8,.0f}   ratio "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}, target {target})",
            flush=True,
        )
        for process in [*alone, *others]:
            process.process.kill()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
