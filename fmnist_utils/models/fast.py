"""Nets that learn fast, in the manner of cifar10-airbench."""

from __future__ import annotations

from torch import Tensor, nn

from fmnist_utils.models import register
from fmnist_utils.models.layers import BatchNorm, Conv, GlobalMaxPool


class Group(nn.Sequential):
    """Convolution, pooling, norm, GELU, convolution, norm, GELU: halves the size, widens to `outputs`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            Conv(inputs, outputs), nn.MaxPool2d(2), BatchNorm(outputs), nn.GELU(),
            Conv(outputs, outputs), BatchNorm(outputs), nn.GELU(),
        )  # fmt: skip


@register("fast", source="ours, after airbench")
class Fast(nn.Module):
    """A 4x4 stem of stride 2, two groups of two convolutions, and a global maximum: about 0.28M weights.

    Source: https://github.com/KellerJordan/cifar10-airbench, scaled down to 28 x 28 grey images. The stem
    halves the image at once: at full size, a few channels are slow to compute and say little.

    Parameters
    ----------
    stem, width : filters of the stem and of the first group; the second group has twice as many
    """

    any_size = True

    def __init__(self, n_classes: int = 10, stem: int = 32, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, stem, 4, stride=2, padding=1, bias=False), BatchNorm(stem), nn.GELU())
        self.groups = nn.Sequential(Group(stem, width), Group(width, 2 * width))
        self.pool = GlobalMaxPool()
        self.head = nn.Linear(2 * width, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.pool(self.groups(self.stem(images))))
