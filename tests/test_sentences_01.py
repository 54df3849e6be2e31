"""What 01 says of a data set follows from its numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from fmnist_utils import metrics, sentences


@pytest.mark.parametrize(
    ("training", "test", "said"),
    [
        ([60, 60], [10, 10], "perfectly balanced: 60 training images and 10 test images of each"),
        (
            [60, 60],
            [10, 11],
            "not perfectly balanced: 60 training images of each and 11 test images of T&#45;shirt against",
        ),
        ([61, 60], [10, 10], "not perfectly balanced: 61 training images of Coat against 60 of T&#45;shirt"),
    ],
)
def test_balance_is_perfect_only_if_it_is(training: list[int], test: list[int], said: str) -> None:
    counts = pd.DataFrame({"training": training, "test": test}, ["Coat", "T-shirt"])
    assert said in sentences.balanced(counts)


def test_a_difference_is_small_or_large_only_if_its_interval_is() -> None:
    base = np.random.default_rng(0).normal(100, 10, 20_000)
    assert sentences.alike(base, base[:10_000] + 0.4, "gray level").endswith(", a small difference.")
    assert sentences.alike(base, base[:10_000] + 0.2, "gray level").endswith(", a small difference if any.")
    assert sentences.alike(base, base[:10_000] + 5, "gray level").endswith(", a large difference.")
    assert sentences.alike(base, base[:10_000] - 5, "gray level").endswith(", a large difference.")
    assert sentences.alike(base, base[:20], "gray level").endswith("% of its standard deviation, if at all.")
    up = sentences.alike(base, base[:10_000] + 5, "gray level")
    assert "test images differs from that of the training images by +4" in up
    assert sentences.alike([3, 3], [3, 4], "gray level").startswith("The images of one of the two parts")
    assert sentences.alike([1, 2], [3], "gray level").startswith("There are too few images")
    with warnings.catch_warnings(action="error"):  # the deviation of a hundred times 0.1 is not exactly 0
        assert sentences.alike([0.1] * 100, [0.1] * 10, "gray level").startswith("The images of one of")
        assert sentences.alike([0.1, 0.2], [0.1] * 10, "gray level").startswith("The images of one of")


def test_repeated_images_are_counted_by_kind() -> None:
    said = sentences.repeats({"training": 3, "test": 0}, 2, 1, 200)
    assert said.startswith("**2 of 200 test images** (1.00 %) are training images, too.")
    assert "**1 of 47 test images** (2.13 %) is a training image, too." in sentences.repeats({"test": 0}, 1, 0, 47)
    assert said.endswith("3 within the training part and 0 within the test part; images under two labels: 1.")
    for kind in ({"training": 1}, {"training": 0, "test": 1}):
        assert "No image" not in sentences.repeats(kind, 0, 0, 200)
    assert "No image" not in sentences.repeats({"training": 0}, 1, 0, 200)
    assert sentences.repeats({"training": 0, "test": 0}, 0, 0, 200).startswith("**No image occurs twice**")


def groups(*accuracies: float, images: int = 10_000) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return {name: [rng.random(images) < accuracy] for name, accuracy in zip("abc", accuracies, strict=False)}


def test_an_odd_image_is_found_only_among_the_first() -> None:
    assert sentences.found_by(99, 10_000) == "number 100 of 10,000 by this measure, which finds it, among the first 1 %"
    said = sentences.found_by(100, 10_000)
    assert said == "number 101 of 10,000 by this measure, which does not find it: 1 % of the images are odder"


def test_a_line_of_few_images_is_passed_only_beyond_both_intervals() -> None:
    for mean, half, wide in np.random.default_rng(1).uniform((0.6, 0.001, 0.001), (1.0, 0.03, 0.05), (200, 3)):
        floor = metrics.Estimate(mean, 0.01, mean - half, mean + half, 0)
        (said,) = sentences.against({"a": floor}, metrics.Estimate(0.8, 0.01, 0.8 - wide, 0.8 + wide, 0), "the line")
        far = abs(mean - 0.8) > (half**2 + wide**2) ** 0.5
        assert ("not measurably apart from the line" in said) == (not far)
        assert ("measurably above the line" in said) == (far and mean > 0.8)
        assert said.startswith(f"a: {floor}, ") and f"{100 * (mean - 0.8):+.2f}".replace("-", "−") in said


def test_verdicts_against_a_line_are_corrected_for_their_number() -> None:
    line = metrics.Estimate(0.8, 0.01, 0.78, 0.82, 0)
    near, far = (metrics.Estimate(mean, 0.01, mean - 0.001, mean + 0.001, 0) for mean in (0.8205, 0.9))
    alone = sentences.against({"near": near}, line, "the line")
    assert ", measurably above the line: +2.05 points (+0.05 to +4.05)." in alone[0]
    several = sentences.against({"far": far, "near": near} | {f"n{i}": near for i in range(4)}, line, "the line")
    assert ", measurably above the line: " in several[0]
    assert "not measurably apart from the line when corrected for all comparisons of the table: +2.05" in several[1]


def leader(found: dict[str, list[np.ndarray]], spread: metrics.Spread | None = metrics.NO_SPREAD) -> str:
    return sentences.leader("a", metrics.compare_all(found, "a", spread), float(np.mean(found["a"])), "right")


def test_the_leader_is_ahead_only_of_what_is_measurably_behind() -> None:
    both = leader(groups(0.9, 0.8, 0.7))
    assert both.startswith("**a** is in front with 9") and " right, measurably ahead of c (by " in both
    assert both.index("c (by ") < both.index("b (by ") and "−" not in both
    close = {name: [np.arange(1000) < right] for name, right in (("a", 900), ("b", 899), ("c", 700))}
    assert leader(close).endswith("but not measurably ahead of b") and "measurably ahead of c (by " in leader(close)
    assert leader({"a": close["a"], "b": close["b"]}).endswith("right, not measurably ahead of b")
    assert leader(groups(0.9, 0.8), spread=None).endswith("whether it is ahead cannot be judged")
    assert leader(groups(0.9)).endswith("whether it is ahead cannot be judged")


def test_all_that_reach_as_much_are_in_front_together() -> None:
    right = {name: [np.roll(np.arange(1000), turn) < most] for name, turn, most in (("a", 0, 900), ("b", 5, 900))}
    assert leader(right) == "none is in front: a and b have 90.0 % right each"
    behind = right | {"c": [np.arange(1000) < 100]}
    said = leader(behind)
    assert said.startswith("**a and b** are in front with 90.0 % right each; a is measurably ahead of c (by "), (
        "its own"
    )


def test_plain_text_has_neither_marks_nor_entities() -> None:
    said = f"**{sentences.listing(['T-shirt/top', 'a**b'])}** are <few>"
    assert sentences.plain(said) == "T-shirt/top and a**b are <few>"
    assert sentences.first_capital("most of them, Shirt") == "Most of them, Shirt"


def test_one_image_of_a_class_is_singular() -> None:
    counts = pd.DataFrame({"training": [2, 2], "test": [1, 1]}, ["a", "b"])
    assert sentences.balanced(counts).endswith("2 training images and 1 test image of each.")
    counts.loc["a", "training"] = 3
    assert sentences.balanced(counts).endswith("3 training images of a against 2 of b and 1 test image of each.")
