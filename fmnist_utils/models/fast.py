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


@register("fast", source="this project, after K. Jordan's cifar10-airbench")
class Fast(nn.Module):
    """A 3x3 stem of 16 filters, three groups of two convolutions, and a global maximum: about 0.29M weights.

    Source: https://github.com/KellerJordan/cifar10-airbench, scaled down to 28 x 28 grey images.

    Parameters
    ----------
    width : filters of the first group; the others have twice and four times as many
    """

    def __init__(self, n_classes: int = 10, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(Conv(1, 16), BatchNorm(16), nn.GELU())
        self.groups = nn.Sequential(Group(16, width), Group(width, 2 * width), Group(2 * width, 4 * width))
        self.pool = GlobalMaxPool()
        self.head = nn.Linear(4 * width, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.pool(self.groups(self.stem(images))))
