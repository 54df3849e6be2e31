"""Nets of our own in the manner of cifar10-airbench, at four sizes: sprint, tiny, compact and best."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from fmnist_utils.basics.errors import UserError, brief, nearest
from fmnist_utils.models.layers import BatchNorm, Conv, GlobalPool
from fmnist_utils.models.registry import register

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}
PATCH = 4  # pixels, of the stem that halves the image
MOST = 4  # groups: as a rule each halves the image, to 14, 7, 3 and 1 pixels
WIDEST, DEEPEST = 4096, 50  # channels of a group, and its convolutions


class ConvGroup(nn.Module):
    """Two or more convolutions with norm and activation; the first makes `outputs` channels and, by pooling, halves."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: type[nn.Module],
        depth: int,
        residual: bool,
        excite: bool,
        halve: bool = True,
    ) -> None:
        super().__init__()
        pool = nn.MaxPool2d(2) if halve else nn.Identity()
        self.widen = nn.Sequential(Conv(inputs, outputs), pool, BatchNorm(outputs), activation())
        self.refine = nn.Sequential(Conv(outputs, outputs), BatchNorm(outputs))
        for _ in range(depth - 2):
            self.refine.extend([activation(), Conv(outputs, outputs), BatchNorm(outputs)])
        if excite:
            from torchvision.ops import SqueezeExcitation  # takes as long to import as torch itself

            self.refine.append(SqueezeExcitation(outputs, max(1, outputs // 4)))
        self.activate, self.residual = activation(), residual

    def forward(self, features: Tensor) -> Tensor:
        features = self.widen(features)
        refined = self.refine(features)
        return self.activate(features + refined if self.residual else refined)


def _parse(widths: str) -> list[int]:
    """Read channels, "32,32,64"; UserError if it is no list of positive numbers."""
    parts = [part.strip() for part in widths.split(",")] if widths.strip() else []
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= WIDEST for part in parts):
        allowed = f'whole numbers from 1 to {WIDEST:,} between commas, as in "32,32,64"'
        raise UserError(f"widths {brief(widths)} are not read (allowed: {allowed})")
    return [int(part) for part in parts]


@register("best", source="ours, after airbench", stem=28, patch=False)
@register(
    "tiny",
    source="ours, after airbench",
    stem=16,
    patch=False,
    widths="16,32,48",
    depth=3,
    residual=True,
    activation="relu",
)
@register("compact", source="ours, after airbench", stem=16, patch=False)
@register("sprint", source="ours, after airbench")
class Airbench(nn.Module):
    """A stem, groups of two convolutions that each halve the image and double the channels, a global maximum.

    Source: K. Jordan, https://github.com/KellerJordan/cifar10-airbench, scaled down to 28 x 28 grey images.
    "sprint" (0.28M weights) halves the image in its stem already: at full size, a few channels are slow to
    compute and say little. "compact" (0.29M) and "best" (0.89M) see every pixel, which costs more and ends higher;
    so does "tiny" (0.09M), which has fewer channels and more layers.

    Parameters
    ----------
    stem : filters of the stem
    patch : a 4 x 4 stem of stride 2 and two groups after it; otherwise 3 x 3, stride 1, and three
    whitening : freeze the stem at the principal directions of what its filters see of the training images, scaled to
        equal variance, and their negatives: two filters a pixel, 32 of a patch stem, else 18
    widths : channels of each group, as in "32,32,64"; "" for twice those before it
    depth : convolutions of each group, two or more
    full_size : groups, from the first on, that do not halve the image: as many weights, and more to compute
    residual : add what each group's first convolution makes to what those after it make of that
    excite : weigh each group's channels by squeeze-and-excitation (J. Hu et al., 2018)
    pool : "max" or "mean" over the last feature maps
    activation : "gelu", "relu" or "silu"
    """

    any_size = True

    def __init__(
        self,
        n_classes: int = 10,
        stem: int = 32,
        patch: bool = True,
        whitening: bool = False,
        widths: str = "",
        depth: int = 2,
        full_size: int = 0,
        residual: bool = False,
        excite: bool = False,
        pool: str = "max",
        activation: str = "gelu",
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            allowed = ", ".join(ACTIVATIONS)
            raise UserError(f"unknown activation {activation!r}{nearest(activation, ACTIVATIONS)} (allowed: {allowed})")
        if not 1 <= stem <= WIDEST:
            raise UserError(f"stem is {stem}, but must be from 1 to {WIDEST:,} filters")
        kernel, stride = (PATCH, 2) if patch else (3, 1)
        if whitening and stem != 2 * kernel**2:
            raise UserError(f"whitening needs stem {2 * kernel**2}, two filters for each of {kernel} x {kernel} pixels")
        act = ACTIVATIONS[activation]
        filters = nn.Conv2d(1, stem, kernel, stride, padding=1, bias=whitening)
        # Whitened, the stem's outputs have equal variance already.
        self.stem = nn.Sequential(filters, nn.Identity() if whitening else BatchNorm(stem), act())
        self.whitening = whitening
        most = MOST - 1 if patch else MOST
        channels = [stem, *(_parse(widths) or [stem * 2**i for i in range(1, most)])]
        if not 2 <= depth <= DEEPEST:
            raise UserError(f"depth is {depth}, but must be from 2 to {DEEPEST}")
        if len(channels) > most + 1:
            raise UserError(f"widths {brief(widths)} name {len(channels) - 1} groups: after this stem {most} fit")
        if not 0 <= full_size < len(channels):
            raise UserError(
                f"full_size is {full_size}, but must be from 0 to {len(channels) - 1}, the number of groups"
            )
        self.groups = nn.Sequential(
            *(
                ConvGroup(*pair, act, depth, residual, excite, halve=number >= full_size)
                for number, pair in enumerate(pairwise(channels))
            )
        )
        self.pool = GlobalPool(pool)
        self.head = nn.Linear(channels[-1], n_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.pool(self.groups(self.stem(images))))

    @torch.no_grad()
    def prepare(self, images: Tensor) -> None:
        """Set and freeze a whitening stem from normalized training images, float (n, 1, h, w)."""
        if not self.whitening:
            return
        weight = self.get_parameter("stem.0.weight")
        kernel = weight.shape[-1]
        patches = images.unfold(2, kernel, 1).unfold(3, kernel, 1).reshape(-1, kernel**2).double()
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (directions / (variances + 5e-4).sqrt()).T.reshape(-1, 1, kernel, kernel)
        weight.copy_(torch.cat([filters, -filters]))
        weight.requires_grad = False
