"""Intervals and verdicts keep what they promise: against simulated nets, hand-computed values and textbooks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from simulated_nets import IMAGES, nets

from fmnist_utils.analysis import metrics

# --- what moves an interval -----------------------------------------------------------------------------


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_compare_sees_a_real_difference_and_its_sign(rng):
    good, bad = nets(rng, 3, np.zeros(2), [0.02, -0.02])
    better, worse = metrics.compare(good, bad), metrics.compare(bad, good)
    assert better.verdict == "better" and worse.verdict == "worse"
    assert better.difference == pytest.approx(-worse.difference)
    assert better.low == pytest.approx(-worse.high)
    assert better.low < 0.04 < better.high
    assert better.p < 0.001


def test_without_a_random_seed_the_interval_is_that_of_the_images():
    # 263 images, 81 right: the normal interval is 0.2522 to 0.3638 (Newcombe 1998, table I)
    one = metrics.accuracy_estimate([np.arange(263) < 81], metrics.NO_SPREAD)
    assert (one.low, one.high) == pytest.approx((0.2522, 0.3638), abs=0.003)
    assert (one.n, one.borrowed) == (0, False)
    assert str(one).endswith("(no seed)")


def test_a_method_without_a_seed_stands_in_a_table_with_others(rng):
    drawn, sure = nets(rng, 3, np.zeros(2), [0.0, 0.02]), np.arange(IMAGES) < 9_000
    groups = {"a": drawn[0], "b": drawn[1], "c": [sure], "d": [drawn[1][0]]}
    found = metrics.estimate_all(groups, without=["c"])
    alone = metrics.accuracy_estimate([sure], metrics.NO_SPREAD)
    assert (found["c"].low, found["c"].high, found["c"].n) == (alone.low, alone.high, 0)
    others = metrics.estimate_all({name: groups[name] for name in "abd"})
    assert [(found[name].low, found[name].high) for name in "abd"] == [(one.low, one.high) for one in others.values()]
    assert found["d"].borrowed and not found["c"].borrowed
    table = metrics.compare_pairs(groups, pairs=[("c", "a"), ("d", "c")], without=["c"])
    assert table["seeds"].tolist() == [0, 1] and table["borrowed"].tolist() == [False, True]
    assert not table[["low", "high", "p"]].isna().any(axis=None)
    one = metrics.estimate_all({"c": [sure], "d": groups["d"]}, without=["c"])
    assert one["c"].low == alone.low and np.isnan(one["d"].low)


def test_where_no_image_is_wrong_the_interval_follows_the_rule_of_three():
    one = metrics.accuracy_estimate([np.ones(1000, bool)], metrics.NO_SPREAD)
    exact = stats.binomtest(1000, 1000).proportion_ci().low
    assert one.low == pytest.approx(exact, abs=0.0004) and one.high == 1


def test_pairing_on_images_narrows_the_interval(rng):
    base = nets(rng, 1, [0.0])[0][0]
    shifted = base.copy()
    shifted[np.flatnonzero(~base)[:25]] = True  # the same net, 25 images better
    paired = metrics.compare([shifted], [base], metrics.NO_SPREAD)
    apart = metrics.compare([np.roll(shifted, 2_500)], [base], metrics.NO_SPREAD)
    assert paired.difference == pytest.approx(apart.difference) == pytest.approx(0.0025)
    assert paired.verdict == "better"
    assert apart.verdict == "no measurable difference"


def test_spread_over_seeds_widens_the_interval():
    images = np.arange(IMAGES)
    steady = metrics.compare([images < 9_110, images < 9_090], [images < 9_010, images < 8_990])
    shaky = metrics.compare([images < 9_600, images < 8_600], [images < 9_010, images < 8_990])
    assert steady.difference == pytest.approx(shaky.difference)
    assert shaky.high - shaky.low > 3 * (steady.high - steady.low)
    assert shaky.verdict == "no measurable difference"


def test_a_table_of_steady_arms_narrows_the_interval_of_two_seeds(rng):
    groups = dict(enumerate(nets(rng, 2, np.full(15, 0.001))))
    alone = metrics.compare(groups[1], groups[0])
    inside = metrics.compare_all(groups, 0).loc[1]
    assert inside["difference"] == alone.difference
    assert inside["high"] - inside["low"] < 0.75 * (alone.high - alone.low)


def test_more_seeds_narrow_the_interval(rng):
    for spread in (0.001, 0.005):
        arm = nets(rng, 12, [spread])[0]
        widths = [one.high - one.low for one in (metrics.accuracy_estimate(arm[:k]) for k in (2, 4, 12))]
        assert widths == sorted(widths, reverse=True)


def test_seeds_are_not_paired(rng):
    a, b = nets(rng, 3, np.full(2, 0.005))
    forth, back = metrics.compare(a, b), metrics.compare(a, b[::-1])
    assert (forth.low, forth.high) == pytest.approx((back.low, back.high))


def test_identical_runs_do_not_differ(rng):
    [runs] = nets(rng, 2, [0.0], images=100)
    same = metrics.compare(runs, runs)
    assert (same.difference, same.verdict) == (0.0, "no measurable difference")
    assert same.p == pytest.approx(1)
    twice = metrics.compare([runs[0]] * 2, [runs[0]] * 2)  # not even two seeds differ
    assert twice.low < 0 < twice.high


def test_effects_can_be_compared(rng):
    plain, flip, longer, both = (np.array(arm, int) for arm in nets(rng, 3, np.zeros(4), [0, 0.02, 0.02, 0.07]))
    moved = metrics.compare(both - longer, flip - plain)
    assert moved.difference == pytest.approx(0.03, abs=0.01)
    assert moved.verdict == "better"


def test_of_no_image_there_is_no_accuracy():
    nothing = metrics.accuracy_estimate(np.zeros((3, 0), bool))
    assert np.isnan([nothing.mean, nothing.low, nothing.high]).all()
    assert str(nothing) == "none (there is nothing to count)"


# --- one seed -------------------------------------------------------------------------------------------


def test_one_seed_without_anything_to_borrow_is_not_judged(rng):
    a, b = nets(rng, 1, np.zeros(2), [0.0, 0.05])
    one, difference = metrics.accuracy_estimate(a), metrics.compare(a, b)
    assert np.isnan([one.low, one.high, difference.low, difference.high, difference.p]).all()
    assert difference.verdict == "one seed: cannot be judged"
    assert not one.borrowed
    assert str(one).endswith("% (one seed: cannot be judged)")
    assert str(difference).endswith("points (one seed: cannot be judged)")
    assert difference.sentence("a", "b").endswith("points (one seed: cannot be judged).")
    table = metrics.compare_all({"a": a, "b": b}, "b")
    assert np.isnan(table.loc["a", ["low", "high", "p", "p_adjusted"]].astype(float)).all()
    assert table.loc["a", "verdict"] == "one seed: cannot be judged"


def test_one_seed_borrows_from_its_table_and_says_so(rng):
    groups = dict(zip("abcd", nets(rng, [1, 3, 3, 3], np.full(4, 0.002)), strict=True))
    found = metrics.estimate_all(groups)
    assert {name: one.borrowed for name, one in found.items()} == {"a": True, "b": False, "c": False, "d": False}
    assert str(found["a"]).endswith("(1 seed, spread borrowed)")
    assert found["a"].high - found["a"].low > found["b"].high - found["b"].low
    assert metrics.compare_all(groups, "b")["borrowed"].tolist() == [True, False, False]
    assert metrics.compare(groups["a"], groups["b"]).borrowed


def test_one_seed_borrows_from_what_was_learned_elsewhere(rng):
    calm, wild = (metrics.learn_spread(nets(rng, 3, np.full(12, spread))) for spread in (0.001, 0.01))
    assert calm.typical < 0.002 < 0.005 < wild.typical < 0.02
    assert calm.groups == 12
    assert str(wild).endswith("points between seeds, learned from 12 groups")
    [run] = nets(rng, 1, [0.0])
    narrow, wide = metrics.accuracy_estimate(run, calm), metrics.accuracy_estimate(run, wild)
    assert narrow.borrowed and wide.borrowed
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    with pytest.raises(ValueError, match="without a group of two seeds"):
        metrics.learn_spread([run])


# --- tables ---------------------------------------------------------------------------------------------


def test_a_table_is_indexed_by_name_without_the_reference(rng):
    groups = dict(zip(["none", "flip", "crop"], nets(rng, [2, 3, 4], np.zeros(3), [0, 0.03, 0]), strict=True))
    table = metrics.compare_all(groups, "none")
    assert list(table.index) == ["flip", "crop"]
    assert {"difference", "low", "high", "verdict", "p", "p_adjusted", "seeds", "borrowed"} == set(table.columns)
    assert table["seeds"].tolist() == [3, 4]
    assert table["verdict"].tolist() == ["better", "no measurable difference"]
    assert ((table["low"] < table["difference"]) & (table["difference"] < table["high"])).all()


def test_two_groups_in_a_table_are_a_plain_comparison(rng):
    a, b = nets(rng, 3, np.full(2, 0.003), [0.01, 0])
    row, plain = metrics.compare_all({"a": a, "b": b}, "b").loc["a"], metrics.compare(a, b)
    assert (row["low"], row["high"], row["p_adjusted"]) == pytest.approx((plain.low, plain.high, plain.p))


def test_what_a_plain_interval_shows_may_not_survive_its_family():
    rng = np.random.default_rng(2)
    effects = np.array([0, 0.012] + [0.004] * 4 + [0] * 15)
    table = metrics.compare_all(dict(enumerate(nets(rng, 3, np.full(21, 0.001), effects))), 0)
    assert (table["p_adjusted"] >= table["p"]).all()
    plain = (table["low"] > 0) | (table["high"] < 0)
    assert ((table["p"] < 0.05) == plain).all()
    survives = table["verdict"] != "no measurable difference"
    assert (survives == (table["p_adjusted"] < 0.05)).all()
    assert {1} <= set(table.index[survives]) < set(table.index[plain])


def test_pairs_are_first_minus_second(rng):
    groups = dict(zip("abc", nets(rng, 3, np.zeros(3), [0, 0.03, 0.03]), strict=True))
    pairs = metrics.compare_pairs(groups)
    assert list(pairs.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert pairs["verdict"].tolist() == ["worse", "worse", "no measurable difference"]
    assert pairs.loc[("a", "b"), "difference"] < 0


def test_an_empty_table_keeps_its_columns(rng):
    table = metrics.compare_all({"none": nets(rng, 2, [0.0])[0]}, "none")
    assert len(table) == 0 and "verdict" in table


def test_holm_by_hand():
    # Holm (1979): the least p times m, the next times m - 1, never falling
    assert metrics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert metrics.holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert metrics.holm([np.nan, 0.02, 0.01]) == pytest.approx([np.nan, 0.02, 0.02], nan_ok=True)


def test_groups_on_other_images_are_refused(rng):
    [short], [long] = nets(rng, 2, [0.0], images=100), nets(rng, 2, [0.0], images=200)
    with pytest.raises(ValueError, match="100 against 200"):
        metrics.compare(short, long)
    with pytest.raises(ValueError, match="one array of the same images"):
        metrics.compare([], short)


# --- words and numbers ----------------------------------------------------------------------------------


def test_numbers_have_one_format():
    assert metrics.percent(0.93214) == "93.21 %"
    assert metrics.percent(0.93214, 1) == "93.2 %"
    assert metrics.points(0.0132) == "+1.32 points"
    assert metrics.points(-0.0132) == "−1.32 points"
    assert metrics.points(0.01, 0) == "+1 point" and metrics.points(-0.02, 0) == "−2 points"
    assert metrics.points(-0.00001) == metrics.points(0.0) == "0.00 points"
    assert metrics.interval(0.9274, 0.9368) == "92.74 to 93.68 %"
    assert metrics.interval(-0.0051, 0.0213, signed=True) == "−0.51 to +2.13"


def test_estimates_and_comparisons_in_words():
    assert str(metrics.Estimate(0.9321, 0.002, 0.9274, 0.9368, 3)) == "93.21 % ± 0.47 (3 seeds)"
    assert str(metrics.Estimate(0.995, 0.01, 0.985, 1.0, 2)) == "99.50 % (98.50 to 100.00 %; 2 seeds)"  # cut
    assert str(metrics.Comparison(0.0132, 0.0051, 0.0213, 0.001, 3)) == "+1.32 points (+0.51 to +2.13)"
    comparison = metrics.Comparison(-0.0031, -0.0067, 0.0005, 0.08, 3)
    assert comparison.sentence("flip", "none") == (
        "Against none, flip changes accuracy by −0.31 points (95 % interval −0.67 to +0.05, 3 seeds): "
        "no measurable difference."
    )
    unequal_sides = metrics.Comparison(0.0031, 0.0005, 0.0057, 0.02, 3, 5)
    assert unequal_sides.sentence("flip", "none").endswith("(95 % interval +0.05 to +0.57, 3 and 5 seeds): better.")


def test_the_sentence_of_the_reports_heads_the_page_about_them():
    page = (Path(__file__).parents[1] / "docs" / "statistics.md").read_text("utf-8")
    assert metrics.UNCERTAINTY in " ".join(page.replace("\n> ", " ").split())


@pytest.mark.parametrize(
    ("claimed", "word"), [(0.92, "reached"), (0.9274, "within reach"), (0.94, "not reached"), (0.935, "within reach")]
)
def test_a_claim_is_judged_by_the_interval(claimed, word):
    assert metrics.reaches(metrics.Estimate(0.9321, 0.002, 0.9274, 0.9368, 3), claimed) == word
    unknown = metrics.Estimate(0.9321, np.nan, np.nan, np.nan, 1)
    assert metrics.reaches(unknown, claimed) == "cannot be judged"


def test_seeds_that_deny_a_fixed_spread_still_have_an_interval() -> None:
    """One net with everything right, one with everything wrong, held to have no spread between seeds."""
    right, wrong = np.ones(1000, bool), np.zeros(1000, bool)
    found = metrics.compare([right], [right, wrong], metrics.NO_SPREAD)
    assert np.isfinite([found.difference, found.low, found.high, found.p]).all()
    assert found.difference == 0.5


def test_two_shares_are_at_most_one_apart() -> None:
    images = np.arange(20)
    change = metrics.compare([images >= 0, images >= 2], [images < 0, images < 1])
    assert change.low < change.difference < change.high == 1
    beside = metrics.paired([images < 18, images >= 0], [images < 0, images < 0])
    assert beside.low < beside.difference < beside.high == 1
    gaps = metrics.compare([1.5 * (images >= 0), 1.5 * (images >= 2)], [images < 0, images < 1])
    assert gaps.high > 1.4
