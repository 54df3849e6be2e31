"""The claims table: what the five source projects said, beside what the stored runs measure.

`claim_list` holds what each project said. A claim whose runs are missing says so, with what they would cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_utils.analysis import metrics
from fmnist_utils.basics.errors import UserError, brief, listed, nearest
from fmnist_utils.basics.system import PUBLISHED
from fmnist_utils.basics.text import duration, span
from fmnist_utils.data.dataset import Dataset
from fmnist_utils.runs.cost import estimate
from fmnist_utils.runs.finished import Finished
from fmnist_utils.runs.groups import Group
from fmnist_utils.studies.claim_list import CLAIMS, Claim, seeds_for
from fmnist_utils.studies.judging import NOT_RUN, Arm
from fmnist_utils.studies.recipes import on_this_machine
from fmnist_utils.training.experiment import Experiment


def find(names: Iterable[str]) -> list[Claim]:
    """Look claims up by their ids; "all" stands for every one.

    Raises
    ------
    UserError
        An id that no claim has, with the nearest one.
    """
    known = {claim.name: claim for claim in CLAIMS}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name != "all" and name not in known:
            raise UserError(f"unknown claim {brief(name)}{nearest(name, known)} (claims: all, {listed(known)})")
    return list(CLAIMS) if "all" in wanted else [known[name] for name in wanted]


def published(name: str, data: Dataset) -> Group:
    """Read the published runs of the first experiment of a claim on exactly these data; none where there are none."""
    group = Finished(PUBLISHED).group(find([name])[0].arms[0])
    return Group(run for run in group if run.provenance["dataset_checksum"] == data.checksum)


def _tried_twice() -> int:
    """Count the claims of the list that stand in it a second time, to be tried by another protocol."""
    said = [(claim.project, claim.says.partition(",")[0]) for claim in CLAIMS]
    return len(said) - len(set(said))


def experiments(claims: Iterable[Claim]) -> list[Experiment]:
    """All experiments that `claims` need, cheapest first, so that an interrupted night has most to show.

    Claims about a data set that is not on this machine are left out, with a line that says how to get it.
    """
    wanted = {item.canonical() + item.dataset: item for claim in claims for arm in claim.experiments() for item in arm}
    return sorted(on_this_machine(wanted.values(), "claims"), key=lambda item: estimate(item, []))


def _measure(finished: Finished) -> dict[str, list[Arm]]:
    """Read the arms of every claim, with the runs that there are."""

    def arm(experiment: Experiment) -> Arm:
        group = finished.group(experiment)
        return Arm(experiment, group, finished.accuracy(experiment) if group else None)

    return {claim.name: [arm(experiment) for experiment in claim.arms] for claim in CLAIMS}


def _compare(measured: dict[str, list[Arm]]) -> dict[str, pd.DataFrame]:
    """Compare the arms of each claim that is about an effect; the verdicts are corrected for all of them together.

    The spread between seeds of an accuracy is learned from all arms of the table, that of a recall from the
    claim's own arms: recalls of one class spread more.
    """
    everywhere, found = {}, {}
    for claim in CLAIMS:
        for arm in measured[claim.name]:
            if arm.group and arm.experiment.dataset == "fashion-mnist":
                everywhere[arm.experiment.canonical()] = arm.group.correct
        arms = measured[claim.name]
        found[claim.name] = [
            pair for pair in claim.judge.pairs(len(arms)) if all(arms[number].group for number in pair)
        ]
    tables = {}
    for claim in CLAIMS:
        pairs, arms = found[claim.name], measured[claim.name]
        if not pairs:
            continue
        label = claim.judge.label
        if label is None:
            keys = [arm.experiment.canonical() for arm in arms]
            named = [(keys[a], keys[b]) for a, b in pairs]
            table = metrics.compare_pairs(everywhere, pairs=named)
        else:
            recalled = {str(i): _of_class(arms[i].group, label) for pair in pairs for i in pair}
            table = metrics.compare_pairs(recalled, pairs=[(str(a), str(b)) for a, b in pairs])
        tables[claim.name] = table.set_axis(pd.MultiIndex.from_tuples(pairs), axis=0)
    if not tables:
        return {}
    family = metrics.corrected(pd.concat(tables))
    return {str(name): rows.droplevel(0) for name, rows in family.groupby(level=0, sort=False)}


def _of_class(group: Group, label: int) -> list[NDArray[np.bool_]]:
    return [run.correct[run.test_labels == label] for run in group]


def table(out: str | Path) -> pd.DataFrame:
    """Set every claim beside what the runs below `out`, or the published ones, say.

    Returns
    -------
    DataFrame, one row a claim; all text
        project, claim, holds if, measured, verdict, its protocol, our protocol, seeds (of those that are planned),
        runs ("published", "here", both, or none). Verdicts are those of `judging`, "cannot be judged" and
        "not yet run". ``attrs["runs"]`` has the keys of each row's runs, a list an arm; ``attrs["compared"]`` the
        number of comparisons that the verdicts about effects are corrected for; ``attrs["twice"]`` how
        many claims stand in the table a second time, tried by another protocol.
    """
    finished = Finished(out, PUBLISHED)
    measured = _measure(finished)
    changes = _compare(measured)
    rows, keys = [], []
    for claim in CLAIMS:
        arms = measured[claim.name]
        some = any(arm.group for arm in arms[1:] or arms)
        if all(arm.group for arm in arms) or (some and arms[0].group and claim.judge.judges_a_part):
            said, verdict = claim.judge.judge(arms, changes.get(claim.name, NOTHING))
        else:
            said, verdict = "", NOT_RUN
        if verdict == NOT_RUN:
            lacking = [
                item for arm, all_ in zip(arms, claim.experiments(), strict=True) if not arm.group for item in all_
            ]
            cost = duration(sum(estimate(experiment, finished.records) for experiment in lacking))
            said = f"{said}{'; ' if said else ''}would take about {cost} of training"
        rows.append(
            {
                "project": claim.project,
                "claim": claim.says,
                "holds if": claim.judge.holds_if,
                "measured": said,
                "verdict": verdict,
                "its protocol": claim.protocol,
                "our protocol": claim.ours,
                "seeds": _seeds(arms),
                "runs": _origin(arms, finished),
            }
        )
        keys.append([[run.key for run in arm.group] for arm in arms])
    whole = pd.DataFrame(rows)
    whole.attrs.update(runs=keys, compared=sum(map(len, changes.values())), twice=_tried_twice())
    return whole


NOTHING = pd.DataFrame(columns=["difference", "low", "high", "verdict"])


def _seeds(arms: list[Arm]) -> str:
    """Write how many seeds there are of how many that are planned: ``"3"``, ``"1 to 3 of 5"``."""
    there = [len(arm.group) for arm in arms]
    planned = [seeds_for(arm.experiment) for arm in arms]
    found = span(there)
    return (
        found if all(n >= wanted for n, wanted in zip(there, planned, strict=True)) else f"{found} of {span(planned)}"
    )


def _origin(arms: list[Arm], finished: Finished) -> str:
    origins = {"published" if finished.published(arm.experiment) else "here" for arm in arms if arm.group}
    return " and ".join(sorted(origins))


ARCHITECTURE = ["model", "project", "parameters", "claimed", "measured", "its epochs", "our epochs", "verdict"]


def architectures(out: str | Path) -> pd.DataFrame:
    """Set the accuracy that a project states for each architecture beside ours by our recipe, and the epochs of both.

    Returns
    -------
    DataFrame, one row an architecture with finished runs; none where there are none
        model, project, parameters, claimed, measured, its epochs, our epochs, verdict; accuracies as text.
    """
    finished = Finished(out, PUBLISHED)
    rows = []
    for claim in CLAIMS:
        group = finished.group(claim.arms[0]) if claim.accuracy is not None else None
        if not group or claim.accuracy is None:
            continue
        experiment, accuracy = claim.arms[0], finished.accuracy(claim.arms[0])
        data = "" if experiment.dataset == "fashion-mnist" else f" ({experiment.dataset})"
        rows.append(
            {
                "model": experiment.model + data,
                "project": claim.project,
                "parameters": group[0].parameters,
                "claimed": metrics.percent(claim.accuracy),
                "measured": str(accuracy),
                "its epochs": claim.epochs or "not stated",
                "our epochs": experiment.epochs,
                "verdict": metrics.reaches(accuracy, claim.accuracy),
            }
        )
    return pd.DataFrame(rows, columns=ARCHITECTURE)
