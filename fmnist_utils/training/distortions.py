"""What may disturb a picture: seven distortions, each at graded strength, the same for every net.

Unlike an augmentation a distortion draws nothing anew: which way an image is shifted, and what noise it gets, follows
from its place, so that all nets are asked about the very same pictures, and a greater strength is more of the same.
What comes in at an edge is black, as in the augmentations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from fmnist_utils.training.augmentations import rectangles

VERSION = 1  # raised by hand when a picture comes out otherwise: what nets said of the old ones is then not read
SEED = 20170831


class Distortion(NamedTuple):
    """One way to disturb pictures.

    Attributes
    ----------
    apply : takes uint8 images (n, height, width) on the CPU and a strength, 0 for none; returns such images
    strengths : those that nets are asked about, from weak to strong
    unit : of a strength
    """

    apply: Callable[[Tensor, float], Tensor]
    strengths: tuple[float, ...]
    unit: str


def shift(images: Tensor, pixels: float) -> Tensor:
    """Move each image by `pixels` up, down, left or right."""
    n, height, width = images.shape
    size = round(pixels)
    side = torch.randint(4, (n,), generator=_generator())
    down, right = ((side == i).int() - (side == i + 1).int() for i in (0, 2))
    padded = F.pad(images, [size] * 4)
    rows = torch.arange(height) + size - size * down[:, None]
    columns = torch.arange(width) + size - size * right[:, None]
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def rotation(images: Tensor, degrees: float) -> Tensor:
    """Turn each image about its middle by `degrees`, one way or the other, with bilinear interpolation."""
    way = torch.randint(2, (len(images),), generator=_generator()) * 2 - 1
    angle = way * degrees * (torch.pi / 180)
    turn = torch.zeros(len(images), 2, 3)
    turn[:, 0, 0] = turn[:, 1, 1] = angle.cos()
    turn[:, 0, 1], turn[:, 1, 0] = -angle.sin(), angle.sin()
    levels = images[:, None].float()
    grid = F.affine_grid(turn, list(levels.shape), align_corners=False)
    return _levels(F.grid_sample(levels, grid, align_corners=False)[:, 0])


def noise(images: Tensor, deviation: float) -> Tensor:
    """Add normal noise of a standard `deviation`, in grey levels, to every pixel."""
    return _levels(images + deviation * torch.randn(images.shape, generator=_generator()))


def blur(images: Tensor, deviation: float) -> Tensor:
    """Blur by a normal kernel with a standard `deviation`, in pixels."""
    if not deviation:
        return images
    reach = round(4 * deviation) or 1
    kernel = torch.exp(-((torch.arange(-reach, reach + 1) / deviation) ** 2) / 2)
    kernel /= kernel.sum()
    across = F.conv2d(images[:, None].float(), kernel.view(1, 1, 1, -1), padding=(0, reach))
    return _levels(F.conv2d(across, kernel.view(1, 1, -1, 1), padding=(reach, 0))[:, 0])


def contrast(images: Tensor, share: float) -> Tensor:
    """Take away a `share` (in %) of the contrast: every level comes nearer to the mean of its image."""
    levels = images.float()
    return _levels(levels + share / 100 * (levels.mean((1, 2), keepdim=True) - levels))


def inversion(images: Tensor, share: float) -> Tensor:
    """Invert the brightest levels, a `share` (in %) of the scale; 100 is the negative of the image."""
    return torch.where(images.int() >= 256 * (1 - share / 100), 255 - images, images)


def occlusion(images: Tensor, side: float) -> Tensor:
    """Cover a black square of a `side`, in pixels, somewhere within each image."""
    n, height, width = images.shape
    if not side:
        return images
    top, left = torch.rand(n, 2, generator=_generator()).unbind(1)
    length = torch.full((n,), float(side))
    box = rectangles(length / height, length / width, top, left, (height, width))[:, 0]
    return images.masked_fill(box, 0)


DISTORTIONS = {
    "shift": Distortion(shift, (1, 2, 4, 6), "pixels"),
    "rotation": Distortion(rotation, (5, 10, 20, 40), "degrees"),
    "noise": Distortion(noise, (10, 20, 40, 80), "grey levels"),
    "blur": Distortion(blur, (0.5, 1, 1.5, 2), "pixels"),
    "contrast": Distortion(contrast, (25, 50, 75, 90), "% taken away"),
    "inversion": Distortion(inversion, (25, 50, 75, 100), "% of the scale"),
    "occlusion": Distortion(occlusion, (4, 8, 12, 16), "pixels"),
}


def _generator() -> torch.Generator:
    """Draw the same numbers every time; those of the first images do not depend on how many there are."""
    return torch.Generator().manual_seed(SEED)


def _levels(values: Tensor) -> Tensor:
    return values.round_().clamp_(0, 255).to(torch.uint8)
