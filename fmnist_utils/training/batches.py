"""What happens to a batch of images on the device: augmentation, drawn anew for every image, and test-time views."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_utils.basics.errors import UserError, brief
from fmnist_utils.training.augmentations import Change, Mixing


def augment(
    images: Tensor,
    labels: Tensor,
    augmentations: tuple[Change | Mixing, ...],
    class_names: tuple[str, ...],
    indices: Tensor | None = None,
    epoch: int = 0,
) -> tuple[Tensor, Tensor]:
    """Apply `augmentations` in order, to copies of the images.

    Parameters
    ----------
    images : float tensor (n, 1, height, width), 0..1
    labels : int64 tensor (n,)
    augmentations : what to apply
    class_names : names of the classes, for augmentations that are meant for some of them
    indices : int64 tensor (n,), place of each image in the data set, for alternating flips; None for 0, 1, …
    epoch : number of the epoch, from 0

    Returns
    -------
    images : float tensor (n, 1, height, width)
    targets : `labels`, or float class probabilities (n, classes) where images were blended
    """
    if isinstance(augmentations, str):
        made = f"Experiment(augmentation={brief(augmentations)}).augmentation"
        raise UserError(f"augment takes augmentations, not their names: give it {made}")
    targets = labels
    indices = torch.arange(len(images), device=images.device) if indices is None else indices
    for augmentation in augmentations:
        if isinstance(augmentation, Mixing):
            if targets.ndim == 1:
                targets = F.one_hot(labels, len(class_names)).to(images.dtype)
            images, targets = augmentation.mix(images.clone(), targets.clone())
            continue
        images = augmentation.apply(images, augmentation.chosen(labels, class_names, indices, epoch))
    return images, targets


def test_time_views(images: Tensor) -> list[tuple[float, Tensor]]:
    """Six views of every test image: as it is and mirrored, each in place and shifted by a pixel to two corners.

    Source: K. Jordan's cifar10-airbench, whose weights these are: half for the two in place, half for the others.

    Parameters
    ----------
    images : uint8 tensor (n, height, width)

    Returns
    -------
    list of (weight, images), the weights adding up to 1
    """
    height, width = images.shape[1:]
    views = []
    for side in (images, images.flip(-1)):
        padded = F.pad(side, [1] * 4)
        for weight, corner in ((0.25, 1), (0.125, 0), (0.125, 2)):
            views.append((weight, padded[:, corner : corner + height, corner : corner + width]))
    return views
