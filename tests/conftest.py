"""Fixtures that several test files share."""

from __future__ import annotations

import pytest

from fmnist_utils import Dataset, load_dataset


@pytest.fixture(scope="session")
def data() -> Dataset:
    """The real Fashion-MNIST, found or fetched the way users get it."""
    return load_dataset()
