"""Share of the machine's matrix-product peak that a training step of our largest net reaches."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.training import new_trainer, seconds_per_step
from fmnist_utils.data.dataset import load_dataset
from fmnist_utils.models import count_multiply_adds
from fmnist_utils.studies.recipes import RECIPES
from fmnist_utils.training.device import choose_precision

SIDE = 2048  # of the square matrices whose product is taken for the peak


def main(model: str = "best") -> None:
    """Print the peak, the step's rate, their ratio, and the operations that take most of a step."""
    data = load_dataset()
    experiment = RECIPES[model]
    cpu = torch.device("cpu")
    precision = choose_precision("auto", cpu)
    trainer = new_trainer(experiment, data, precision)
    trainer.model.train()
    indices = trainer.training[: experiment.batch_size]
    a, b = torch.randn(2, SIDE, SIDE, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)

    def products() -> Iterator[None]:
        while True:
            torch.mm(a, b)
            yield

    def steps() -> Iterator[None]:
        batch = trainer.batch(indices, 0)
        while True:
            trainer.step(*batch)
            yield

    def batches_too() -> Iterator[None]:
        while True:
            trainer.step(*trainer.batch(indices, 0))
            yield

    times = seconds_per_step([products(), steps(), batches_too()], steps=5, rounds=9)
    product, step, whole = (statistics.median(taken) for taken in times)
    peak = 2 * SIDE**3 / product
    # A training step takes three passes over the multiply-adds: one forward, two backward.
    operations = 6 * count_multiply_adds(trainer.model) * len(indices)
    print(f"Training step of {model}, batch {len(indices)}, {precision}: matrix product {peak / 1e9:.1f} GFLOP/s")
    for what, seconds in (("forward, loss, backward, optimizer", step), ("and the batch made, augmented", whole)):
        rate = operations / seconds
        print(f"  {what:36s} {1000 * seconds:4.0f} ms, {rate / 1e9:6.1f} GFLOP/s, {rate / peak:.0%} (target 60 %)")
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        trainer.step(*trainer.batch(indices, 0))
    events = sorted(profiled.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    for event in events[:6]:
        print(f"  {event.self_cpu_time_total / total:5.1%}  {event.key}")


if __name__ == "__main__":
    main()
