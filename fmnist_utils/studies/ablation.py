"""The ablation: which ingredients of the starting recipe earn their place, one thing changed at a time.

Its first part is short, on a third of the images; its second part asks of a few changes what many epochs make of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fmnist_utils import sentences
from fmnist_utils.basics.system import PUBLISHED
from fmnist_utils.runs.finished import Finished
from fmnist_utils.runs.groups import Group, compare
from fmnist_utils.studies.recipes import STARTING_RECIPE
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.run import Run

REFERENCE = "the starting recipe"
BASE = STARTING_RECIPE.but(train_size=20_000, validation=True, test_time_views=False)
SEEDS = 3
# Further runs of the base, which on a machine of today are trained in bf16, where the first ones were in fp32.
PRECISION_SEEDS = (10, 11, 12)
PRECISION = "bf16 instead of fp32"
# An ingredient is taken away, or another stands in its place.
WITHOUT: dict[str, dict[str, Any]] = {
    "SGD instead of Muon": {"optimizer": "sgd", "lr": 0.05, "other_lr": 0.0, "momentum": 0.9},
    "AdamW instead of Muon": {"optimizer": "adamw", "lr": 4e-3, "other_lr": 0.0, "momentum": 0.9, "weight_decay": 0.02},
    "one cycle instead of linear decay": {"schedule": "one-cycle"},
    "random flips": {"augmentation": "flip+translate"},
    "no flips": {"augmentation": "translate"},
    "no translation": {"augmentation": "alternating-flip"},
    "no label smoothing": {"label_smoothing": 0.0},
    "compact's net": {"model": "compact"},  # a 3 x 3 stem, and three groups
    "mean pooling": {"model_options": {"pool": "mean"}},
    "ReLU": {"model_options": {"activation": "relu"}},
}
# What it does not have.
ADDED = "with "
WITH: dict[str, dict[str, Any]] = {
    "low resolution first": {"low_resolution": 0.5},
    "whitening stem": {"model_options": {"whitening": True}},
    "residual groups": {"model_options": {"residual": True}},
    "squeeze-and-excitation": {"model_options": {"excite": True}},
    "erasing": {"augmentation": "alternating-flip+translate+erasing"},
    "cutout": {"augmentation": "alternating-flip+translate+cutout"},
    "mixup": {"augmentation": "alternating-flip+translate+mixup"},
    "cutmix": {"augmentation": "alternating-flip+translate+cutmix"},
    "EMA": {"ema": 0.99},
}
CHANGES = WITHOUT | {ADDED + name: changed for name, changed in WITH.items()}
# The second part: what hinders nets from learning the training images by heart, or is said to help those that do, in
# as many epochs as that takes.
LONG = BASE.but(train_size=None, epochs=40)
LONG_SEEDS = 2
LONG_CHANGES = (
    "no translation", "no label smoothing", "with erasing", "with cutmix", "with residual groups", "with EMA",
)  # fmt: skip


def experiments() -> list[Experiment]:
    """Return all experiments of both parts: the starting recipe and every change of it, once for each seed."""
    arms = [BASE, *(BASE.but(**changed) for changed in CHANGES.values())]
    precise = [BASE.but(seed=seed) for seed in PRECISION_SEEDS]
    long = [LONG, *(LONG.but(**CHANGES[name]) for name in LONG_CHANGES)]
    return [
        *(arm.but(seed=seed) for arm in arms for seed in range(SEEDS)),
        *precise,
        *(arm.but(seed=seed) for arm in long for seed in range(LONG_SEEDS)),
    ]


def table(out: str | Path) -> pd.DataFrame:
    """Set the finished runs of every change beside those of the starting recipe, over the seeds that the latter has.

    Returns
    -------
    DataFrame, one row a change that has all these seeds, best first; empty where nothing is finished
        validation, the change in accuracy on the validation images, which is what decides; difference, low, high
        and verdict, that on the test images with its interval; time of a core, as a multiple of the starting recipe's;
        seeds, and reference seeds of the other side. The precision is no part of an experiment: its row compares those
        runs of the starting recipe itself that were trained in bf16 with those in fp32, where there are both, and is
        corrected by itself; it has no time. ``attrs["budget"]`` says what a training was given.
    """
    finished = Finished(out, PUBLISHED)
    table = _changed(finished, BASE, CHANGES, SEEDS)
    every = finished.group(BASE)
    by_precision = {name: Group(run for run in every if run.precision == name) for name in ("fp32", "bf16")}
    if len(table) and all(by_precision.values()):
        row = _measured({REFERENCE: by_precision["fp32"], PRECISION: by_precision["bf16"]}).assign(time=float("nan"))
        attributes = {**table.attrs, "each": table.attrs["each"] | row.attrs["each"]}
        table = pd.concat([table, row]).sort_values("validation", ascending=False)
        table.attrs = attributes
    return table


def long_table(out: str | Path) -> pd.DataFrame:
    """Set the changes of the second part beside the starting recipe, trained as long: as `table`, without precision."""
    return _changed(Finished(out, PUBLISHED), LONG, LONG_CHANGES, LONG_SEEDS)


def _changed(finished: Finished, base: Experiment, names: Iterable[str], most: int) -> pd.DataFrame:
    """Compare the changes called `names` with `base`, over those of its first `most` seeds that are finished."""
    groups = {REFERENCE: Group(run for run in finished.group(base) if run.experiment.seed < most)}
    seeds = [run.experiment.seed for run in groups[REFERENCE]]
    for name in names:
        runs = [run for run in finished.group(base.but(**CHANGES[name])) if run.experiment.seed in seeds]
        if seeds and len(runs) == len(seeds):
            groups[name] = Group(runs)
    if len(groups) == 1:
        return pd.DataFrame()
    table = _measured(groups).sort_values("validation", ascending=False)
    images = groups[REFERENCE][0].provenance["train_size"]
    table.attrs["budget"] = sentences.budget(images, base.epochs, len(seeds))
    return table


def _measured(groups: dict[str, Group]) -> pd.DataFrame:
    """Compare groups with the reference: on the test images, on the validation images, and in their time.

    Time is compared among the runs in the precision of the reference's first one.
    """
    precision = groups[REFERENCE][0].precision

    def mean(measure: Callable[[Run], float]) -> pd.Series[float]:
        return pd.Series({name: sum(map(measure, runs)) / len(runs) for name, runs in groups.items()})

    held_out = mean(lambda run: run.history[-1]["validation_accuracy"])
    alike = {name: Group(run for run in runs if run.precision == precision) for name, runs in groups.items()}
    seconds = pd.Series(
        {name: np.mean([_core_seconds(run) for run in runs] or [np.nan]) for name, runs in alike.items()}
    )
    return compare(groups, REFERENCE).assign(
        validation=held_out - held_out[REFERENCE],
        time=seconds / seconds[REFERENCE],
        seeds=pd.Series({name: len(runs) for name, runs in groups.items()}),
        **{"reference seeds": len(groups[REFERENCE])},
    )


def _core_seconds(run: Run) -> float:
    """What a training took of the machine: seconds times threads."""
    return run.seconds * (run.provenance["threads"] if run.provenance["device"] == "cpu" else 1)
