"""How often a comparison errs, and how often it finds an effect, by simulation.

``python -m fmnist_utils.analysis.power`` prints the tables of docs/statistics.md, in two minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fmnist_utils.analysis.spread import CONFIDENCE, Floats, p_value, weigh

# Errors by 10,000 test images in the published runs (medians, standard deviations of an accuracy), beside those
# that all arms share and that pairing takes away: of each seed, and of an arm, the same for all its seeds.
SEED_NOISE, ARM_NOISE = 0.0015, 0.00045


def simulate(
    tables: int,
    seeds: int | Sequence[int],
    arms: int = 20,
    spread: float = 0.0025,
    inequality: float = 0.0,
    images: int = 10_000,
    effects: ArrayLike = 0.0,
    rng: int = 0,
) -> Floats:
    """Draw tables of `arms` comparisons with one reference and return their p values before correction.

    Parameters
    ----------
    tables : number of tables
    seeds : trainings of every arm, or of each: the reference first, arms + 1 numbers
    arms : comparisons in a table
    spread, inequality : the seeds of an arm differ by normal errors whose standard deviation is `spread` times a
        lognormal factor of its own, with `inequality` as the standard deviation of its logarithm
    images : number of test images
    effects : float (...,)
        True differences between the first arm and the reference; the other arms equal the reference.
    rng : seed of the simulation

    Returns
    -------
    float (..., tables, arms)
    """
    draw, scale = np.random.default_rng(rng), np.sqrt(10_000 / images)
    counts = np.broadcast_to(np.asarray(seeds), arms + 1)
    deviation = np.hypot(spread * np.exp(inequality * draw.standard_normal((tables, arms + 1))), SEED_NOISE * scale)
    # a seed beyond an arm's own number is NaN and left out of its mean and variance
    errors = deviation[..., None] * draw.standard_normal((tables, arms + 1, counts.max()))
    errors[:, np.arange(counts.max()) >= counts[:, None]] = np.nan
    mean = np.nanmean(errors, -1) + ARM_NOISE * scale * draw.standard_normal((tables, arms + 1))
    variance = np.where(counts > 1, np.nansum((errors - np.nanmean(errors, -1, keepdims=True)) ** 2, -1), 0)
    variance /= np.maximum(counts - 1, 1)
    weights = weigh(variance, np.full_like(variance, (SEED_NOISE * scale) ** 2), counts, None)
    difference = np.asarray(effects, dtype=np.float64)[..., None, None] * (np.arange(arms) == 0)
    difference = difference + mean[:, 1:] - mean[:, :1]
    by_images = scale**2 * (2 * ARM_NOISE**2 + SEED_NOISE**2 * (1 / counts[1:] + 1 / counts[0]))
    p = np.empty(difference.shape)
    for some in np.array_split(np.arange(tables), -(-tables // 100)):  # in pieces that fit a processor's cache
        for i in range(arms):
            arm, reference = (weights[some, i + 1], int(counts[i + 1])), (weights[some, 0], int(counts[0]))
            p[..., some, i] = p_value(difference[..., some, i], by_images[i], arm, reference)
    return p


def power_table(
    spread: float = 0.0025,
    images: int = 10_000,
    arms: int = 20,
    effects: Sequence[float] = (0.0025, 0.005, 0.01, 0.02),
    seeds: Sequence[int] = (2, 3, 5, 10),
    tables: int = 500,
) -> pd.DataFrame:
    """Compute how often an effect is found in a table of `arms` comparisons.

    All but one of the comparisons are without effect, so that Holm's correction is at its strictest.

    Parameters
    ----------
    spread : standard deviation of accuracy between seeds, the same for all arms; 0.0025 is 0.25 points
    images : number of test images
    arms : comparisons in the table; 1 for a single one
    effects : true differences, fractions
    seeds : trainings of each arm
    tables : simulated for each number of seeds

    Returns
    -------
    DataFrame, one row an effect (in points), one column a number of seeds
        Power: the share (0 to 1) of the simulated tables in which the effect is found.
    """
    found = {}
    for k in seeds:
        p = simulate(tables, k, arms, spread, images=images, effects=effects)[..., 0]  # of the arm with the effect
        found[k] = (p < (1 - CONFIDENCE) / arms).mean(axis=-1)
    index = pd.Index([100 * effect for effect in effects], name="effect (points)")
    return pd.DataFrame(found, index=index).rename_axis(columns="seeds")


def false_alarms(
    seeds: Sequence[int] = (2, 3, 5),
    spreads: Sequence[float] = (0.0, 0.001, 0.0025, 0.005, 0.01),
    inequalities: Sequence[float] = (0.0, np.log(3) / 2, np.log(3)),
    arms: int = 20,
    tables: int = 4000,
) -> pd.DataFrame:
    """Compute how often something is found where nothing is: in one comparison, and anywhere in a table of `arms`.

    Returns
    -------
    DataFrame, one row a factor of inequality (1: equal spreads) and spread (in points)
        For each number of seeds, shares (0 to 1) of 4 times `tables` comparisons and of `tables` tables.
    """
    rows: dict[tuple[float, float], dict[tuple[int, str], float]] = {}
    for inequality in inequalities:
        for spread in spreads:
            row: dict[tuple[int, str], float] = {}
            for k in seeds:
                one = simulate(4 * tables, k, 1, spread, inequality) < 1 - CONFIDENCE
                any_of = simulate(tables, k, arms, spread, inequality).min(axis=-1) < (1 - CONFIDENCE) / arms
                row[k, "one"], row[k, f"any of {arms}"] = float(one.mean()), float(any_of.mean())
            rows[round(float(np.exp(inequality)), 2), 100 * spread] = row
    table = pd.DataFrame(list(rows.values()))
    table.index = pd.MultiIndex.from_tuples(rows, names=["factor", "spread (points)"])
    table.columns = pd.MultiIndex.from_product([seeds, ["one", f"any of {arms}"]], names=["seeds", ""])
    return table


if __name__ == "__main__":
    print("False alarms (%)", (100 * false_alarms()).round(1).to_string(), sep="\n")
    for size in (20, 1):
        power = (100 * power_table(arms=size, tables=4000)).round().astype(int)
        print(f"\nPower (%), one of {size}", power.to_string(), sep="\n")
