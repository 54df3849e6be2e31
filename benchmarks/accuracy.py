"""Time to accuracy: the sprint recipe against the plain tutorial loop, and against project 002's enhanced model."""

from __future__ import annotations

import time

import torch

from benchmarks.training import BATCH, new_trainer, tutorial_net, tutorial_steps
from fmnist_utils.data.dataset import Dataset, load_dataset
from fmnist_utils.studies.recipes import RECIPES
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.progress import alone
from fmnist_utils.training.trainer import Trainer

TUTORIAL_EPOCHS = 3
GOAL = 0.94  # of sprint, in the time that the tutorial loop needs for its epochs
CLAIM = 0.9268  # of project 002's enhanced model
TIMES = 10  # as fast as it sprint should be there
SPRINT = RECIPES["sprint"]
SHORT = SPRINT.but(epochs=3, validation=True)  # the recipe on the shortest way to the claim
ENHANCED = Experiment(model="enhanced", lr=1e-3, batch_size=64, augmentation="flip+vertical-flip", epochs=100)


def tutorial(data: Dataset) -> tuple[float, float]:
    """Train as tutorials do; return the seconds, and the test accuracy at the end."""
    model = tutorial_net()
    steps = tutorial_steps(data, model)
    started = time.perf_counter()
    for _ in range(TUTORIAL_EPOCHS * -(-len(data.train_labels) // BATCH)):
        next(steps)
    seconds = time.perf_counter() - started
    with torch.inference_mode():
        images = (data.test_images.unsqueeze(1).float() / 255 - 0.2860) / 0.3530
        hits = torch.cat([model(part).argmax(1) for part in images.split(250)]) == data.test_labels
    return seconds, hits.double().mean().item()


def until(experiment: Experiment, data: Dataset, limit: float = float("inf")) -> tuple[Trainer, float | None]:
    """Train until the validation accuracy is the claimed one, all epochs are done, or `limit` seconds are over.

    Returns
    -------
    Trainer, and the seconds after which the claimed accuracy was reached on the validation images, or None
    """
    trainer = new_trainer(experiment, data)
    progress = alone(experiment.label)
    progress.begin(experiment.epochs, trainer.steps)
    reached, spent = None, 0.0
    while not trainer.finished and spent < limit and (reached is None or limit == float("inf")):
        row = trainer.epoch(progress)
        progress.epoch(row)
        spent += row["seconds"]
        if reached is None and (row["validation_accuracy"] or 0) >= CLAIM:
            reached = spent
    progress.close()
    return trainer, reached


def main() -> None:
    """Print how long each takes to get where; about half an hour on two CPU cores."""
    data = load_dataset()
    print("Time to accuracy")
    seconds, accuracy = tutorial(data)
    print(f"  tutorial loop, {TUTORIAL_EPOCHS} epochs   {seconds:6.0f} s   {accuracy:.2%} on the test set", flush=True)
    trainer, _ = until(SPRINT, data)
    run = trainer.evaluate()
    print(
        f"  sprint, {SPRINT.epochs} epochs          {run.seconds:6.0f} s   {run.test_accuracy:.2%} on the test set "
        f"(target {GOAL:.0%} in the former's time)",
        flush=True,
    )
    _, sprint = until(SHORT, data)
    goal = f"{CLAIM:.2%} on the validation images"
    if sprint is None:
        print(f"  sprint in {SHORT.epochs} epochs does not reach {goal}")
        return
    print(f"  sprint in {SHORT.epochs} epochs reaches {goal} in {sprint:.0f} s", flush=True)
    _, enhanced = until(ENHANCED, data, limit=TIMES * sprint)
    said = f"in {enhanced:.0f} s, {enhanced / sprint:.1f} times" if enhanced else f"not within {TIMES} times"
    print(f"  enhanced by project 002's recipe: {said} as long (target {TIMES})")


if __name__ == "__main__":
    main()
