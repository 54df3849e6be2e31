"""From images to probabilities and features: how images are normalized, and how a trained net is evaluated."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from fmnist_utils.basics.errors import UserError

SAMPLE = 10_000  # training images that the training accuracy is counted on, if there are as many


def evaluation_batch(device: torch.device) -> int:
    """Images to evaluate at a time: more of them leave a CPU's caches, which each thread shares with the others."""
    return 125 * torch.get_num_threads() if device.type == "cpu" else 2000


def normalization(images: Tensor) -> tuple[float, float]:
    """Return mean and standard deviation of the grey levels (0..1) of uint8 `images`, exactly.

    They come from the histogram in integers, so they do not depend on the device or the thread count.
    """
    counts = torch.bincount(images.flatten(), minlength=256).tolist()
    total = sum(counts)
    mean = sum(level * count for level, count in enumerate(counts)) / total
    variance = sum((level - mean) ** 2 * count for level, count in enumerate(counts)) / total
    return mean / 255, max(variance**0.5 / 255, 1e-3)


def normalized(images: Tensor, mean: float, std: float) -> Tensor:
    """Bring uint8 images (n, h, w) to what models take: float32 (n, 1, h, w), mean 0, variance 1."""
    return images.unsqueeze(1).float().div_(255).sub_(mean).div_(std)


def channels_last(images: Tensor) -> Tensor:
    """Lay images out as convolutions are fastest on."""
    return images.contiguous(memory_format=torch.channels_last)


def probabilities(model: nn.Module, images: Tensor, mean: float, std: float) -> Tensor:
    """Class probabilities (n, classes), float32 on the CPU, of uint8 images (n, h, w) on the model's device."""
    return torch.cat([logits.softmax(1).cpu() for logits in _logits(model, images, mean, std)])


def features(model: nn.Module, images: Tensor, mean: float, std: float) -> Tensor:
    """What the last dense layer is given, (n, features), float32 on the CPU; arguments as in `probabilities`.

    Raises
    ------
    UserError
        The model has no dense layer.
    """
    given: list[Tensor] = []

    def keep(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        given[:] = inputs  # the layer that is asked last has the last word

    hooks = [layer.register_forward_pre_hook(keep) for layer in model.modules() if isinstance(layer, nn.Linear)]
    if not hooks:
        raise UserError(f"{type(model).__name__} has no dense layer, whose inputs its features would be")
    try:
        return torch.cat([given[0].flatten(1).float().cpu() for _ in _logits(model, images, mean, std)])
    finally:
        for hook in hooks:
            hook.remove()


def _logits(model: nn.Module, images: Tensor, mean: float, std: float) -> Iterator[Tensor]:
    """Logits of uint8 images (n, h, w), batch by batch."""
    model.eval()
    for part in images.split(evaluation_batch(images.device)):
        with torch.inference_mode():
            logits = model(channels_last(normalized(part, mean, std)))
        yield logits
