"""Our own nets: their sizes, the recipes that they are trained by, and what their finished runs reach."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from fmnist_utils import models
from fmnist_utils.basics.errors import UserError, brief, nearest
from fmnist_utils.basics.system import PUBLISHED
from fmnist_utils.basics.text import counted, duration
from fmnist_utils.data.dataset import Dataset
from fmnist_utils.data.locate import MissingData, locate
from fmnist_utils.runs.cost import estimate
from fmnist_utils.runs.finished import Finished
from fmnist_utils.runs.groups import Group, Groups
from fmnist_utils.training.experiment import Experiment

# airbench's ingredients at rates that suit 28 x 28 grey images: the recipe that the ablation starts from.
STARTING_RECIPE = Experiment(
    model="sprint", optimizer="muon", lr=0.08, other_lr=0.05, momentum=0.6, weight_decay=5e-4, schedule="linear",
    label_smoothing=0.1, batch_size=256, augmentation="alternating-flip+translate", epochs=5, validation=False,
    test_time_views=True,
)  # fmt: skip
SHIFTED_AND_ERASED = [{"name": "alternating-flip"}, {"name": "translate", "pixels": 1}, {"name": "erasing"}]
RECIPES = {
    # What the validation images spoke for, in the ablation and in trainings on all images: in so few epochs there is
    # nothing to gain from shifted images.
    "sprint": STARTING_RECIPE.but(
        augmentation="alternating-flip", model_options={"activation": "relu", "whitening": True}, epochs=6
    ),
    # A net of compact's kind, as short: its full-size first layer costs two thirds more time an epoch than sprint's,
    # but on held-out images five epochs of it are ahead of nine of sprint. So was half the smoothing of labels; the
    # whitening stem and the wider last group were, by less than seeds differ.
    "dash": STARTING_RECIPE.but(
        model="compact",
        augmentation="alternating-flip",
        model_options={"activation": "relu", "stem": 18, "whitening": True, "widths": "32,64,160"},
        label_smoothing=0.05,
        epochs=5,
    ),
    # A third of compact's weights, in more layers, the first ones at full size: after 30 epochs that was ahead, on
    # held-out images, of the same net with a halving more, and this one of one with two layers a group.
    "tiny": STARTING_RECIPE.but(
        model="tiny", augmentation="alternating-flip+erasing", model_options={"full_size": 1}, epochs=100
    ),
    # As many weights as compact in more layers, the first ones at full size: two and a half times the time of an epoch.
    # On held-out images that was ahead after 24 epochs, which is why it gets a hundred, as many as tiny.
    "sharp": STARTING_RECIPE.but(
        model="compact",
        augmentation="alternating-flip+erasing",
        model_options={"activation": "relu", "depth": 3, "full_size": 1, "residual": True, "widths": "32,48,96"},
        epochs=100,
    ),
    # Erasing needs many epochs to pay; with it, shifts take away more than they give, by 25 epochs of sprint's net.
    "compact": STARTING_RECIPE.but(model="compact", augmentation="alternating-flip+erasing", epochs=60),
    # Three times as many parameters learn erased images alone by heart, which compact nearly does (98 % of them right
    # at its end); shifts by two pixels were too much. So by one: a middle course, chosen before any run of it.
    "best": STARTING_RECIPE.but(model="best", augmentation=SHIFTED_AND_ERASED, epochs=50),
}
# Compact's recipe for handwritten digits. One in the mirror is no digit, or another, so shifts by a pixel stand in the
# place of flips, and no views are averaged: half of them are mirrored, too.
RECIPES["digits"] = RECIPES["compact"].but(
    dataset="mnist", augmentation=[{"name": "translate", "pixels": 1}, {"name": "erasing"}], test_time_views=False
)
SEEDS = {"sprint": 5, "dash": 3, "tiny": 3, "sharp": 3, "compact": 3, "best": 2, "digits": 2}


def find(name: str) -> Experiment:
    """Return the recipe called `name`.

    Raises
    ------
    UserError
        A name that no recipe has, with the nearest one.
    """
    if name not in RECIPES:
        raise UserError(f"unknown recipe {brief(name)}{nearest(name, RECIPES)} (recipes: {', '.join(RECIPES)})")
    return RECIPES[name]


def options(model: str) -> dict[str, int | float | bool | str]:
    """Return the options of the net called `model`: those of the recipe of that name, or none."""
    return dict(RECIPES[model].model_options) if model in RECIPES else {}


def find_all(names: Iterable[str] | str) -> dict[str, Experiment]:
    """Look recipes up by names, or one by its name; "all" stands for every one. Raises UserError as `find` does."""
    names = [names] if isinstance(names, str) else names
    return {other: find(other) for name in names for other in (RECIPES if name == "all" else [name])}


def experiments(names: Iterable[str] | str) -> list[Experiment]:
    """Return the experiments of the recipes called `names`, once for each seed; "all" stands for every recipe.

    Recipes of a data set that is not on this machine are left out, with a line that says how to get it.
    """
    chosen = find_all(names)
    return on_this_machine([recipe.but(seed=seed) for name, recipe in chosen.items() for seed in range(SEEDS[name])])


def on_this_machine(experiments: Iterable[Experiment], what: str = "recipes") -> list[Experiment]:
    """Leave out the experiments whose data are not here; a line says so of those of each data set, called `what`."""
    experiments, missing = list(experiments), set()
    for dataset in sorted({experiment.dataset for experiment in experiments}):
        try:
            locate(dataset)
        except MissingData as error:
            print(f"Left out, the {what} about {dataset}: {error}", flush=True)
            missing.add(dataset)
    return [experiment for experiment in experiments if experiment.dataset not in missing]


def published(dataset: Dataset) -> Groups:
    """Read the published runs of every recipe on exactly these data, by its name; none where there are none.

    Thin ones are left out, as they have no probabilities.
    """
    finished = Finished(PUBLISHED)
    groups = {name: finished.group(recipe.but(dataset=dataset.name)) for name, recipe in RECIPES.items()}
    same = {
        name: Group(run for run in group if run.provenance["dataset_checksum"] == dataset.checksum and not run.is_thin)
        for name, group in groups.items()
    }
    return Groups({name: group for name, group in same.items() if group})


def table(out: str | Path) -> pd.DataFrame:
    """Say what each recipe has reached, in the runs below `out` and the published ones.

    Returns
    -------
    DataFrame, one row a recipe; all text
        recipe (with its net, where that is called otherwise, or the one that it is like, and its data, if they are not
        Fashion-MNIST), parameters, epochs, accuracy of the plain images, that of six views of each (never mixed with
        the former; "none" for images that may not be mirrored), and the minutes of a training; or what it would take,
        where no run is finished.
        ``attrs["runs"]`` has the keys of each row's runs.
    """
    finished = Finished(out, PUBLISHED)
    groups = {name: finished.group(recipe) for name, recipe in RECIPES.items()}
    rows = []
    for name, recipe in RECIPES.items():
        size = models.count_parameters(models.build(recipe.model, 10, **recipe.model_options))
        data = f", {recipe.dataset}" if recipe.dataset != "fashion-mnist" else ""
        net = f"net {'of' if recipe.model_options == options(recipe.model) else 'like'} {recipe.model}"
        views = str(finished.view_accuracy(recipe) or "not yet run")
        group, expected = groups[name], duration(estimate(recipe, finished.records))
        rows.append(
            {
                "recipe": name if name == recipe.model else f"{name} ({net}{data})",
                "parameters": f"{size:,}",
                "epochs": str(recipe.epochs),
                "accuracy": str(finished.accuracy(recipe)) if group else "not yet run",
                "with six views": views if recipe.test_time_views else "none",
                "a training": cost(group) if group else f"would take about {expected}",
            }
        )
    table = pd.DataFrame(rows)
    table.attrs["runs"] = [[[run.key for run in group]] for group in groups.values()]
    return table


def cost(group: Group) -> str:
    """Say what a training took, on the mean, and on what: ``"3 min 08 s on cpu, 2 threads"``."""
    where = group[0].provenance
    threads = f", {counted(where['threads'], 'thread')}" if where["device"] == "cpu" else ""
    return f"{duration(group.seconds)} on {where['device']}{threads}"
