"""Runs and groups of runs: numbers that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from fmnist_utils import Experiment, Run, accuracies, changes, metrics


def run(correct: np.ndarray, train_accuracy: float = 1.0) -> Run:
    """A finished run of two classes that gets the images of `correct` right."""
    probabilities = np.eye(2, dtype=np.float32)[np.where(correct, 0, 1)]
    labels = np.zeros(len(correct), np.int64)
    return Run(Experiment(), "key", [], probabilities, labels, train_accuracy, 1, 1, {})


def test_changes_compare_every_group_with_the_reference():
    images = np.arange(1000)
    groups = {
        "none": [run(images < 900), run(images < 902)],
        "flip": [run(images < 950, 0.96), run(images < 952, 0.98)],
        "erasing": [run(images < 800), run(images < 802)],
    }
    table = changes(groups, "none")
    assert list(table.index) == ["flip", "erasing"]
    assert table["verdict"].tolist() == ["better", "worse"]
    assert table["difference"].tolist() == pytest.approx([0.05, -0.1])
    assert table["accuracy"].tolist() == pytest.approx([0.951, 0.801])
    assert (table["low"] < table["difference"]).all() and (table["difference"] < table["high"]).all()
    assert table.loc["flip", "gap"] == pytest.approx(0.97 - 0.951)
    assert accuracies(groups["none"]) == metrics.accuracy_estimate([images < 900, images < 902])
