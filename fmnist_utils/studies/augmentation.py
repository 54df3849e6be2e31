"""What notebook 03 trains: one net with each augmentation alone; and which of these runs are finished, for 06."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from fmnist_utils.basics.system import PUBLISHED, from_root
from fmnist_utils.data.dataset import Dataset
from fmnist_utils.runs import trace
from fmnist_utils.runs.finished import Folder
from fmnist_utils.runs.groups import Group, Groups
from fmnist_utils.training.experiment import Experiment

NONE, TARGETED, EXTRA = "none", "targeted", "extra"


def plan(
    base: Experiment, augmentations: Sequence[str], targets: Sequence[str], doubled: Sequence[str]
) -> dict[str, Experiment]:
    """Name the experiments of notebook 03: none, each augmentation alone, and two that are meant for some classes.

    Parameters
    ----------
    base : what all have in common
    augmentations : shorthands, such as "flip" or "flip+translate"
    targets : classes whose images alone `targeted` changes, project 000's idea
    doubled : classes whose images `extra` counts twice, each time perhaps mirrored or shifted, project 004's idea
    """
    names = ["+".join(map(str.strip, name.split("+"))) for name in (NONE, *augmentations)]  # "flip " is "flip"
    arms = {name: base.but(augmentation=name) for name in names}
    arms[TARGETED] = base.but(augmentation=[{"name": name, "classes": targets} for name in ("affine", "erasing")])
    arms[EXTRA] = base.but(
        augmentation=[{"name": name, "classes": doubled, "probability": 0.5} for name in ("flip", "translate")],
        class_weights=dict.fromkeys(doubled, 2.0),
    )
    return arms


def finished(data: Dataset, out: str | Path) -> Groups:
    """Read the largest finished set of runs on these data that differ in their augmentation alone.

    The published ones go before those of `out`. Of sets of equal size the one on more images for more epochs counts;
    of experiments of one name that with more seeds, and the newest.

    Returns
    -------
    Groups
        By the names of `plan`, "none" first; empty where no folder has "none" and another one.
    """
    for place in dict.fromkeys((from_root(PUBLISHED), from_root(out))):
        folder = Folder(place)
        if place == from_root(out):
            trace.note_asked("03", place)
        dates = {record["key"]: str(record["provenance"].get("date", "")) for record in folder.records}
        sets: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        weight = {}
        for entry_name, entry in folder.entries.items():
            item = entry.experiment  # on these images, in a folder of whatever name
            if entry_name.checksum != data.checksum or not (name := arm(item)):
                continue
            alike = item.but(augmentation=NONE, class_weights={}).canonical()
            keys = [entry.keys[seed] for seed in sorted(entry.keys)]
            sets[alike][name] = max(
                sets[alike][name], keys, key=lambda keys: (len(keys), max(map(dates.__getitem__, keys), default=""))
            )
            weight[alike] = entry.train_size * item.epochs
        whole = [alike for alike, arms in sets.items() if NONE in arms and len(arms) > 1]
        if whole:
            arms = sets[max(whole, key=lambda alike: (len(sets[alike]), weight[alike]))]
            names = sorted(arms, key=lambda name: name != NONE)
            groups = {name: Group(filter(None, map(folder.store.load, arms[name]))) for name in names}
            return Groups({name: group for name, group in groups.items() if group})  # damaged ones are put aside
    return Groups()


def arm(experiment: Experiment) -> str:
    """Name an experiment by its augmentation, as `plan` does; "" if it weighs classes without augmenting them."""
    if any(item.classes for item in experiment.augmentation):
        return EXTRA if experiment.class_weights else TARGETED
    return "" if experiment.class_weights else "+".join(item.label for item in experiment.augmentation) or NONE
