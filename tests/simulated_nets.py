"""Trained nets of several arms, drawn from random numbers: what they get right, of the same images."""

from __future__ import annotations

import numpy as np
from scipy import stats

IMAGES = 10_000


def nets(rng, seeds, spreads=0.0, effects=0.0, images=IMAGES, accuracy=0.91):
    """Trained nets of several arms on the same images, as lists of bool arrays.

    Whether a net gets an image right depends on the image (most are easy for all), a little on the arm's taste for
    the image and a little on the seed's; the shares give the disagreement that the published runs show. `spreads`
    and `effects` shift the accuracy on all images of the world, per seed and per arm.
    """
    spreads, effects = np.broadcast_arrays(spreads, effects)
    difficulty = rng.standard_normal(images, np.float32)
    arms = []
    for k, spread, effect in zip(np.broadcast_to(seeds, spreads.shape), spreads, effects, strict=True):
        # bounded on both sides alike, so that the mean stays what it is
        levels = accuracy + effect + np.clip(spread * rng.standard_normal(k), -0.075, 0.075)
        taste = rng.standard_normal(images, np.float32)
        own = rng.standard_normal((k, images), np.float32)
        latent = np.sqrt(0.9345) * difficulty + np.sqrt(0.0105) * taste + np.sqrt(0.055) * own
        arms.append(list(latent < stats.norm.ppf(levels)[:, None].astype(np.float32)))
    return arms
