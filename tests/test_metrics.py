"""Scores against hand-computed values, textbooks and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from fmnist_utils import metrics

NAMES = ["cat", "dog", "emu"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 1, 1, 0, 2, 2, 0])


def test_confusion_has_the_truth_in_rows_and_every_class():
    matrix = metrics.confusion(LABELS, PREDICTIONS, 4)
    assert matrix.tolist() == [[2, 2, 0, 0], [1, 2, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]]


def test_per_class_agrees_with_sklearn():
    table = metrics.per_class(LABELS, PREDICTIONS, NAMES)
    assert list(table.columns) == ["precision", "recall", "f1", "miss rate", "support"]
    assert table.index.tolist() == NAMES
    for column, score in {"precision": precision_score, "recall": recall_score, "f1": f1_score}.items():
        assert np.allclose(table[column], score(LABELS, PREDICTIONS, average=None))
    assert np.allclose(table["miss rate"], [0.5, 1 / 3, 1 / 3])
    assert table["support"].tolist() == [4, 3, 3]


def test_a_class_without_images_has_no_recall():
    table = metrics.per_class(LABELS, PREDICTIONS, [*NAMES, "yak"])
    assert np.isnan(table.loc["yak", "recall"]) and table["recall"].idxmin() == "cat"


def test_calibration_error_by_hand():
    # two images at 0.9 of which one is right; two at 0.6, both right: (2 x 0.4 + 2 x 0.4) / 4
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    table = metrics.reliability(probabilities, labels, bins=10)
    assert np.allclose(table["confidence"], [0.6, 0.9])
    assert np.allclose(table["accuracy"], [1.0, 0.5])
    assert table["count"].tolist() == [2, 2]
    assert metrics.ece(probabilities, labels, bins=10) == pytest.approx(0.4)
    assert metrics.ece(probabilities, labels, bins=10, equal_mass=False) == pytest.approx(0.4)


def test_bins_hold_equally_many_images_or_are_equally_wide():
    sure = np.array([0.51, 0.52, 0.53, 0.54, 0.55, 0.98])
    probabilities, labels = np.column_stack([sure, 1 - sure]), np.array([0, 1, 0, 1, 0, 0])
    assert metrics.reliability(probabilities, labels, bins=3)["count"].tolist() == [2, 2, 2]
    wide = metrics.reliability(probabilities, labels, bins=3, equal_mass=False)
    assert wide["count"].tolist() == [5, 1]
    assert wide["accuracy"].tolist() == pytest.approx([3 / 5, 1])


def test_honest_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.3] * 5, size=20_000)
    honest = np.array([rng.choice(5, p=row) for row in probabilities])
    assert metrics.ece(probabilities, honest) < 0.02
    assert metrics.ece(np.eye(5)[probabilities.argmax(1)], honest) > 0.1  # overconfident


def test_full_confidence_falls_into_the_last_bin():
    assert metrics.ece(np.eye(3), np.arange(3)) == 0.0


def test_pareto_front_keeps_what_nothing_beats():
    cost, value = [1, 2, 3, 2, 4, 1], [0.5, 0.8, 0.8, 0.7, 0.9, 0.5]
    assert metrics.pareto_front(cost, value).tolist() == [True, True, False, False, True, True]


@pytest.fixture
def net() -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of a net that is sometimes wrong, of 400 images and 4 classes."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.5] * 4, size=400)
    return (probabilities.cumsum(1) < rng.random((400, 1))).sum(1), probabilities


def test_log_loss_is_the_mean_log_probability_of_the_truth(net):
    labels, probabilities = net
    expected = -np.log(probabilities[np.arange(400), labels]).mean()
    assert metrics.log_loss(labels, probabilities) == pytest.approx(expected)
    assert metrics.log_loss(labels, probabilities.astype(np.float16)) == pytest.approx(expected, rel=1e-3)
    assert metrics.log_loss([0, 0], [[0.5, 0.5, 0], [0.25, 0.75, 0]]) == pytest.approx(1.5 * np.log(2))
    assert np.isfinite(metrics.log_loss([0], [[0.0, 1.0]]))


def test_what_images_add_to_the_ece_has_it_as_its_mean_and_can_be_compared():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(5, 0.4), 4000)
    honest = np.array([rng.choice(5, p=row) for row in probabilities])
    sure = probabilities**2 / (probabilities**2).sum(axis=1, keepdims=True)
    for given in (probabilities, sure):
        added = metrics.ece_by_image(given, honest)
        assert added.shape == (4000,) and np.abs(added).max() <= 1
        assert added.mean() == pytest.approx(metrics.ece(given, honest))
    halves = [slice(0, 4000), slice(0, 4000)]  # as if two seeds had given the same probabilities
    change = metrics.compare(
        [metrics.ece_by_image(sure, honest)[half] for half in halves],
        [metrics.ece_by_image(probabilities, honest)[half] for half in halves],
    )
    assert change.verdict == "better"  # "better" is greater: overconfident nets have the larger error
    assert change.difference == pytest.approx(metrics.ece(sure, honest) - metrics.ece(probabilities, honest))


def test_equal_calibration_is_seldom_called_different():
    """Two honest nets of four seeds on 1,000 images, again and again: a verdict is a false alarm."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(60):
        labels = np.zeros(1000, np.int64)
        sides = []
        for _side in range(2):
            seeds = []
            for _seed in range(4):
                top = rng.uniform(0.5, 1, 1000)
                right = rng.random(1000) < top
                first = np.where(right, top, 1 - top)  # probability of class 0, which is the truth
                seeds.append(metrics.ece_by_image(np.column_stack([first, 1 - first]), labels))
            sides.append(seeds)
        alarms += metrics.compare(*sides).verdict != "no measurable difference"
    assert alarms <= 7  # 5 % of 60 are 3


def test_temperature_undoes_what_was_done_to_honest_probabilities() -> None:
    draw = np.random.default_rng(5)
    honest = draw.dirichlet(np.full(4, 0.4), 20_000)
    labels = (honest.cumsum(1) > draw.random((20_000, 1))).argmax(1)
    for heat in (0.5, 1.0, 2.5):
        spoiled = metrics.tempered(honest, 1 / heat)
        assert metrics.temperature(spoiled, labels) == pytest.approx(heat, rel=0.05)
        right_again = metrics.tempered(spoiled, heat)
        np.testing.assert_allclose(right_again.sum(1), 1)
        assert np.array_equal(right_again.argmax(1), spoiled.argmax(1))


def test_coverage_is_the_greatest_share_of_surest_images_that_is_accurate_enough() -> None:
    sure = np.linspace(0.99, 0.51, 10)
    matrix = np.stack([sure, 1 - sure], axis=1)[::-1]  # the surest last: sorting is the function's work
    labels = np.array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0])  # wrong: the least sure, and the fifth surest
    course = metrics.accuracy_by_coverage(matrix, labels)
    np.testing.assert_allclose(course[[0, 3, 4, 8, 9]], [1, 1, 0.8, 8 / 9, 0.8])
    assert metrics.coverage_at(1.0, course) == 0.4
    assert metrics.coverage_at(0.85, course) == 0.9
    assert metrics.coverage_at(0.8, course) == 1.0
    assert metrics.coverage_at(0.9, [0.5, 0.6]) == 0.0
