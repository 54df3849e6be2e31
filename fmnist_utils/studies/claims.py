"""The claims table: what the five source projects said, beside what the stored runs measure.

`claim_list` holds what each project said. A claim whose runs are missing says so, with what they would cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from fmnist_utils.data.locate import MissingData, locate
from fmnist_utils.errors import UserError, brief, listed, nearest
from fmnist_utils.runs.cost import estimate
from fmnist_utils.runs.store import FinishedRuns
from fmnist_utils.studies.claim_list import CLAIMS, Claim
from fmnist_utils.system import PUBLISHED
from fmnist_utils.text import duration
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.run import Run


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
            raise UserError(f"unknown claim {brief(name)}{nearest(name, known)} (claims: all, {listed(known)})")
        chosen[name] = known[name]
    return list(chosen.values())


def experiments(claims: Iterable[Claim]) -> list[Experiment]:
    """All experiments that `claims` need, cheapest first, so that an interrupted night has most to show.

    Claims about a data set that is not on this machine are left out, with a line that says how to get it.
    """
    wanted = {item.canonical() + item.dataset: item for claim in claims for arm in claim.experiments() for item in arm}
    missing = set()
    for dataset in sorted({item.dataset for item in wanted.values()}):
        try:
            locate(dataset)
        except MissingData as error:
            print(f"Left out, the claims about {dataset}: {error}", flush=True)
            missing.add(dataset)
    found = [item for item in wanted.values() if item.dataset not in missing]
    return sorted(found, key=lambda item: estimate(item, []))


def _arms(claim: Claim, finished: FinishedRuns) -> tuple[list[list[Run]], list[Experiment]]:
    """Read a claim's finished runs, of the seeds that every arm has; and list what is not trained yet."""
    wanted = claim.experiments()
    found = [[finished.get(item) for item in arm] for arm in wanted]
    missing = [
        item for arm, runs in zip(wanted, found, strict=True) for item, run in zip(arm, runs, strict=True) if not run
    ]
    whole = [runs for runs in zip(*found, strict=True) if all(runs)]  # one entry a seed
    return [[runs[i] for runs in whole if runs[i]] for i in range(len(wanted))], missing


def table(out: str | Path) -> pd.DataFrame:
    """Set every claim beside what the runs below `out`, or the published ones, say.

    Returns
    -------
    DataFrame, one row a claim
        project, claim, measured, verdict ("reached", "not reached", "contradicted", "not yet run"), its protocol,
        our protocol, seeds.
    """
    finished = FinishedRuns(out, PUBLISHED)
    rows = []
    for claim in CLAIMS:
        arms, missing = _arms(claim, finished)
        n = len(arms[0])
        if n == 0:
            cost = sum(estimate(experiment, finished.records) for experiment in missing)
            measured, verdict = f"would take about {duration(cost)} of training", "not yet run"
        else:
            measured, verdict = claim.judge(arms)
        rows.append(
            {
                "project": claim.project,
                "claim": claim.says,
                "measured": measured,
                "verdict": verdict,
                "its protocol": claim.protocol,
                "our protocol": claim.ours,
                "seeds": n,
            }
        )
    return pd.DataFrame(rows)


def architectures(out: str | Path) -> pd.DataFrame:
    """Set the accuracy that a project states for each architecture beside ours by our recipe, and the epochs of both.

    Returns
    -------
    DataFrame, one row an architecture with finished runs
        model, project, parameters, claimed, measured, its epochs, our epochs, verdict; accuracies as text.
    """
    finished = FinishedRuns(out, PUBLISHED)
    rows = []
    for claim in CLAIMS:
        if claim.accuracy is None:
            continue
        arms, _ = _arms(claim, finished)
        if not arms[0]:
            continue
        run, (measured, verdict) = arms[0][0], claim.judge(arms)
        data = "" if claim.arms[0].dataset == "fashion-mnist" else f" ({claim.arms[0].dataset})"
        rows.append(
            {
                "model": run.experiment.model + data,
                "project": claim.project,
                "parameters": run.parameters,
                "claimed": f"{100 * claim.accuracy:.2f} %",
                "measured": measured,
                "its epochs": claim.epochs or "not stated",
                "our epochs": run.experiment.epochs,
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows)
