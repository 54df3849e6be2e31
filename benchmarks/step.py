"""What was tried to make our nets' training step faster: each change against the step as it is, in turn."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import torch

from benchmarks.training import new_trainer, seconds_per_step
from fmnist_utils.data.dataset import load_dataset
from fmnist_utils.studies.recipes import STARTING_RECIPE
from fmnist_utils.training.device import choose_precision
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.trainer import Trainer

ROUNDS = 5


def _steps(trainer: Trainer, channels_last: bool = True, augmented: bool = True) -> Iterator[None]:
    """Train for ever; without `augmented` on one batch that was made before."""
    trainer.model.train()
    indices = trainer.training[: trainer.experiment.batch_size]
    images, targets = trainer.batch(indices, 0)
    while True:
        if augmented:
            images, targets = trainer.batch(indices, 0)
        trainer.step(images if channels_last else images.contiguous(), targets)
        yield


def _keep_gradients(trainer: Trainer) -> Trainer:
    """Let the optimizer zero the gradients in place of dropping them."""
    drop = trainer.optimizer.zero_grad
    trainer.optimizer.zero_grad = lambda set_to_none=True: drop(set_to_none=False)  # type: ignore[method-assign]
    return trainer


def _without_optimizer(trainer: Trainer) -> Trainer:
    """Let the weights stay as they are: what no faster optimizer can beat."""
    trainer.optimizer.step = lambda closure=None: None  # type: ignore[method-assign, assignment]
    return trainer


def _evaluations(trainer: Trainer, precision: str) -> Iterator[None]:
    """Evaluate 1,000 test images for ever."""
    while True:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            trainer.probabilities(trainer.data.test_images[:1000])
        yield


def main(names: tuple[str, ...] = ("sprint", "compact", "best")) -> None:
    """Print the time of a step for each net and change, as a multiple of the recipe's; about five minutes a net."""
    data = load_dataset()
    cpu = torch.device("cpu")
    precision = choose_precision("auto", cpu)

    def trainer(recipe: Experiment, of: str = precision) -> Trainer:
        return new_trainer(recipe, data, of)

    for name in names:
        recipe = STARTING_RECIPE.but(model=name)  # sprint's own has ReLU already
        contiguous, compiled = trainer(recipe), trainer(recipe)
        contiguous.model.to(memory_format=torch.contiguous_format)
        compiled.model.compile()
        # Loop, and the images of a step as a multiple of the recipe's.
        loops = {
            f"as it is, {precision}": (_steps(trainer(recipe)), 1.0),
            "in fp32": (_steps(trainer(recipe, "fp32")), 1.0),
            "torch.compile": (_steps(compiled), 1.0),
            "channels first": (_steps(contiguous, channels_last=False), 1.0),
            "gradients zeroed, not dropped": (_steps(_keep_gradients(trainer(recipe))), 1.0),
            "no batch made at all": (_steps(trainer(recipe), augmented=False), 1.0),
            "no step of the optimizer at all": (_steps(_without_optimizer(trainer(recipe))), 1.0),
            "ReLU for GELU": (_steps(trainer(recipe.but(model_options={"activation": "relu"}))), 1.0),
            **{
                f"batch {size}, for as many images": (_steps(trainer(recipe.but(batch_size=size))), size / 256)
                for size in (64, 128, 1024)
            },
        }
        times = seconds_per_step([loop for loop, _ in loops.values()], 3, ROUNDS)
        print(f"Training step of {name}, batch {recipe.batch_size}: {1000 * statistics.median(times[0]):.0f} ms")
        for (change, (_, scale)), taken in list(zip(loops.items(), times, strict=True))[1:]:
            ratios = [seconds / scale / plain for seconds, plain in zip(taken, times[0], strict=True)]
            spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"  {change:32s} {statistics.median(ratios):5.2f} times as long {spread}", flush=True)
        one = trainer(recipe)
        plain, fast = seconds_per_step([_evaluations(one, "fp32"), _evaluations(one, precision)], 3, ROUNDS)
        ratio = statistics.median(fast_ / plain_ for fast_, plain_ in zip(fast, plain, strict=True))
        share = 10 * statistics.median(plain) / (60_000 / recipe.batch_size * statistics.median(times[0]))
        print(f"  evaluation in {precision}: {ratio:.2f} times as long as in fp32 ({share:.1%} of an epoch)")


if __name__ == "__main__":
    main()
