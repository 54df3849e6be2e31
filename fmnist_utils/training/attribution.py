"""Which pixels speak for one class and against another: a net's answer, handed back to the pixels of an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmnist_utils.training.evaluate import evaluation_batch, normalized

STEPS = 48  # on the way from black to the image


def attributions(
    model: nn.Module, images: Tensor, mean: float, std: float, first: int, second: int, steps: int = STEPS
) -> Tensor:
    """Integrated gradients (Sundararajan et al. 2017, in the library captum), from a black image on.

    Parameters
    ----------
    model : a trained net
    images : uint8 (n, height, width), on the model's device
    mean, std : of `evaluate.normalization`
    first, second : class numbers
    steps : points of the integral; more are more exact

    Returns
    -------
    float32 (n, height, width), on the CPU
        What each pixel adds to the logit of `first` less that of `second`. The pixels of an image add up to that
        difference less the difference for the black image; a black pixel adds nothing.
    """
    from captum.attr import IntegratedGradients

    def margin(pixels: Tensor) -> Tensor:
        logits = model(pixels.clone())  # a net may write into what it is given
        return logits[:, first] - logits[:, second]

    model.eval()
    found = IntegratedGradients(margin).attribute(
        normalized(images, mean, std),
        normalized(torch.zeros_like(images), mean, std),
        n_steps=steps,
        internal_batch_size=max(evaluation_batch(images.device), len(images)),
    )
    return found[:, 0].detach().float().cpu()
