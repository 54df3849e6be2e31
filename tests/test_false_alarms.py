"""The rates that docs/statistics.md promises, simulated: false alarms, covered accuracies, effects that are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from simulated_nets import IMAGES, nets

from fmnist_utils.analysis import metrics, power

pytestmark = pytest.mark.slow
FACTOR = np.log(3)  # spreads of arms are unequal: lognormal, one standard deviation is a factor of 3


def unequal(rng, spread, arms):
    return spread * np.exp(FACTOR * rng.standard_normal(arms))


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


def test_the_table_of_false_alarms_is_the_simulation():
    table = power.false_alarms(seeds=(2,), spreads=(0.0, 0.01), inequalities=(FACTOR,), arms=3, tables=100)
    assert table.index.tolist() == [(3.0, 0.0), (3.0, 1.0)]
    drawn = power.simulate(100, 2, 3, 0.01, FACTOR)
    assert table.loc[(3.0, 1.0), (2, "any of 3")] == (drawn.min(axis=-1) * 3 < 0.05).mean()


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
