"""Augmented images a second: torchvision's v2 transforms image by image against ours, batch-wise and per sample."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import torch
from torchvision.transforms import v2
from torchvision.transforms.functional import to_pil_image

from benchmarks.training import new_trainer, seconds_per_step
from fmnist_utils.data.dataset import Dataset, load_dataset
from fmnist_utils.training.batches import augment
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.trainer import Trainer

RECIPES = {
    "flip+translate": [v2.RandomHorizontalFlip(), v2.RandomCrop(28, padding=2)],
    "flip+affine+erasing": [
        v2.RandomHorizontalFlip(),
        v2.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR),
        v2.RandomErasing(0.5),
    ],
}

MORE = 40  # batches of ours for one of theirs, so that both are timed for about as long


def images_per_second(data: Dataset, recipe: str, batch: int = 256) -> tuple[float, float, float]:
    """Return images a second of torchvision's transforms and of ours, and their ratio: medians over rounds in turn.

    Both begin with what they are given: torchvision's with PIL images from its data set, ours with bytes.
    """
    transform = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), *RECIPES[recipe]])
    augmentations = Experiment(augmentation=recipe).augmentation
    images, labels = data.train_images[:batch].unsqueeze(1), data.train_labels[:batch]
    pictures = [to_pil_image(image) for image in images]

    def theirs() -> Iterator[None]:
        while True:
            torch.stack([transform(picture) for picture in pictures])
            yield

    def ours() -> Iterator[None]:
        while True:
            for _ in range(MORE):
                augment(images.float().div_(255), labels, augmentations, data.class_names, torch.arange(batch))
            yield

    slow, fast = seconds_per_step([theirs(), ours()], steps=2, rounds=15)
    ratios = [MORE * one / other for one, other in zip(slow, fast, strict=True)]
    return batch / statistics.median(slow), MORE * batch / statistics.median(fast), statistics.median(ratios)


def share_of_step(data: Dataset, recipe: str, batch: int = 256) -> float:
    """Return the share of the sprint net's training step that the augmentation of its batch takes."""
    experiment = Experiment(model="sprint", optimizer="muon", lr=0.05, batch_size=batch, augmentation=recipe)
    trainer = new_trainer(experiment, data)
    trainer.model.train()
    plain = new_trainer(experiment.but(augmentation="none"), data)
    indices = trainer.training[:batch]

    def batches(trainer: Trainer) -> Iterator[None]:
        while True:
            trainer.batch(indices, 0)
            yield

    def steps() -> Iterator[None]:
        while True:
            trainer.step(*trainer.batch(indices, 0))
            yield

    augmented, bare, step = seconds_per_step([batches(trainer), batches(plain), steps()], steps=10)
    return (min(augmented) - min(bare)) / min(step)


def main() -> None:
    """Print images a second of both ways, their ratio, and the share of a training step."""
    data = load_dataset()
    print("Augmented images a second")
    for recipe in RECIPES:
        theirs, ours, ratio = images_per_second(data, recipe)
        share = share_of_step(data, recipe)
        print(f"  {recipe:20s} torchvision v2 {theirs:8,.0f}   here {ours:9,.0f}   ratio {ratio:5.0f} (target 50)")
        print(f"  {'':20s} share of the sprint net's training step {share:.1%} (target 5 %)")


if __name__ == "__main__":
    main()
