"""Shares of the mistakes and their intervals: by hand, against simulation, and on what is paired."""

from __future__ import annotations

import numpy as np
import pytest

from fmnist_utils.analysis import metrics

NAMES = ("Coat", "Bag", "Shirt")
LABELS = np.repeat([0, 1, 2], 100)


def test_a_share_is_that_of_all_seeds_together():
    whole = np.zeros((2, 1000), bool)
    whole[0, :100] = whole[1, :60] = True
    part = np.zeros((2, 1000), bool)
    part[0, :50] = part[1, :30] = True
    share = metrics.share_estimate(part, whole)
    assert share.mean == pytest.approx(80 / 160)
    assert share.low < 0.5 < share.high
    assert share.n == 2


def test_its_interval_without_seeds_is_near_that_of_a_binomial_share():
    rng = np.random.default_rng(0)
    whole = np.arange(10_000) < 700
    part = whole & (rng.random(10_000) < 0.25)
    share = metrics.share_estimate([part], [whole], metrics.NO_SPREAD)
    expected = 1.96 * np.sqrt(share.mean * (1 - share.mean) / 700)
    assert (share.high - share.low) / 2 == pytest.approx(expected, rel=0.03)


def test_images_that_nobody_gets_wrong_make_a_share_no_surer():
    rng = np.random.default_rng(1)
    whole = rng.random((3, 500)) < 0.3
    part = whole & (rng.random((3, 500)) < 0.5)
    padded = [np.pad(array, ((0, 0), (0, 9500))) for array in (part, whole)]
    wide, narrow = metrics.share_estimate(*padded), metrics.share_estimate(part, whole)
    assert wide.mean == narrow.mean
    assert wide.high - wide.low >= narrow.high - narrow.low


def test_a_share_of_nothing_is_unknown_and_one_seed_is_not_judged():
    nothing = np.zeros((2, 50), bool)
    assert np.isnan(metrics.share_estimate(nothing, nothing).mean)
    one = metrics.share_estimate([np.arange(50) < 5], [np.arange(50) < 20])
    assert one.mean == pytest.approx(0.25)
    assert np.isnan(one.low)


def test_all_or_none_have_an_interval_of_some_width():
    whole = np.tile(np.arange(1000) < 40, (2, 1))
    everything = metrics.share_estimate(whole, whole, metrics.NO_SPREAD)
    assert everything.mean == 1
    assert 0.85 < everything.low < 0.95  # rule of three: 3.7 of 40


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_interval_covers_the_share_over_seeds_and_images(seeds: int):
    """Mistakes of nets whose share of one kind differs between seeds, on new images each time."""
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(300):
        hard = rng.random(3000) < 0.1  # these images are missed often, others hardly
        kind = rng.random(3000) < 0.3  # what an image is taken for, if it is missed
        shift = 0.05 * rng.standard_normal((seeds, 1))
        whole = rng.random((seeds, 3000)) < np.where(hard, 0.6, 0.005)
        part = whole & (rng.random((seeds, 3000)) < np.where(kind, 0.8, 0.2) + shift)
        share = metrics.share_estimate(part, whole)
        covered.append(share.low <= 0.3 * 0.8 + 0.7 * 0.2 <= share.high)
    assert np.mean(covered) >= 0.91


def test_pairs_count_both_directions_and_come_in_order():
    predictions = np.tile(LABELS, (2, 1))
    predictions[:, :10] = 1  # Coat as Bag
    predictions[0, 100:106] = 0  # Bag as Coat
    predictions[1, 200:204] = 1  # Shirt as Bag
    pairs = metrics.confused_pairs(LABELS, predictions, NAMES)
    assert list(pairs) == [("Coat", "Bag"), ("Bag", "Shirt"), ("Coat", "Shirt")]
    assert [share.mean for share in pairs.values()] == pytest.approx([26 / 30, 4 / 30, 0])
    assert list(metrics.confused_pairs(LABELS, predictions, NAMES, most=1)) == [("Coat", "Bag")]
    mixed = metrics.mixed_up(LABELS, predictions, 0, 1)
    assert mixed.sum(axis=1).tolist() == [16, 10]


def test_pairs_with_as_many_mistakes_as_the_last_are_not_left_out():
    predictions = np.tile(LABELS, (2, 1))
    predictions[:, :10] = 1  # Coat as Bag
    predictions[:, 100:110] = 2  # Bag as Shirt
    assert list(metrics.confused_pairs(LABELS, predictions, NAMES, most=1)) == [("Coat", "Bag"), ("Bag", "Shirt")]


def test_the_pair_to_look_at_is_one_that_can_be_told_apart():
    predictions = np.tile(LABELS, (2, 1))
    predictions[:, :10] = 1  # Coat as Bag
    predictions[0, 100:104] = 2  # Bag as Shirt

    def pair(learnt: list[int], **preferred: tuple[str, str]) -> tuple[str, str]:
        return metrics.confused_pair(LABELS, predictions, NAMES, learnt, **preferred)

    assert pair([0, 1, 2, 0]) == ("Coat", "Bag")
    assert pair([1, 2]) == ("Bag", "Shirt"), "no training image shows a coat"
    assert pair([0, 1, 2], preferred=("Coat", "Shirt")) == ("Coat", "Shirt")
    assert pair([0, 1, 2], preferred=("Shirt", "Coat")) == ("Coat", "Shirt")
    assert pair([0, 1], preferred=("Coat", "Shirt")) == ("Coat", "Bag")
    only = LABELS == 2
    assert metrics.confused_pair(LABELS[only], predictions[:, only], NAMES, [0, 1, 2]) == ("Coat", "Shirt")


def test_what_nets_share_cancels_in_a_paired_comparison():
    rng = np.random.default_rng(3)
    correct = [rng.random(2000) < accuracy for accuracy in (0.7, 0.8, 0.9)]  # very unequal seeds
    confidence = [hits - 0.05 + 0.01 * rng.standard_normal(2000) for hits in correct]
    change = metrics.paired(confidence, correct)
    assert change.difference == pytest.approx(-0.05, abs=0.001)
    assert change.verdict == "worse"
    assert metrics.compare(confidence, correct).verdict == "no measurable difference"
    with pytest.raises(ValueError):
        metrics.paired(confidence[:2], correct)


def test_a_paired_comparison_of_one_seed_is_judged_only_without_spread():
    hits = np.arange(400) < 300
    assert np.isnan(metrics.paired([hits], [~hits]).low)
    assert metrics.paired([hits], [~hits], metrics.NO_SPREAD).verdict == "better"


def test_one_seed_says_that_it_borrows_its_spread():
    rng = np.random.default_rng(4)
    others = [[rng.random(400) < 0.75 for _ in range(3)] for _ in range(4)]
    hits, spread = np.arange(400) < 300, metrics.learn_spread(others)
    assert metrics.compare_zero([hits - 0.5], spread).borrowed
    assert metrics.paired([hits], [~hits], spread).borrowed
    assert str(metrics.share_estimate([hits], [hits | ~hits], spread)).endswith("(1 seed, spread borrowed)")
    assert not metrics.paired([hits] * 2, [~hits] * 2, spread).borrowed
