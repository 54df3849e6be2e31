"""Intervals and verdicts keep what they promise: against simulated nets, hand-computed values and textbooks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fmnist_utils.analysis import metrics, power

IMAGES = 10_000
FACTOR = np.log(3)  # spreads of arms are unequal: lognormal, one standard deviation is a factor of 3


def nets(rng, seeds, spreads=0.0, effects=0.0, images=IMAGES, accuracy=0.91):
    """Trained nets of several arms on the same images, as lists of bool arrays.

    Whether a net gets an image right depends on the image (most are easy for all), a little on the arm's taste for
    the image and a little on the seed's; the shares give the disagreement that the published runs show. `spreads`
    and `effects` shift the accuracy on all images of the world, per seed and per arm.
    """
    spreads, effects = np.broadcast_arrays(spreads, effects)
    difficulty = rng.standard_normal(images, np.float32)
    arms = []
    for k, spread, effect in zip(np.broadcast_to(seeds, spreads.shape), spreads, effects, strict=True):
        # bounded on both sides alike, so that the mean stays what it is
        levels = accuracy + effect + np.clip(spread * rng.standard_normal(k), -0.075, 0.075)
        taste = rng.standard_normal(images, np.float32)
        own = rng.standard_normal((k, images), np.float32)
        latent = np.sqrt(0.9345) * difficulty + np.sqrt(0.0105) * taste + np.sqrt(0.055) * own
        arms.append(list(latent < stats.norm.ppf(levels)[:, None].astype(np.float32)))
    return arms


def unequal(rng, spread, arms):
    return spread * np.exp(FACTOR * rng.standard_normal(arms))


# --- error rates ----------------------------------------------------------------------------------------


def within(alarms, share=0.06):
    """Whether so many alarms are what at most `share` would give; docs/statistics.md has more tables and the rates."""
    return stats.binomtest(int(alarms.sum()), alarms.size, share, alternative="greater").pvalue > 0.05


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(
    ("spread", "inequality"),
    [(0, 0), (0.001, FACTOR), (0.0025, 0), (0.0025, FACTOR / 2), (0.0025, FACTOR), (0.01, FACTOR / 2), (0.01, FACTOR)],
)
def test_false_alarms_of_a_comparison_and_of_a_table(seeds, spread, inequality):
    assert within(power.simulate(3000, seeds, 1, spread, inequality, rng=1) < 0.05)
    assert within(power.simulate(1000, seeds, 20, spread, inequality, rng=2).min(axis=-1) * 20 < 0.05)


@pytest.mark.parametrize("seeds", [(2, 5), (5, 2), (1, 3), (5, 1)])
def test_false_alarms_with_unequal_numbers_of_seeds(seeds):
    for spread in (0.0, 0.0025, 0.01):
        assert within(power.simulate(3000, seeds, 1, spread, FACTOR, rng=3) < 0.05)


def test_false_alarms_when_single_seeds_borrow_from_a_table():
    counts = [3] + [3] * 10 + [1] * 10
    for inequality in (0.0, FACTOR / 2):
        assert within(power.simulate(600, counts, 20, 0.0025, inequality, rng=4).min(axis=-1) * 20 < 0.05)


@pytest.mark.parametrize(("seeds", "power_needed"), [(5, 0.90), (3, 0.75)])
def test_an_effect_of_one_point_is_found_in_a_table_of_twenty(seeds, power_needed):
    p = power.simulate(2000, seeds, 20, 0.0025, effects=0.01, rng=5)
    assert (p[:, 0] * 20 < 0.05).mean() >= power_needed


def test_the_simulated_errors_are_those_of_nets_on_images():
    # what `power.simulate` draws from numbers, here measured on bool arrays
    rng, images = np.random.default_rng(6), 100_000
    a, b = (np.array(arm, float) for arm in nets(rng, 20, np.zeros(2), images=images))
    disagreement = np.mean([arm.var(axis=0, ddof=1).mean() for arm in (a, b)])
    assert np.sqrt(disagreement / IMAGES) == pytest.approx(power.SEED_NOISE, rel=0.1)
    tastes = (a.mean(0) - b.mean(0)).var() - 2 * disagreement / 20
    assert np.sqrt(tastes / 2 / IMAGES) == pytest.approx(power.ARM_NOISE, rel=0.15)


@pytest.mark.parametrize(("seeds", "spread"), [(2, 0.002), (3, 0.0), (3, 0.01)])
def test_compare_raises_few_false_alarms_on_nets(seeds, spread):
    rng = np.random.default_rng(7)
    found = [metrics.compare(*nets(rng, seeds, unequal(rng, spread, 2))) for _ in range(300)]
    assert within(np.array([one.verdict != "no measurable difference" for one in found]))
    assert all((one.p < 0.05) == (one.verdict != "no measurable difference") for one in found)


@pytest.mark.parametrize(("seeds", "spread"), [(2, 0.0025), (3, 0.001)])
def test_compare_all_raises_few_false_alarms_on_nets(seeds, spread):
    rng, alarms = np.random.default_rng(8), []
    for _ in range(60):
        groups = dict(enumerate(nets(rng, seeds, unequal(rng, spread, 21))))
        alarms.append((metrics.compare_all(groups, 0)["verdict"] != "no measurable difference").any())
    assert within(np.array(alarms))


def test_compare_all_finds_the_effects_on_nets_and_their_signs():
    rng, found = np.random.default_rng(9), []
    effects = np.array([0, 0.01, -0.01] + [0] * 18)
    for _ in range(20):
        table = metrics.compare_all(dict(enumerate(nets(rng, 5, np.full(21, 0.0025), effects))), 0)
        found.append([table["verdict"][1] == "better", table["verdict"][2] == "worse"])
    assert np.mean(found) >= 0.9


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.0025, 0.01])
def test_the_interval_of_a_group_covers_its_accuracy(seeds, spread):
    rng = np.random.default_rng(10)
    estimates = [metrics.accuracy_estimate(nets(rng, seeds, [spread])[0]) for _ in range(250)]
    # two seeds with a point of spread are covered at 93 %, see docs/statistics.md; all others at 95
    assert np.mean([one.low <= 0.91 <= one.high for one in estimates]) >= 0.92


@pytest.mark.parametrize("spread", [0.0, 0.0025, 0.005])
def test_the_interval_of_a_single_seed_that_borrows_covers_its_accuracy(spread):
    rng, covered = np.random.default_rng(11), []
    for _ in range(150):
        arms = nets(rng, [1, 3, 3, 3, 3, 3], np.full(6, spread))
        one = metrics.estimate_all(dict(enumerate(arms)))[0]
        assert one.borrowed
        covered.append(one.low <= 0.91 <= one.high)
    assert np.mean(covered) >= 0.94


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
    assert difference.verdict == "no measurable difference"
    assert not one.borrowed
    assert str(one).endswith("% (one seed: cannot be judged)")
    assert str(difference).endswith("points (one seed: cannot be judged)")
    assert difference.sentence("a", "b").endswith("points (one seed: cannot be judged).")
    table = metrics.compare_all({"a": a, "b": b}, "b")
    assert np.isnan(table.loc["a", ["low", "high", "p", "p_adjusted"]].astype(float)).all()
    assert table.loc["a", "verdict"] == "no measurable difference"


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


def test_power_grows_with_the_effect_and_the_seeds():
    table = metrics.power_table(spread=0.0025, arms=5, effects=(0.0, 0.005, 0.01), seeds=(2, 3, 10), tables=300)
    assert isinstance(table, pd.DataFrame)
    assert (table.index.name, table.columns.name) == ("effect (points)", "seeds")
    assert table.index.tolist() == [0, 0.5, 1] and table.columns.tolist() == [2, 3, 10]
    assert (table.loc[0.0] <= 0.03).all()
    assert (table.diff().iloc[1:] > 0).all(axis=None)
    assert (table.loc[0.5:].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    fewer = metrics.power_table(images=1_000, arms=5, effects=(0.01,), seeds=(10,), tables=300)
    assert fewer.iloc[0, 0] < table.loc[1, 10]


def test_the_table_of_false_alarms_is_the_simulation():
    table = power.false_alarms(seeds=(2,), spreads=(0.0, 0.01), inequalities=(FACTOR,), arms=3, tables=100)
    assert table.index.tolist() == [(3.0, 0.0), (3.0, 1.0)]
    drawn = power.simulate(100, 2, 3, 0.01, FACTOR)
    assert table.loc[(3.0, 1.0), (2, "any of 3")] == (drawn.min(axis=-1) * 3 < 0.05).mean()


def test_seeds_that_deny_a_fixed_spread_still_have_an_interval() -> None:
    """One net with everything right, one with everything wrong, held to have no spread between seeds."""
    right, wrong = np.ones(1000, bool), np.zeros(1000, bool)
    found = metrics.compare([right], [right, wrong], metrics.NO_SPREAD)
    assert np.isfinite([found.difference, found.low, found.high, found.p]).all()
    assert found.difference == 0.5
