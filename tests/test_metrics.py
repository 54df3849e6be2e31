"""Scores, intervals and comparisons against hand-computed values, scikit-learn and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from fmnist_utils import metrics

NAMES = ["cat", "dog", "emu"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 1, 1, 0, 2, 2, 0])


def draw(accuracy: float, images: int, seeds: int, seed: int) -> list[np.ndarray]:
    """Runs that get every image right with the same chance, independently."""
    rng = np.random.default_rng(seed)
    return list(rng.random((seeds, images)) < accuracy)


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
    assert metrics.worst_class(table) == "cat"


def test_a_class_without_images_has_no_recall_and_is_not_the_worst():
    table = metrics.per_class(LABELS, PREDICTIONS, [*NAMES, "yak"])
    assert np.isnan(table.loc["yak", "recall"])
    assert metrics.worst_class(table) == "cat"


def test_worst_pair_counts_both_directions():
    pair = metrics.worst_pair(metrics.confusion(LABELS, PREDICTIONS, 3), NAMES)
    assert pair == ("cat", "dog", 3, 3 / 4)


def test_worst_pair_without_mistakes():
    pair = metrics.worst_pair(np.diag([3, 4, 5]), NAMES)
    assert (pair.mistakes, pair.share) == (0, 0.0)


def test_mean_interval_is_students_t():
    # t table: 4.303 for two degrees of freedom; the standard deviation of (1, 2, 3) is 1
    estimate = metrics.mean_interval([0.01, 0.02, 0.03])
    assert estimate.mean == pytest.approx(0.02)
    assert estimate.std == pytest.approx(0.01)
    assert estimate.high - estimate.mean == pytest.approx(4.303 * 0.01 / np.sqrt(3), rel=1e-4)
    assert estimate.mean - estimate.low == pytest.approx(estimate.high - estimate.mean)
    assert str(estimate) == "2.00 % ± 2.48 (3 seeds)"


def test_one_value_has_no_interval_over_seeds():
    with pytest.raises(ValueError, match="at least 2 values"):
        metrics.mean_interval([0.9])


def test_one_seed_gets_wilsons_interval():
    # Wilson's interval for 81 of 263, as in Newcombe (1998), table I
    estimate = metrics.accuracy_estimate([np.arange(263) < 81])
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)
    assert str(estimate).endswith("(1 seed)")


def test_accuracy_estimate_over_seeds_stays_between_0_and_1():
    estimate = metrics.accuracy_estimate([np.ones(10, bool), np.arange(10) < 8])
    assert estimate.mean == pytest.approx(0.9)
    assert estimate.high == 1.0
    assert estimate.n == 2


def test_compare_sees_a_real_difference_and_its_sign():
    good, bad = draw(0.95, 10_000, 3, seed=1), draw(0.90, 10_000, 3, seed=2)
    better, worse = metrics.compare(good, bad), metrics.compare(bad, good)
    assert better.verdict == "better" and worse.verdict == "worse"
    assert better.difference == pytest.approx(-worse.difference)
    assert better.low < 0.05 < better.high
    assert better.p < 1e-6


def test_compare_is_calibrated_when_there_is_no_difference():
    comparisons = [metrics.compare(draw(0.9, 500, 2, seed=i), draw(0.9, 500, 2, seed=10_000 + i)) for i in range(300)]
    false_alarms = np.mean([c.verdict != "no measurable difference" for c in comparisons])
    assert false_alarms <= 0.08
    assert all((c.p < 0.05) == (c.verdict != "no measurable difference") for c in comparisons)


def test_pairing_on_images_narrows_the_interval():
    base = draw(0.9, 5_000, 1, seed=3)[0]
    shifted = base.copy()
    shifted[np.flatnonzero(~base)[:25]] = True  # the same run, 25 images better
    paired = metrics.compare([shifted], [base])
    apart = metrics.compare([np.roll(shifted, 2_500)], [base])
    assert paired.difference == pytest.approx(apart.difference) == pytest.approx(0.005)
    assert paired.verdict == "better"
    assert apart.verdict == "no measurable difference"


def test_spread_over_seeds_widens_the_interval():
    images = np.arange(10_000)
    steady = metrics.compare([images < 9_100, images < 9_100], [images < 9_000, images < 9_000])
    shaky = metrics.compare([images < 9_600, images < 8_600], [images < 9_000, images < 9_000])
    assert steady.verdict == "better"
    assert shaky.verdict == "no measurable difference"


def test_identical_runs_do_not_differ():
    runs = draw(0.9, 100, 2, seed=4)
    same = metrics.compare(runs, runs)
    assert (same.difference, same.p, same.verdict) == (0.0, 1.0, "no measurable difference")


def test_compare_refuses_different_numbers_of_seeds():
    with pytest.raises(ValueError, match="same seeds and images"):
        metrics.compare(draw(0.9, 100, 2, seed=5), draw(0.9, 100, 3, seed=5))


def test_comparison_in_words():
    comparison = metrics.Comparison(0.0031, 0.0005, 0.0057, 0.02, 3)
    assert comparison.sentence("flip", "none") == (
        "Against none, flip changes accuracy by +0.31 points (95 % interval +0.05 to +0.57, 3 seeds): better."
    )


def test_calibration_error_by_hand():
    # two images at 0.9 of which one is right; two at 0.6, both right: (2 x 0.4 + 2 x 0.4) / 4
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])
    table = metrics.reliability(probabilities, labels, bins=10)
    assert np.allclose(table["confidence"], [0.6, 0.9])
    assert np.allclose(table["accuracy"], [1.0, 0.5])
    assert table["count"].tolist() == [2, 2]
    assert metrics.ece(probabilities, labels, bins=10) == pytest.approx(0.4)


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
