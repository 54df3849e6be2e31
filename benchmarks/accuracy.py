"""Time to accuracy: our short recipes against the plain tutorial loop, and against project 002's enhanced model.

Ours are trained in the precision that users get; the other two in fp32, as tutorials and the project do.
"""

from __future__ import annotations

import time

import torch

from benchmarks.training import BATCH, new_trainer, tutorial_net, tutorial_steps
from fmnist_utils.data.dataset import Dataset, load_dataset
from fmnist_utils.studies.recipes import RECIPES
from fmnist_utils.training.device import choose_precision
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.progress import alone
from fmnist_utils.training.trainer import Trainer

TUTORIAL_EPOCHS = 3
GOAL, SHARE = 0.94, 1.5  # the accuracy of dash, and in how many times what the tutorial loop needs for its epochs
CLAIM = 0.9268  # of project 002's enhanced model
TIMES = 10  # as fast as it we should be there
# The shortest way to the claim: two epochs of dash's recipe with fewer channels in the last two groups.
SHORT = RECIPES["dash"].but(model_options={"activation": "relu", "widths": "32,48,96"}, epochs=2, validation=True)
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


def until(
    experiment: Experiment, data: Dataset, limit: float = float("inf"), precision: str = "auto"
) -> tuple[Trainer, float | None]:
    """Train until the validation accuracy is the claimed one, all epochs are done, or `limit` seconds are over.

    Returns
    -------
    Trainer, and the seconds after which the claimed accuracy was reached on the validation images, or None
    """
    trainer = new_trainer(experiment, data, choose_precision(precision, torch.device("cpu")))
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
    """Print how long each takes to get where; about ten minutes on two CPU cores."""
    data = load_dataset()
    print("Time to accuracy")
    seconds, accuracy = tutorial(data)
    print(f"  tutorial loop, {TUTORIAL_EPOCHS} epochs   {seconds:6.0f} s   {accuracy:.2%} on the test set", flush=True)
    for name, wanted in {"sprint": "", "dash": f" (target {GOAL:.0%} in {SHARE})"}.items():
        trainer, _ = until(RECIPES[name], data)
        run = trainer.evaluate()
        print(
            f"  {name + ',':7s} {run.experiment.epochs} epochs, {run.precision}   {run.seconds:6.0f} s   "
            f"{run.test_accuracy:.2%} on the test set, in {run.seconds / seconds:.2f} times the former{wanted}",
            flush=True,
        )
    _, short = until(SHORT, data)
    goal, name = f"{CLAIM:.2%} on the validation images", f"a narrower dash in {SHORT.epochs} epochs"
    if short is None:
        print(f"  {name} does not reach {goal}")
        return
    print(f"  {name} reaches {goal} in {short:.0f} s", flush=True)
    _, enhanced = until(ENHANCED, data, limit=2 * TIMES * short, precision="fp32")
    said = f"in {enhanced:.0f} s, {enhanced / short:.1f} times" if enhanced else f"not within {2 * TIMES} times"
    print(f"  enhanced by project 002's recipe: {said} as long (target {TIMES})")


if __name__ == "__main__":
    main()
