"""What was tried to make a training step of our nets faster: each change against the step as it is."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import torch

from benchmarks.training import new_trainer, seconds_per_step
from fmnist_utils.data.dataset import load_dataset
from fmnist_utils.studies.recipes import RECIPES, STARTING_RECIPE
from fmnist_utils.training.trainer import Trainer

OTHER_BATCH = 1024


def _steps(trainer: Trainer, channels_last: bool = True) -> Iterator[None]:
    trainer.model.train()
    indices = trainer.training[: trainer.experiment.batch_size]
    while True:
        images, targets = trainer.batch(indices, 0)
        trainer.step(images if channels_last else images.contiguous(), targets)
        yield


def main() -> None:
    """Print the time of a step for each net and change, as a multiple of the recipe's; about ten minutes."""
    data = load_dataset()
    for name in RECIPES:
        recipe = STARTING_RECIPE.but(model=name)  # sprint's own has ReLU already
        contiguous, compiled = new_trainer(recipe, data), new_trainer(recipe, data)
        relu, large = recipe.but(model_options={"activation": "relu"}), recipe.but(batch_size=OTHER_BATCH)
        contiguous.model.to(memory_format=torch.contiguous_format)
        compiled.model.compile()
        loops = {
            "as it is": _steps(new_trainer(recipe, data)),
            "torch.compile": _steps(compiled),
            "channels first": _steps(contiguous, channels_last=False),
            "ReLU for GELU": _steps(new_trainer(relu, data)),
            f"batch {OTHER_BATCH}, for as many images": _steps(new_trainer(large, data)),
        }
        plain, *others = (statistics.median(taken) for taken in seconds_per_step(list(loops.values()), 3, 3))
        print(f"Training step of {name}, batch {recipe.batch_size}: {1000 * plain:.0f} ms")
        for change, seconds in zip(list(loops)[1:], others, strict=True):
            scale = recipe.batch_size / OTHER_BATCH if change.startswith("batch") else 1
            print(f"  {change:32s} {seconds * scale / plain:5.2f} times as long")


if __name__ == "__main__":
    main()
