"""Parts of one's own: what fails is told before anything is trained, what they draw follows from the seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import create_model
from torch import Tensor, nn
from torch.optim import lr_scheduler

from fmnist_utils import Dataset, Experiment, UserError, run_all
from fmnist_utils.runs.store import Store
from fmnist_utils.training import augmentations, optim
from fmnist_utils.training.augmentations import AUGMENTATIONS, Change, Mixing
from fmnist_utils.training.batches import augment
from fmnist_utils.training.device import reproducible

TINY = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1)


@pytest.fixture(autouse=True)
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    for module, name in ((augmentations, "AUGMENTATIONS"), (optim, "OPTIMIZERS"), (optim, "SCHEDULES")):
        for kept in (registry := getattr(module, name)):
            monkeypatch.setitem(registry, kept, registry[kept])
        monkeypatch.setitem(registry, "mine", None)


def change(transform: Callable[[Tensor], Any], base: type = Change) -> None:
    """Register an augmentation called "mine"."""
    method = "transform" if base is Change else "mix"
    kind = create_model("Mine", __base__=base, __module__=__name__, name=(Literal["mine"], "mine"))
    setattr(kind, method, lambda self, *given: transform(*given))
    kind.__abstractmethods__ = frozenset()
    augmentations.register(kind)


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (lambda images: None, "makes 'NoneType' of images (4, 1, 28, 28), but must make float32 (4, 1, 28, 28)"),
        (lambda images: images[:, 0], "makes float32 (4, 28, 28) of images"),
        (lambda images: images.double(), "makes float64 (4, 1, 28, 28) of images"),
        (lambda images: images.numpy(), "makes 'ndarray' of images"),
        (lambda images: images[:2], "makes float32 (2, 1, 28, 28) of images"),
        (lambda images: images / 0 * 0, "makes what is no number of images between 0 and 1"),
        (lambda images: images @ images[:, :, :3], "fails on images (4, 1, 28, 28): "),
    ],
)
def test_a_false_augmentation_is_told_before_any_training(
    transform: Callable[[Tensor], Any], said: str, tmp_path: Path
) -> None:
    change(transform)
    with pytest.raises(UserError) as error:
        run_all([TINY, TINY.but(augmentation="mine")], tmp_path)
    assert str(error.value).startswith(f"augmentation 'mine' {said}")
    assert Store(tmp_path).names() == []


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        (lambda images, targets: images, "augmentation 'mine' makes float32 (4, 1, 28, 28) of images and targets"),
        (lambda images, targets: (images, targets[:, 0]), "augmentation 'mine' makes float32 (4,) of targets (4, 10)"),
    ],
)
def test_a_false_blend_is_told(mix: Callable[[Tensor, Tensor], Any], said: str, data: Dataset) -> None:
    change(mix, Mixing)
    with pytest.raises(UserError) as error:
        TINY.but(augmentation="mine").check_data(data)
    assert str(error.value).startswith(said)


class Keeping(lr_scheduler.LambdaLR):
    """A schedule that keeps a function, which no checkpoint holds."""

    def __init__(self, optimizer: torch.optim.Optimizer, steps: int) -> None:
        self.shape = lambda step: 1 - step / steps
        super().__init__(optimizer, self.shape)


@pytest.mark.parametrize(
    ("registry", "field", "made", "said"),
    [
        (optim.OPTIMIZERS, "optimizer", torch.optim.NAdam, "optimizer 'mine' fails: "),
        (optim.OPTIMIZERS, "optimizer", lambda weights, to: None, "optimizer 'mine': it makes 'NoneType', but must"),
        (optim.OPTIMIZERS, "optimizer", lambda weights, to: torch.optim.LBFGS(weights), "optimizer 'mine' fails: "),
        (optim.OPTIMIZERS, "optimizer", lambda weights: None, "optimizer 'mine' fails: "),
        (optim.SCHEDULES, "schedule", lambda optimizer, steps: 1, "schedule 'mine': it makes 'int', but must make one"),
        (
            optim.SCHEDULES,
            "schedule",
            lambda optimizer, steps: lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (steps - step)),
            "schedule 'mine' fails within 10 steps: division by zero (test_tryout.py, line ",
        ),
        (
            optim.SCHEDULES,
            "schedule",
            Keeping,
            "schedule 'mine': it keeps 'shape', which a checkpoint cannot hold: have",
        ),
    ],
)
def test_a_false_optimizer_or_schedule_is_told_before_any_training(
    registry: dict[str, Any], field: str, made: Callable[..., Any], said: str, tmp_path: Path
) -> None:
    registry["mine"] = made
    with pytest.raises(UserError) as error:
        run_all([TINY, TINY.but(**{field: "mine"})], tmp_path)
    assert str(error.value).startswith(said)
    assert Store(tmp_path).names() == []


def test_a_schedule_may_wait_for_the_validation_loss(data: Dataset, tmp_path: Path) -> None:
    optim.SCHEDULES["mine"] = lambda optimizer, steps: lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5)
    [run] = run_all(TINY.but(schedule="mine"), tmp_path)
    assert run.history[0]["lr"] == TINY.lr


def test_what_fails_later_is_told_with_its_line_and_takes_no_other_run_along(tmp_path: Path) -> None:
    calls = []

    def at_last(images: Tensor) -> Tensor:
        calls.append(len(images))
        return images / (0 if len(calls) > 5 else 1) if len(calls) < 7 else [][len(calls)]  # type: ignore[no-any-return]

    change(at_last)
    wanted = [TINY.but(augmentation="mine"), TINY]
    with pytest.raises(
        UserError, match=r"^training of cnn-small, seed 0 failed: IndexError: .* \(test_tryout.py, line"
    ):
        run_all(wanted, tmp_path, jobs=1)
    assert [record["experiment"]["augmentation"] for record in Store(tmp_path).records()] == [[]]


def test_what_works_in_place_changes_those_images_alone_that_were_drawn(data: Dataset) -> None:
    def bar(images: Tensor) -> Tensor:
        images[:, :, 10:18] = -1
        return images

    change(bar)
    kind: Any = AUGMENTATIONS["mine"]
    images, labels = data.train_images[:500].unsqueeze(1).float() / 255, data.train_labels[:500]
    before = images.clone()
    for options, share in (({"probability": 0.5}, 0.5), ({"classes": ("Bag",)}, (labels == 8).float().mean().item())):
        changed, _ = augment(images, labels, (kind(**options),), data.class_names)
        assert (changed[:, 0, 14, 14] == -1).float().mean() == pytest.approx(share, abs=0.1)
        assert ((changed[:, 0, 14, 14] == -1) <= (labels == 8)).all() or "probability" in options
        assert torch.equal(images, before), "the caller's images are as they were"


def test_whatever_random_numbers_are_drawn_they_follow_from_the_seed(tmp_path: Path) -> None:
    change(lambda images: images * random.random() * float(np.random.rand()) * torch.rand(1))
    wanted = TINY.but(augmentation="mine", epochs=2)
    before = random.getstate()
    losses = [[row["train_loss"] for row in run_all(wanted, tmp_path / str(i), jobs=1)[0].history] for i in range(2)]
    assert losses[0] == losses[1] and losses[0][0] != losses[0][1]
    assert random.getstate() == before, "the caller's state is as it was"
    with reproducible(torch.device("cpu"), torch.get_num_threads(), 2**31 - 1):
        assert random.random() == random.Random(2**31 - 1).random()


def test_a_net_that_writes_into_its_images_is_handed_back_its_answers(data: Dataset) -> None:
    from fmnist_utils.training.attribution import attributions

    torch.manual_seed(0)
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(784, 10)).eval()
    images = data.test_images[:3]
    assert attributions(net, images, 0.3, 0.3, 1, 2).shape == images.shape
