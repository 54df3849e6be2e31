"""One epoch of a two-convolution net: the usual tutorial loop against ours, in turn on the same machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from fmnist_utils.data.dataset import Dataset as Images
from fmnist_utils.data.dataset import load_dataset
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.trainer import Trainer

BATCH = 64


class TutorialDataset(Dataset[Any]):
    """What torchvision's dataset does: one PIL image at a time through ToTensor and Normalize."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        from torchvision.transforms.functional import to_pil_image

        self.images = [to_pil_image(image) for image in images]
        self.labels = labels.tolist()
        to_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
        self.transform = v2.Compose([*to_tensor, v2.Normalize((0.2860,), (0.3530,))])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def new_trainer(experiment: Experiment, data: Images, precision: str = "fp32") -> Trainer:
    """Begin a training on the CPU, with weights that follow from the experiment's seed."""
    torch.manual_seed(experiment.seed)
    return Trainer(experiment, data, torch.device("cpu"), precision)


def tutorial_net() -> nn.Module:
    """The same net as the model "base", written as tutorials write it."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def tutorial_steps(data: Images, model: nn.Module | None = None) -> Iterator[None]:
    """Train `model`, or a new one, for ever as tutorials do; one `next` is one step."""
    loader = DataLoader(TutorialDataset(data.train_images, data.train_labels), batch_size=BATCH, shuffle=True)
    model = model or tutorial_net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    while True:
        for images, labels in loader:
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            yield


def our_steps(data: Images, **changes: Any) -> Iterator[None]:
    """Train for ever with the package; one `next` is one step."""
    trainer = new_trainer(Experiment(batch_size=BATCH, **changes), data)
    trainer.model.train()
    while True:
        for indices in trainer.training[torch.randperm(len(trainer.training))].split(BATCH):
            trainer.step(*trainer.batch(indices, 0))
            yield


def seconds_per_step(loops: list[Iterator[None]], steps: int = 60, rounds: int = 5) -> list[list[float]]:
    """Time `steps` steps of each loop in turn, `rounds` times, after a warm-up; seconds a step of every round."""
    for loop in loops:
        for _ in range(10):
            next(loop)
    times: list[list[float]] = [[] for _ in loops]
    for _ in range(rounds):
        for loop, taken in zip(loops, times, strict=True):
            start = time.perf_counter()
            for _ in range(steps):
                next(loop)
            taken.append((time.perf_counter() - start) / steps)
    return times


def main() -> None:
    """Print seconds an epoch of both loops, and their ratio."""
    data = load_dataset()
    theirs, ours = seconds_per_step([tutorial_steps(data), our_steps(data)])
    epoch = len(data.train_images) / BATCH
    ratios = [slow / fast for slow, fast in zip(theirs, ours, strict=True)]
    print("One epoch of 60,000 images, two convolutions (32, 64), dense 128, batch 64, Adam")
    print(f"  tutorial loop (DataLoader)  {statistics.median(theirs) * epoch:6.1f} s")
    print(f"  this package                {statistics.median(ours) * epoch:6.1f} s")
    print(f"  ratio                       {statistics.median(ratios):6.2f}   (target 1.6, aim 2)")


if __name__ == "__main__":
    main()
