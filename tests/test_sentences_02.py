"""Sentences about one recipe by itself: curves, gap, classes, mistakes, confidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fmnist_utils import metrics, sentences, show_source
from fmnist_utils.analysis.compare import Comparison, Estimate
from fmnist_utils.report import summary

NAN = float("nan")


def history(*losses: float | None) -> list[dict[str, Any]]:
    return [{"train_loss": 2.0 - 0.1 * i, "validation_loss": loss} for i, loss in enumerate(losses)]


def test_the_loss_still_falls_only_if_it_is_lowest_at_the_end_of_every_run() -> None:
    assert "still falls" in sentences.learns([history(3, 2, 1), history(3, 2, 1)])
    assert "still falls" not in sentences.learns([history(3, 0, 0), history(3, 0, 0)])
    said = sentences.learns([history(3, 2, 1), history(3, 1, 2), history(1, 2, 3)])
    assert "still falls" not in said
    assert "In most of the 3 runs (2) the validation loss has stopped falling" in said
    assert "from 2.000 in the first epoch to 1.800 in the last" in said


def test_of_one_epoch_or_without_validation_images_no_course_is_claimed() -> None:
    assert "validation" not in sentences.learns([history(3), history(2)])
    assert "validation" not in sentences.learns([history(None, None)])


@pytest.mark.parametrize("middle", [-0.3, -0.011, -0.009, 0.0, 0.009, 0.011, 0.3])
@pytest.mark.parametrize("half", [0.0001, 0.01, 0.2])
def test_too_sure_and_a_gap_are_said_only_where_the_interval_leaves_out_zero(middle: float, half: float) -> None:
    change = Comparison(middle, middle - half, middle + half, 0.5, 3)
    assert ("a measurable gap" in sentences.overfits(change)) == (change.low > 0)
    assert (": overconfident" in sentences.confident(change)) == (change.low > 0)
    assert (": underconfident" in sentences.confident(change)) == (change.high < 0)


def test_one_seed_is_not_judged() -> None:
    change = Comparison(0.05, NAN, NAN, NAN, 1)
    for said in (sentences.overfits(change), sentences.confident(change)):
        assert said.endswith("+5.00 points (one seed: cannot be judged)." if "Training" in said else "on average.")
        assert "cannot be judged" in said and "measurable" not in said and "overconfident" not in said


def recall(mean: float, half: float) -> Estimate:
    return Estimate(mean, 0.01, mean - half, mean + half, 3)


def test_the_hardest_class_is_one_that_no_interval_overlaps() -> None:
    alone = {"Bag": recall(0.95, 0.01), "a_b": recall(0.7, 0.03), "Coat": recall(0.8, 0.03)}
    assert sentences.hardest(alone).startswith("**a&#95;b** is the hardest class.")
    assert "it is highest for Bag, 95.00 % ± 1.00 (3 seeds)" in sentences.hardest(alone)
    untold = "Whether a&#95;b is the hardest class cannot be told: "
    near = alone | {"Coat": recall(0.75, 0.03)}
    assert f"{untold}the interval of Coat overlaps its own." in sentences.hardest(near)
    assert f"{untold}the intervals of c and Coat overlap its own." in sentences.hardest(
        near | {"c": recall(0.72, 0.03)}
    )
    assert "the interval of b overlaps its own" in sentences.hardest({"a": recall(0.7, 0.1), "b": recall(0.8, 0.1)})
    three = {name: recall(mean, 0.1) for name, mean in (("a", 0.7), ("b", 0.75), ("c", 0.8))}
    assert "the intervals of all others overlap its own" in sentences.hardest(three)
    said = sentences.hardest({"a": Estimate(0.7, NAN, NAN, NAN, 1), "b": Estimate(0.8, NAN, NAN, NAN, 1)})
    assert "hardest" not in said and "70.00 % (one seed: cannot be judged)" in said
    unequal = {"a": recall(0.5, 0.1), "b": Estimate(1.0, 0, 0.9, 1, 2), "c": Estimate(1.0, 0, 0.3, 1, 2)}
    both = "it is highest for b and c, 100.00 % each."
    assert both in sentences.hardest(unequal), "the interval of one is not the other's"
    assert sentences.hardest({"b": unequal["b"], "c": unequal["c"]}).endswith("is found in 100.00 % of its images.")
    assert sentences.hardest({}) == "No class has a test image."
    assert sentences.hardest({"a_b": unequal["b"]}).startswith("Only a&#95;b has test images; it is found in 100.00 % ")


def test_classes_that_are_found_equally_often_are_named_together() -> None:
    found = {"a": recall(0.7, 0.1), "b": recall(0.7, 0.1), "c": recall(0.9, 0.05)}
    assert sentences.hardest(found) == (
        "Recall is lowest for a and b, 70.00 % each; it is highest for c, 90.00 % ± 5.00 (3 seeds)."
    )
    assert sentences.hardest({name: recall(1, 0) for name in "ab"}).startswith("No class is harder than another: ")


def test_the_pair_that_is_mixed_up_most_is_named_with_all_that_tie() -> None:
    one = {("a", "b*"): recall(0.6, 0.05), ("a", "c"): recall(0.2, 0.1), ("b*", "c"): recall(0.2, 0.1)}
    assert sentences.mixed_most(one) == (
        "mixed up most are **a and b&#42;**: 60.00 % ± 5.00 (3 seeds) of all mistakes, which is most of them"
    )
    two = one | {("a", "b*"): recall(0.2, 0.05)}
    assert sentences.mixed_most(two).startswith(
        "mixed up most, equally often: **a / b&#42;, a / c and b&#42; / c**, each 20.0 % of all mistakes"
    )
    many = {(f"a{i}", "b"): recall(0.1, 0.05) for i in range(8)}
    assert "a3 / b and 4 others**" in sentences.mixed_most(many)
    assert sentences.mixed_most({("a", "b"): recall(1, 0)}) == sentences.ONE_PAIR
    assert sentences.mixed_most({("a", "b"): recall(NAN, NAN)}) == "there are no mistakes"


def test_a_number_an_image_is_compared_with_zero() -> None:
    """Correctness itself is such a number: its interval is that of the accuracy, then."""
    rng = np.random.default_rng(0)
    correct = [rng.random(2000) < share for share in (0.89, 0.91, 0.90)]
    accuracy, change = metrics.accuracy_estimate(correct), metrics.compare_zero([array - 0.9 for array in correct])
    assert change.difference == pytest.approx(accuracy.mean - 0.9)
    assert (change.low + 0.9, change.high + 0.9) == pytest.approx((accuracy.low, accuracy.high))
    assert change.verdict == "no measurable difference" and change.p > 0.05
    assert metrics.compare_zero([array + 0.0 for array in correct]).verdict == "better"
    assert np.isnan(metrics.compare_zero([correct[0] - 0.9]).low)


def test_source_is_shown_as_a_block_of_code(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(summary, "display", shown.append)

    def twice(number: int) -> int:
        return 2 * number

    show_source(twice)
    assert shown[0].data == "```python\ndef twice(number: int) -> int:\n    return 2 * number\n```"


def test_images_that_are_classified_wrongly_are_counted() -> None:
    assert sentences.wrongly(0.9, 10_000, 3) == "On average a net classifies 1,000 of 10,000 test images wrongly."
    assert sentences.wrongly(1 - 1 / 14, 14, 1) == "The net classifies 1 of 14 test images wrongly."
    assert " 0.3 of 257 " in sentences.wrongly(1 - 1 / 3 / 257, 257, 3), "not none"
