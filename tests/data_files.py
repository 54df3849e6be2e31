"""Files of data sets for tests: the real ones, changed copies of them, and small made-up ones."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from fmnist_utils.basics.errors import UserError
from fmnist_utils.data.dataset import load_dataset
from fmnist_utils.data.locate import FILES, locate


@functools.cache
def real() -> dict[str, Path]:
    """Where the real files lie on this machine."""
    return locate().files


def place(folder: Path, **changed: bytes) -> Path:
    """Put the real files into `folder`, with new content for those in `changed` (b"": leave it out)."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, stem in zip(("train_images", "train_labels", "test_images", "test_labels"), FILES, strict=True):
        if key not in changed:
            (folder / real()[stem].name).symlink_to(real()[stem])
        elif changed[key]:
            (folder / stem).write_bytes(changed[key])
    return folder


def idx(array: np.ndarray) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


def own(folder: Path, train_labels=(0, 1, 2, 0), test_labels=(2, 1), side: int = 28, images: int = 4) -> Path:
    """Write a small IDX data set of random images."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (images + len(test_labels), side, side))
    content = (pixels[:images], np.array(train_labels), pixels[images:], np.array(test_labels))
    for stem, array in zip(FILES, content, strict=True):
        (folder / stem).write_bytes(idx(array))
    return folder


def complaint(name: str = "fashion-mnist", data_dir: Path | str | None = None) -> str:
    with pytest.raises(UserError) as caught:
        load_dataset(name, data_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)
