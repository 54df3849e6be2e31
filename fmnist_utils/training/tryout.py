"""Tries augmentations, optimizers and schedules of one's own, so that what fails is told before anything is trained."""

from __future__ import annotations

import io
import pickle
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from fmnist_utils.basics.errors import UserError, brief
from fmnist_utils.models.registry import in_a_line
from fmnist_utils.training.augmentations import Change, Mixing
from fmnist_utils.training.optim import Settings, build_optimizer, build_schedule, plain

N = 4  # images to try an augmentation on


def augmentation(item: Change | Mixing, n_classes: int, size: tuple[int, int]) -> None:
    """Raise UserError if an augmentation does not make images of images (and targets of targets)."""
    called, shape = f"augmentation {item.name!r}", (N, 1, *size)
    with in_a_line(called, "has a default that cannot be written"):
        item.model_dump_json()
    targets = torch.eye(n_classes)[torch.arange(N) % n_classes]
    with in_a_line(called, f"fails on images {shape}"):
        images = torch.rand(shape)
        made = item.mix(images, targets) if isinstance(item, Mixing) else (item.transform(images), targets)
    if not (isinstance(made, tuple) and len(made) == 2):
        raise UserError(f"{called} makes {_form(made)} of images and targets, but must make a pair of both")
    for what, now, wanted in (("images", made[0], shape), ("targets", made[1], tuple(targets.shape))):
        if not isinstance(now, Tensor) or tuple(now.shape) != wanted or now.dtype != torch.float32:
            raise UserError(f"{called} makes {_form(now)} of {what} {wanted}, but must make float32 {wanted}")
        if not now.isfinite().all():
            raise UserError(f"{called} makes what is no number of {what} between 0 and 1")


def optimizer(name: str, settings: Settings) -> None:
    """Raise UserError if an optimizer cannot be made, or does not make a step of its own."""
    with in_a_line(f"optimizer {name!r}", "fails"):
        made = _ready(name, settings)
        made.step()
        _check_state(made.state_dict())


def schedule(name: str, optimizer_name: str, settings: Settings, steps: int) -> None:
    """Raise UserError if a schedule fails anywhere in a training of so many steps."""
    with in_a_line(f"schedule {name!r}", f"fails within {steps} steps"):
        stepped = _ready(optimizer_name, settings)
        made: Any = build_schedule(name, stepped, steps)
        if not hasattr(made, "step"):
            raise UserError(f"it makes {_form(made)}, but must make one of torch.optim.lr_scheduler")
        stepped.step()
        for _ in range(steps):
            made.step(*[1.0] if isinstance(made, ReduceLROnPlateau) else ())  # which is told a validation loss
        _check_state(made.state_dict())


def _ready(name: str, settings: Settings) -> torch.optim.Optimizer:
    """Make an optimizer for a small net that has gradients to make a step by."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    made = build_optimizer(name, net, settings)
    if not isinstance(made, torch.optim.Optimizer):
        raise UserError(f"it makes {_form(made)}, but must make one of torch.optim")
    net(torch.rand(2, 1, 4, 4)).sum().backward()
    return made


def _check_state(state: dict[str, Any]) -> None:
    """Raise UserError if a checkpoint could not hold what an optimizer or a schedule keeps."""
    if odd := [name for name, value in state.items() if not _storable(plain(value))]:
        raise UserError(
            f"it keeps {brief(odd[0], 40)}, which a checkpoint cannot hold: have its state_dict() leave out all but "
            "numbers, text, tensors, and lists and dicts of them"
        )


def _storable(value: object) -> bool:
    content = io.BytesIO()
    try:
        torch.save(value, content)
        torch.load(io.BytesIO(content.getvalue()), weights_only=True)
    except (pickle.UnpicklingError, pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


def _form(made: object) -> str:
    """Say what something is: type and shape of a tensor, the type of all else."""
    if not isinstance(made, Tensor):
        return repr(type(made).__name__)
    return f"{str(made.dtype).removeprefix('torch.')} {tuple(made.shape)}"
