"""The claims table: what the five seeds said, beside what the stored runs measure.

A seed is one of the public projects that the series starts from; `fmnist_utils.claimed` lists what each
said. A claim whose runs are missing says so, with what they would cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fmnist_utils.claimed import CLAIMS, Claim
from fmnist_utils.cost import estimate
from fmnist_utils.errors import UserError, nearest
from fmnist_utils.experiment import TRAINING_VERSION, Experiment
from fmnist_utils.progress import duration
from fmnist_utils.run import Run
from fmnist_utils.sources import locate
from fmnist_utils.store import Store

PUBLISHED = "reports/full"


def find(names: Iterable[str]) -> list[Claim]:
    """Look claims up by their ids; "all" stands for every one.

    Raises
    ------
    UserError
        An id that no claim has, with the nearest one.
    """
    known = {claim.name: claim for claim in CLAIMS}
    chosen: dict[str, Claim] = {}
    for name in names:
        if name == "all":
            return list(CLAIMS)
        if name not in known:
            raise UserError(f"unknown claim {name!r}{nearest(name, known)} (claims: all, {', '.join(known)})")
        chosen[name] = known[name]
    return list(chosen.values())


def experiments(claims: Iterable[Claim]) -> list[Experiment]:
    """All experiments that `claims` need, cheapest first, so that an interrupted night has most to show.

    Claims about a data set that cannot be had here are left out, with a line that says why.
    """
    wanted = {item.canonical() + item.dataset: item for claim in claims for arm in claim.experiments() for item in arm}
    missing = set()
    for dataset in sorted({item.dataset for item in wanted.values()}):
        try:
            locate(dataset)
        except UserError as error:
            print(f"Left out, the claims about {dataset}: {error}", flush=True)
            missing.add(dataset)
    found = [item for item in wanted.values() if item.dataset not in missing]
    return sorted(found, key=lambda item: estimate(item, []))


def _stored(stores: list[Store]) -> dict[tuple[str, str], tuple[Store, str]]:
    """Index all finished runs by data set and experiment; a store named earlier goes first."""
    index: dict[tuple[str, str], tuple[Store, str]] = {}
    for store in stores:
        for record in store.records():
            if record["training_version"] == TRAINING_VERSION:
                name = record["provenance"]["dataset"], Experiment(**record["experiment"]).canonical()
                index.setdefault(name, (store, record["key"]))
    return index


def table(out: str | Path) -> Any:
    """Set every claim beside what the runs below `out`, or the published ones, say.

    Returns
    -------
    DataFrame, one row a claim
        seed, claim, its protocol, ours, claimed, measured, seeds, verdict ("reached", "not reached",
        "contradicted", "not yet run").
    """
    import pandas as pd

    stores = [Store(out), Store(PUBLISHED)]
    records = [record for store in stores for record in store.records()]
    stored = _stored(stores)
    rows = []
    for claim in CLAIMS:
        missing: list[Experiment] = []
        arms: list[list[Run]] = []
        for arm in claim.experiments():
            places = [(item, stored.get((item.dataset, item.canonical()))) for item in arm]
            missing += [item for item, place in places if place is None]
            arms.append([run for _, place in places if place and (run := place[0].load(place[1]))])
        n = min(len(runs) for runs in arms)
        if n == 0:
            cost = sum(estimate(experiment, records) for experiment in missing)
            measured, verdict = f"planned: about {duration(cost)} of training", "not yet run"
        else:
            measured, verdict = claim.judge([runs[:n] for runs in arms])
        rows.append(
            {
                "seed": claim.seed,
                "claim": claim.says,
                "its protocol": claim.protocol,
                "our protocol": claim.ours,
                "measured": measured,
                "seeds": n,
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows)
