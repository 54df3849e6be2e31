"""Pictures that belong to no class of a data set: blank ones, noise, negatives, and the images of another data set."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from fmnist_utils.basics.errors import UserError, brief
from fmnist_utils.data.dataset import SPLIT_SEED, Dataset, load_dataset, sample
from fmnist_utils.data.locate import KNOWN, MissingData, locate


def strangers(data: Dataset, images: int = 1000) -> dict[str, Tensor]:
    """Make pictures that no class of `data` holds, the same ones every time.

    Parameters
    ----------
    data : the data set that nets were trained on
    images : at most so many of each kind but the blank ones, which are 256

    Returns
    -------
    {kind: uint8 (n, height, width)}
        Blank ones of every grey level; noise of all levels; test images whose pixels are shuffled, and their negatives;
        the test images of MNIST, or, where these are not on this machine, the handwritten digits that come with
        scikit-learn. Where `data` is MNIST, those of Fashion-MNIST, or none.
    """
    if not isinstance(data, Dataset):
        raise UserError(f"strangers takes a data set, as load_dataset gives it, not {brief(data)}")
    draw = torch.Generator().manual_seed(SPLIT_SEED)
    test = data.test_images[sample(data.test_labels, images)].cpu()
    n, pixels = len(test), test[0].numel()
    shuffled = torch.rand(n, pixels, generator=draw).argsort(1)
    return {
        "blank": torch.arange(256, dtype=torch.uint8)[:, None, None].repeat(1, *test.shape[1:]),
        "noise": torch.randint(256, test.shape, generator=draw, dtype=torch.uint8),
        "shuffled pixels": test.flatten(1).gather(1, shuffled).view_as(test),
        "inverted": 255 - test,
        **_others("fashion-mnist" if data.name == "mnist" else "mnist", images),
    }


def _others(name: str, images: int) -> dict[str, Tensor]:
    """Test images of another published data set, which is not fetched for this alone."""
    try:
        locate(name)
    except MissingData:
        if name != "mnist":
            return {}  # digits belong to classes of MNIST
        levels = torch.from_numpy(load_digits().images[:images, None]).float() * (255 / 16)
        large = F.interpolate(levels, size=(20, 20), mode="bilinear")  # as large as MNIST's digits in their frame
        return {"digits of scikit-learn": F.pad(large, [4] * 4)[:, 0].round().to(torch.uint8)}
    return {KNOWN[name].title: load_dataset(name).test_images[:images]}
