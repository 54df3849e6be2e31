"""Building blocks that several models share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmnist_utils.basics.errors import UserError


def conv_block(
    inputs: int, outputs: int, kernel: int = 3, *, batch_norm: bool = False, pool: bool = True
) -> list[nn.Module]:
    """Convolution, optional batch norm, optional 2x2 max-pooling, ReLU.

    Pooling comes before the ReLU: the result is the same, since both are monotone, and the ReLU then
    has a quarter of the work.
    """
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(outputs))
    if pool:
        layers.append(nn.MaxPool2d(2))
    return [*layers, nn.ReLU()]


def feature_dropout(probability: float, kind: str) -> list[nn.Module]:
    """Dropout between convolutions: ``"element"`` drops single values, ``"2d"`` whole feature maps."""
    if kind not in ("element", "2d"):
        raise UserError(f"unknown dropout_kind {kind!r} (kinds: element, 2d)")
    if not probability:
        return []
    return [nn.Dropout2d(probability) if kind == "2d" else nn.Dropout(probability)]


def reduced_block(inputs: int, reduced: int, outputs: int, dropout: float = 0.0) -> list[nn.Module]:
    """1x1 convolution to `reduced` channels, 3x3 to `outputs`, 2x2 max-pooling; then batch norm and dropout, if any."""
    layers = [nn.Conv2d(inputs, reduced, 1), nn.ReLU(), *conv_block(reduced, outputs)]
    return [*layers, nn.BatchNorm2d(outputs), nn.Dropout(dropout)] if dropout else layers


def dense_block(inputs: int, outputs: int, dropout: float, *, batch_norm: bool = False) -> list[nn.Module]:
    """Dense layer, optional batch norm, ReLU, dropout."""
    norm = [nn.BatchNorm1d(outputs)] if batch_norm else []
    return [nn.Linear(inputs, outputs), *norm, nn.ReLU(), nn.Dropout(dropout)]


class BatchNorm(nn.BatchNorm2d):
    """Batch norm without a learned scale and with fast running statistics, as in airbench."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, momentum=0.4)
        self.weight.requires_grad = False


class Conv(nn.Conv2d):
    """3x3 convolution without bias that starts out passing its inputs through (Dirac initialisation)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        with torch.no_grad():
            nn.init.dirac_(self.weight[: self.in_channels])


class GlobalPool(nn.Module):
    """Maximum ("max") or mean ("mean") over height and width: (n, c, h, w) to (n, c)."""

    def __init__(self, kind: str = "max") -> None:
        super().__init__()
        if kind not in ("max", "mean"):
            raise UserError(f"unknown pool {kind!r} (pools: max, mean)")
        self.kind = kind

    def forward(self, features: Tensor) -> Tensor:
        return features.amax((2, 3)) if self.kind == "max" else features.mean((2, 3))
