"""How probabilities are rounded for the store: by little, and never so that another answer follows from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmnist_utils.runs.answers import packed, unpacked


@st.composite
def tables(draw: st.DrawFn) -> NDArray[np.float32]:
    """Probabilities of 20 images for 2 to 12 classes, from nearly equal ones to some that are one to the last bit."""
    numbers = np.random.default_rng(draw(st.integers(0, 10**6)))
    logits = numbers.normal(0, draw(st.sampled_from([1e-3, 0.3, 3.0, 30.0])), (20, draw(st.integers(2, 12))))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


@given(tables())
def test_rounding_moves_probabilities_by_little_and_no_answer(probabilities: NDArray[np.float32]) -> None:
    read = unpacked(packed(probabilities))
    assert read.dtype == np.float32 and read.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (read.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    best = np.sort(read, axis=1)
    assert (best[:, -1] > best[:, -2]).all(), "no tie, whichever of equal classes a reader would take"
    assert np.abs(read - probabilities).max() < 0.05  # an eighth more or less where a tie is parted
    small = (probabilities > 2e-6) & (probabilities < 0.01)
    assert np.abs(np.log(read[small] / probabilities[small])).max(initial=0) < 0.25


def test_rounding_is_unbiased_where_no_tie_is_parted() -> None:
    numbers = np.random.default_rng(0)
    probabilities = numbers.dirichlet(np.full(10, 0.1), 20_000).astype(np.float32)
    read, truth = unpacked(packed(probabilities)), probabilities.argmax(axis=1)
    confidence = [p[np.arange(len(p)), truth].mean() for p in (read, probabilities)]
    assert confidence[0] == pytest.approx(confidence[1], abs=5e-4)
    assert np.abs(read - probabilities).mean() < 0.002


def test_a_run_of_before_is_read_as_it_was_written() -> None:
    old = np.array([[0.25, 0.75], [1.0, 0.0]], np.float16)
    assert unpacked(old).tolist() == old.tolist()
