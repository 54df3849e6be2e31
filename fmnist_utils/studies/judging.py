"""How a claim is judged: what would have to be true, and the word that follows from the runs.

Of an accuracy: *reached* (our interval lies above the claimed number), *within reach* (it holds the number), *not
reached* (it lies below); claims that say "below" or name a range are *reached* by an interval below it, or within it,
and *contradicted* by one above. Of an effect: *shown*, *not shown*, *contradicted* (the opposite is shown), after
Holm's correction for all comparisons of the table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fmnist_utils import sentences
from fmnist_utils.analysis.compare import Estimate, lost_by_correction, reaches
from fmnist_utils.basics.text import percent, points
from fmnist_utils.runs.groups import Group
from fmnist_utils.training.experiment import Experiment

NOT_RUN = "not yet run"
UNJUDGED = "cannot be judged"


@dataclass(frozen=True)
class Arm:
    """What is known of one arm: its experiment, its finished runs (perhaps none), and then its test accuracy."""

    experiment: Experiment
    group: Group
    accuracy: Estimate | None = None


Judgement = tuple[str, str]  # what was measured, and the verdict; both as text


@dataclass(frozen=True)
class Judge(ABC):
    """Base of the judges.

    Attributes
    ----------
    holds_if : what would have to be true, in words
    label : the class whose images alone are compared; None for all images
    """

    holds_if: str
    label: int | None = None

    def pairs(self, arms: int) -> list[tuple[int, int]]:
        """Numbers of the arms to compare, the first minus the second of each pair."""
        return []

    @abstractmethod
    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge the arms.

        Parameters
        ----------
        arms : in the claim's order; all have runs, unless `judges_a_part`
        changes : one row a pair whose arms both have runs: difference, low, high (shares), verdict (corrected)
        """

    @property
    def judges_a_part(self) -> bool:
        """Whether some arms alone may settle the claim."""
        return False


def _accuracies(arms: Sequence[Arm]) -> list[Estimate]:
    return [arm.accuracy for arm in arms if arm.accuracy is not None]


@dataclass(frozen=True)
class Reaches(Judge):
    """The accuracy of the first arm is at least `claimed` (a share)."""

    claimed: float = 0.0

    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge by `metrics.reaches`."""
        [measured] = _accuracies(arms)
        return str(measured), reaches(measured, self.claimed)


@dataclass(frozen=True)
class StaysBelow(Judge):
    """The accuracy of the first arm is below `limit` (a share)."""

    limit: float = 1.0

    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge by the interval: below, around or above the limit."""
        [measured] = _accuracies(arms)
        words = {"reached": "contradicted", "not reached": "reached"}
        verdict = reaches(measured, self.limit)
        return str(measured), words.get(verdict, verdict)


@dataclass(frozen=True)
class Between(Judge):
    """The accuracy of every arm lies between `low` and `high` (shares)."""

    low: float = 0.0
    high: float = 1.0

    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge by the intervals: all within, one wholly above, one wholly below, or none of these."""
        measured = _accuracies(arms)
        text = "; ".join(f"{_size(arm)}: {arm.accuracy}" for arm in arms)
        if any(np.isnan(estimate.low) for estimate in measured):
            return text, UNJUDGED
        if any(estimate.low > self.high for estimate in measured):
            return text, "contradicted"
        if any(estimate.high < self.low for estimate in measured):
            return text, "not reached"
        within = all(self.low <= estimate.low and estimate.high <= self.high for estimate in measured)
        return text, "reached" if within else "within reach"


def _size(arm: Arm) -> str:
    return f"{arm.group[0].parameters:,} parameters, {arm.experiment.optimizer}"


@dataclass(frozen=True)
class Differs(Judge):
    """The second arm differs from the first with `sign`; `claimed` (a share, signed) is by how much, if stated."""

    sign: int = 1
    claimed: float | None = None
    measure: str = ""

    def pairs(self, arms: int) -> list[tuple[int, int]]:
        return [(1, 0)]

    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge by the corrected verdict of the one comparison."""
        [change] = [row for _, row in changes.iterrows()]
        text = f"{self.measure} {sentences.sized(change)}".strip()
        if np.isnan(change["low"]):
            return text, UNJUDGED
        if self.claimed is not None:
            text += (
                f"; the claimed {points(self.claimed)} {sentences.where(self.claimed, change['low'], change['high'])}"
            )
        if lost_by_correction(change["verdict"], change["low"], change["high"]):
            text += f"; no measurable difference{sentences.CORRECTED}"
        return text, _effect(change["verdict"], self.sign)


def _effect(verdict: str, sign: int) -> str:
    found = {"better": 1, "worse": -1}.get(verdict, 0) * sign
    return {1: "shown", 0: "not shown", -1: "contradicted"}[found]


@dataclass(frozen=True)
class OnlyHurts(Judge):
    """Every arm after the first is worse than the first; `thing` is what they are. Notebook 03 judges so, too."""

    thing: str = "change"
    names: tuple[str, ...] = ()

    def pairs(self, arms: int) -> list[tuple[int, int]]:
        return [(i, 0) for i in range(1, arms)]

    @property
    def judges_a_part(self) -> bool:
        """One that helps is enough to contradict; that none helps takes all."""
        return True

    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge by the corrected verdicts of all comparisons."""
        table = changes.set_axis([self.names[i - 1] for i, _ in changes.index], axis=0)
        text = sentences.tally(table, self.thing)
        if (table["verdict"] == "better").any():
            return text, "contradicted"
        if len(table) < len(self.names):
            lacking = len(self.names) - len(table)
            said = f"{text}; {lacking} {'is' if lacking == 1 else 'are'} {NOT_RUN}"
            return said if len(table) else "", NOT_RUN
        if table["low"].isna().any():
            return text, UNJUDGED
        return text, "shown" if (table["verdict"] == "worse").all() else "not shown"


@dataclass(frozen=True)
class FirstIsBest(Judge):
    """The first arm is better than every other."""

    def pairs(self, arms: int) -> list[tuple[int, int]]:
        return [(0, i) for i in range(1, arms)]

    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge by the corrected verdicts: shown if all are overtaken, contradicted if one is ahead."""
        ranked = sorted(arms, key=lambda arm: -arm.accuracy.mean if arm.accuracy else 0.0)
        text = "; ".join(f"{arm.experiment.optimizer} {arm.accuracy}" for arm in ranked)
        if changes["low"].isna().any():
            return text, UNJUDGED
        if (changes["verdict"] == "worse").any():
            return text, "contradicted"
        return text, "shown" if (changes["verdict"] == "better").all() else "not shown"


@dataclass(frozen=True)
class Overfits(Judge):
    """Training accuracy exceeds `train` for every seed, while the interval of test accuracy lies below `test`."""

    train: float = 1.0
    test: float = 0.0

    def judge(self, arms: Sequence[Arm], changes: pd.DataFrame) -> Judgement:
        """Judge both sides; one of them being the other way round contradicts."""
        seen = np.array([run.train_accuracy for run in arms[0].group])
        [unseen] = _accuracies(arms)
        text = f"training {percent(float(seen.mean()))}, test {unseen}"
        if np.isnan(unseen.low):
            return text, UNJUDGED
        if (seen > self.train).all() and unseen.high < self.test:
            return text, "shown"
        return text, "contradicted" if (seen < self.train).all() or unseen.low > self.test else "not shown"


def reach(claimed: float) -> Reaches:
    """Judge whether the accuracy is at least `claimed`."""
    return Reaches(f"the interval lies above {percent(claimed)}", claimed=claimed)
