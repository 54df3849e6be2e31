"""Nets of our own in the manner of cifar10-airbench, at three sizes: sprint, compact and best."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmnist_utils.basics.errors import UserError, nearest
from fmnist_utils.models.layers import BatchNorm, Conv, GlobalPool
from fmnist_utils.models.registry import register

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}
PATCH = 4  # pixels, of the stem that halves the image


class ConvGroup(nn.Module):
    """Two convolutions with norm and activation, the first with pooling: half the size, `outputs` channels."""

    def __init__(self, inputs: int, outputs: int, activation: type[nn.Module], residual: bool, excite: bool) -> None:
        super().__init__()
        self.widen = nn.Sequential(Conv(inputs, outputs), nn.MaxPool2d(2), BatchNorm(outputs), activation())
        self.refine = nn.Sequential(Conv(outputs, outputs), BatchNorm(outputs))
        if excite:
            from torchvision.ops import SqueezeExcitation  # takes as long to import as torch itself

            self.refine.append(SqueezeExcitation(outputs, outputs // 4))
        self.activate, self.residual = activation(), residual

    def forward(self, features: Tensor) -> Tensor:
        features = self.widen(features)
        refined = self.refine(features)
        return self.activate(features + refined if self.residual else refined)


@register("best", source="ours, after airbench", stem=28, patch=False)
@register("compact", source="ours, after airbench", stem=16, patch=False)
@register("sprint", source="ours, after airbench")
class Airbench(nn.Module):
    """A stem, groups of two convolutions that each halve the image and double the channels, a global maximum.

    Source: K. Jordan, https://github.com/KellerJordan/cifar10-airbench, scaled down to 28 x 28 grey images.
    "sprint" (0.28M weights) halves the image in its stem already: at full size, a few channels are slow to
    compute and say little. "compact" (0.29M) and "best" (0.89M) see every pixel, which costs more and ends higher.

    Parameters
    ----------
    stem : filters of the stem
    patch : a 4 x 4 stem of stride 2 and two groups after it; otherwise 3 x 3, stride 1, and three
    whitening : freeze a patch stem of 32 filters at the principal directions of the training images' patches,
        scaled to equal variance, and their negatives
    residual : add the input of each group's second convolution to its output
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
        residual: bool = False,
        excite: bool = False,
        pool: str = "max",
        activation: str = "gelu",
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            allowed = ", ".join(ACTIVATIONS)
            raise UserError(f"unknown activation {activation!r}{nearest(activation, ACTIVATIONS)} (allowed: {allowed})")
        if whitening and (not patch or stem != 2 * PATCH**2):
            raise UserError(f"whitening needs patch true and stem {2 * PATCH**2}, two filters a pixel of a patch")
        act = ACTIVATIONS[activation]
        kernel, stride = (PATCH, 2) if patch else (3, 1)
        filters = nn.Conv2d(1, stem, kernel, stride, padding=1, bias=whitening)
        # Whitened, the stem's outputs have equal variance already.
        self.stem = nn.Sequential(filters, nn.Identity() if whitening else BatchNorm(stem), act())
        self.whitening = whitening
        widths = [stem * 2**i for i in range(3 if patch else 4)]
        self.groups = nn.Sequential(
            *(ConvGroup(*pair, act, residual, excite) for pair in zip(widths[:-1], widths[1:], strict=True))
        )
        self.pool = GlobalPool(pool)
        self.head = nn.Linear(widths[-1], n_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.pool(self.groups(self.stem(images))))

    @torch.no_grad()
    def prepare(self, images: Tensor) -> None:
        """Set and freeze a whitening stem from normalised training images, float (n, 1, h, w)."""
        if not self.whitening:
            return
        patches = images.unfold(2, PATCH, 1).unfold(3, PATCH, 1).reshape(-1, PATCH**2).double()
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (directions / (variances + 5e-4).sqrt()).T.reshape(-1, 1, PATCH, PATCH)
        weight = self.get_parameter("stem.0.weight")
        weight.copy_(torch.cat([filters, -filters]))
        weight.requires_grad = False
