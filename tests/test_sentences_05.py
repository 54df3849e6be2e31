"""Sentences about nets side by side: what they cost, which leads, and which is worth it."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest

from fmnist_utils import metrics, plots, sentences

NAN = float("nan")
TURNED = {"better": "worse", "worse": "better", "no measurable difference": "no measurable difference"}
NETS = ["a", "b", "c"]


def pairs_of(verdicts: tuple[str, ...], judged: bool = True) -> pd.DataFrame:
    """A table of pairs of the nets a, b and c with these verdicts."""
    index = pd.MultiIndex.from_tuples(list(combinations(NETS, 2)), names=["first", "second"])
    difference = [{"better": 0.02, "worse": -0.02}.get(verdict, 0.001) for verdict in verdicts]
    low = np.array(difference) - 0.01 if judged else NAN
    return pd.DataFrame({"difference": difference, "low": low, "verdict": verdicts}, index=index)


def verdict(pairs: pd.DataFrame, first: str, second: str) -> str:
    """Look a verdict up, whichever of the two stands first in the table."""
    if (first, second) in pairs.index:
        return str(pairs.loc[(first, second), "verdict"])
    return TURNED[str(pairs.loc[(second, first), "verdict"])]


every_outcome = pytest.mark.parametrize("verdicts", list(product(TURNED, repeat=3)))


@every_outcome
def test_the_best_is_measurably_ahead_of_all_others(verdicts: tuple[str, ...]) -> None:
    pairs = pairs_of(verdicts)
    for best in NETS:
        said = sentences.leads(best, pairs, "with 2 epochs")
        against = {other: verdict(pairs, best, other) for other in NETS if other != best}
        if "worse" in against.values():
            continue  # its mean is not the highest
        assert ("is the best" in said) == (set(against.values()) == {"better"})
        level = [other for other, found in against.items() if found != "better"]
        assert said.endswith(f"cannot be told from {' and '.join(level)}.") == bool(level)
        assert said.startswith(f"**{best}** has the highest mean with 2 epochs")


@every_outcome
def test_worth_its_cost_is_what_beats_every_cheaper_net(verdicts: tuple[str, ...]) -> None:
    pairs = pairs_of(verdicts)
    cost = pd.Series({"b": 10, "c": 20, "a": 30})
    worth = sentences.worth_their_cost(pairs, cost)
    assert "b" not in worth  # the cheapest has nothing to beat
    assert ("c" in worth) == (verdict(pairs, "c", "b") == "better")
    assert ("a" in worth) == (verdict(pairs, "a", "b") == verdict(pairs, "a", "c") == "better")
    said = sentences.worth(pairs, cost, "weights")
    assert said.startswith(f"Fewest weights: b. Of the 2 other nets, {['none', '1', 'both'][len(worth)]} ")
    assert said.endswith(f" fewer{': ' * bool(worth)}{sentences.listing(worth, '')}.")
    answer = sentences.best_and_worth("a", 0.9321, pairs, cost, "with 2 epochs")
    ahead = sum(verdict(pairs, "a", other) == "better" for other in "bc")
    assert answer.startswith("a has the highest mean with 2 epochs, 93.2 %, and is measurably ahead of ")
    assert sentences.how_many(ahead, 2, "other net") in answer
    assert f"{' and '.join(worth) or 'No net'} {'are' if len(worth) == 2 else 'is'} measurably ahead of" in answer


def test_equally_cheap_nets_need_not_beat_each_other() -> None:
    pairs = pairs_of(("no measurable difference",) * 3)
    assert sentences.worth_their_cost(pairs, pd.Series(1, index=NETS)) == []
    assert sentences.worth(pairs, pd.Series(1, index=NETS), "weights") == "Fewest weights: a, b and c. No net has more."
    ahead = pairs_of(("no measurable difference", "worse", "worse"))
    assert sentences.worth_their_cost(ahead, pd.Series({"a": 1, "b": 1, "c": 2})) == ["c"]
    for table, word in ((ahead, ""), (pairs, "not ")):
        assert sentences.worth(table, pd.Series({"a": 1, "b": 1, "c": 2}), "weights") == (
            f"Fewest weights: a and b. The other net, c, is {word}measurably more accurate than each of them."
        )


def test_nets_with_the_same_mean_are_in_front_together() -> None:
    pairs, cost = pairs_of(("no measurable difference", "better", "better")), pd.Series({"a": 1, "b": 2, "c": 3})
    pairs.loc[("a", "b"), "difference"] = 0.0
    assert sentences.leads("a", pairs) == (
        "**a and b** have the highest mean. a is measurably ahead of one of the 2 other nets; it cannot be told from b."
    )
    assert sentences.best_and_worth("a", 0.9, pairs, cost).startswith(
        "a and b have the highest mean, 90.0 %, and a is measurably ahead of one of the 2 other nets. No net is "
    )
    two = pairs_of(("no measurable difference",) * 3).loc[[("a", "b")]]
    alone = "**a** has the highest mean. It cannot be told from the one other net, b."
    assert sentences.leads("a", two) == alone
    level = pairs.assign(difference=0.0, verdict="no measurable difference")
    assert sentences.leads("a", level, "with 2 epochs") == "No net has a higher mean than another with 2 epochs."
    assert sentences.best_and_worth("a", 0.9, level, cost).startswith(
        "No net has a higher mean than another: 90.0 % each. No net is measurably ahead"
    )
    alone = pairs.assign(low=NAN)
    assert sentences.leads("a", alone).startswith("**a and b** have the highest accuracy; whether they are ahead")
    assert sentences.best_and_worth("a", 0.9, level.assign(low=NAN), cost).endswith("tell whether one is ahead.")


def test_nets_that_are_level_over_seeds_are_in_front_together() -> None:
    """A mean over three seeds is rounded, so that the difference of equal ones need not be 0."""
    right = {
        name: [np.arange(100) < hits for hits in numbers]
        for name, numbers in (("a", (90, 91, 92)), ("b", (92, 91, 90)))
    }
    assert np.mean([seed.mean() for seed in right["a"]]) == pytest.approx(0.91)
    pairs = metrics.compare_pairs(right)
    assert sentences.leads("a", pairs) == "No net has a higher mean than another."
    means = [np.mean([0, 0, 0.3]), np.mean([0.2, 0.1, 0])]
    assert means[0] != means[1], "as they are rounded"
    missed = pd.DataFrame([means, means], ["x", "y"], ["a", "b"])
    assert sentences.hardest_class(missed).startswith("No net misses one class more than another")


def test_one_seed_or_one_net_is_not_judged() -> None:
    alone, cost = pairs_of(("no measurable difference",) * 3, judged=False), pd.Series({"a": 1, "b": 2, "c": 3})
    for said in (
        sentences.leads("a", alone),
        sentences.worth(alone, cost, "weights"),
        sentences.best_and_worth("a", 0.9, alone, cost),
    ):
        assert "one seed each" in said and "measurabl" not in said and "nan" not in said
    nobody = metrics.compare_pairs({"a": [np.array([True, False])]})
    assert sentences.leads("a", nobody) == "Only one net was trained, **a**."
    assert sentences.worth(nobody, cost[:1], "weights") == "There is no other net to compare with."
    assert sentences.best_and_worth("a", 0.9, nobody, cost[:1]).endswith("it is the only net.")


def test_sizes_name_the_nets_at_both_ends() -> None:
    costs = pd.DataFrame({"parameters": [200, 1000], "multiply-adds": [5000, 5000]}, index=["a_b", "c"])
    said = sentences.sizes(costs)
    assert "From a&#95;b to c the number of weights goes from 200 to 1,000, 5.0 times as many." in said
    assert said.endswith("All have 5,000 multiply-adds an image.")
    assert sentences.sizes(costs[:1]) == "It has 200 weights. It has 5,000 multiply-adds an image."


def test_the_hardest_class_is_named_with_the_nets_that_miss_it_most() -> None:
    missed = pd.DataFrame({"Shirt": [0.3, 0.2], "Bag": [0.1, 0.25], "none": [NAN, NAN]}, index=["a", "b"])
    assert "depends on the net: Shirt and Bag for 1 each" in sentences.hardest_class(missed)
    missed.loc["b", "Bag"] = 0.1
    assert (
        sentences.hardest_class(missed)
        == "Missed most is **Shirt**, by both nets. The nets miss 20.0 to 30.0 % of its images."
    )
    equal = pd.DataFrame({"Shirt": [0.3, 0.2], "Bag": [0.3, 0.2], "Coat": [0.1, 0.1]}, index=["a", "b"])
    assert sentences.hardest_class(equal) == "Missed most, and equally often by every net, are Shirt and Bag."
    none = sentences.hardest_class(0 * equal)
    assert none == "No net misses one class more than another: 0.0 % of each."
    assert sentences.hardest_class(missed[["none"]]) == "No class has a test image."


@pytest.mark.parametrize(
    ("low", "high", "where"),
    [
        (0.94, 0.96, "lies within our interval"),
        (0.956, 0.97, "lies below our interval"),
        (0.93, 0.945, "lies above our interval"),
        (NAN, NAN, "stands against a single training of ours"),
    ],
)
def test_the_public_figure_is_placed_by_our_interval(low: float, high: float, where: str) -> None:
    landscape = pd.DataFrame(
        {
            "accuracy": [0.94, 0.90, 0.95, 0.99],
            "low": [low, 0.8, 0.95, 0.9],
            "high": [high, 0.95, 0.95, 0.9],
            "parameters": [1000, 500, 10_000, 1],
            "seconds": [10.0, 5.0, 1000.0, 1.0],
            "source": ["ours", "ours", "https://example.org", "project 000"],
        },
        index=["best", "sprint", "ResNet", "base"],
    )
    said = sentences.against_public(landscape)
    assert said.startswith(
        "**best** reaches 94.00 % with 1,000 weights. The best public figure, 95.00 % (ResNet; 10,000"
    )
    assert where in said
    assert "Ours less theirs is −1.00 points, after 1.0 % of the estimated seconds." in said
    assert "None of our own" in sentences.against_public(landscape[2:])


def test_pairs_that_cannot_be_told_apart_leave_their_cell_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[pd.DataFrame] = []
    monkeypatch.setattr(plots, "heatmap", lambda values, *_: drawn.append(values))
    plots.pairs(pairs_of(("better", "no measurable difference", "worse")), ["c", "a", "b"], "Pairs")
    [square] = drawn
    assert list(square.index) == list(square.columns) == ["c", "a", "b"]
    assert (square.loc["a", "b"], square.loc["b", "a"]) == pytest.approx((2, -2))
    assert (square.loc["b", "c"], square.loc["c", "b"]) == pytest.approx((-2, 2))
    assert square.isna().to_numpy().sum() == 5
