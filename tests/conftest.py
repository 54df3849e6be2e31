"""Fixtures that several test files share."""

from __future__ import annotations

import pytest
from data_files import real

from fmnist_utils import Dataset, load_dataset
from fmnist_utils.data.locate import uncompressed


@pytest.fixture(scope="session")
def data() -> Dataset:
    """The real Fashion-MNIST, found or fetched the way users get it."""
    return load_dataset()


@pytest.fixture(scope="session")
def plain() -> dict[str, bytes]:
    """Uncompressed content of the real files, by their names."""
    return {stem: uncompressed(path) for stem, path in real().items()}
