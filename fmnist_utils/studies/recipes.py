"""The frontier: three nets of ours by recipes of their own, what each trick is worth, and the best public figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_utils import models
from fmnist_utils.analysis import metrics
from fmnist_utils.errors import UserError, brief, nearest
from fmnist_utils.runs.cost import estimate, seconds_of
from fmnist_utils.runs.store import Shelf
from fmnist_utils.studies.claim_list import CLAIMS
from fmnist_utils.system import PUBLISHED
from fmnist_utils.text import counted, duration
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.run import Run, accuracies, changes


@dataclass(frozen=True)
class PublicFigure:
    """What somebody else reports for Fashion-MNIST, on the current files unless `says` tells otherwise.

    Attributes
    ----------
    name, says : the model, and how it was trained and judged
    accuracy : of the last epoch on the test set, a share
    parameters, epochs : as reported; `parameters` counted from the model's layers where not
    multiply_adds : of one image of 28 x 28, counted from the model's layers
    source : address
    """

    name: str
    says: str
    accuracy: float
    parameters: float
    epochs: int
    multiply_adds: float
    source: str

    @property
    def seconds(self) -> float:
        """What its training would take on two CPU cores, estimated from its arithmetic."""
        return 60_000 * self.epochs * seconds_of(self.multiply_adds)


PUBLIC = (
    PublicFigure(
        "ResNet-20, erasing", "crop with padding 4, flip, random erasing; mean of several runs, ± 0.04",
        0.9555, 0.27e6, 300, 31e6, "https://github.com/zhunzhong07/Random-Erasing/issues/10",
    ),
    PublicFigure(
        "WRN-28-10, erasing", "crop, flip, random erasing; one run, its last epoch (its best had 95.80 %)",
        0.9570, 36.5e6, 300, 4.0e9, "https://github.com/zhunzhong07/Random-Erasing/issues/9",
    ),
    PublicFigure(
        "WRN-40-4, many tricks", "CutMix, RandAugment, erasing, EMA, smoothing; its last epoch (best 96.74 %)",
        0.9659, 8.9e6, 1000, 1.0e9, "https://github.com/Liang-yc/fn_playground",
    ),
)  # fmt: skip

# --- our recipes ---------------------------------------------------------------------------------------

# airbench's ingredients at rates that suit 28 x 28 grey images: what the ablation starts from.
FIRST = Experiment(
    model="sprint", optimizer="muon", lr=0.08, other_lr=0.05, momentum=0.6, weight_decay=5e-4, schedule="linear",
    label_smoothing=0.1, batch_size=256, augmentation="alternating-flip+translate", epochs=5, validation=False,
    test_time_views=True,
)  # fmt: skip
# What the validation images spoke for, in the ablation and in trainings on all images: in so few epochs there is
# nothing to gain from shifted images.
SPRINT = FIRST.but(augmentation="alternating-flip", model_options={"activation": "relu", "whitening": True}, epochs=6)
SHIFTED_AND_ERASED = [{"name": "alternating-flip"}, {"name": "translate", "pixels": 1}, {"name": "erasing"}]
RECIPES = {
    "sprint": SPRINT,
    # Erasing needs many epochs to pay; with it, shifts take away more than they give, by 25 epochs of sprint's net.
    "compact": FIRST.but(model="compact", augmentation="alternating-flip+erasing", epochs=60),
    # Three times as many parameters learn erased images alone by heart, which compact nearly does (98 % of them right
    # at its end); shifts by two pixels were too much. So by one: a middle course, chosen before any run of it.
    "best": FIRST.but(model="best", augmentation=SHIFTED_AND_ERASED, epochs=50),
}
SEEDS = {"sprint": 3, "compact": 2, "best": 1}

# The ablation: the first recipe on a third of the images, with one thing changed at a time. First what it has.
PLAIN = "the first recipe"
ABLATED = FIRST.but(train_size=20_000, validation=True, test_time_views=False)
TRICK_SEEDS = 3
TRICKS: dict[str, dict[str, Any]] = {
    "SGD for Muon": {"optimizer": "sgd", "lr": 0.05, "other_lr": 0.0, "momentum": 0.9},
    "AdamW for Muon": {"optimizer": "adamw", "lr": 4e-3, "other_lr": 0.0, "momentum": 0.9, "weight_decay": 0.02},
    "one cycle for linear decay": {"schedule": "one-cycle"},
    "random flips": {"augmentation": "flip+translate"},
    "no flips": {"augmentation": "translate"},
    "no translation": {"augmentation": "alternating-flip"},
    "no label smoothing": {"label_smoothing": 0.0},
    "3 x 3 stem": {"model": "compact"},
    "mean pooling": {"model_options": {"pool": "mean"}},
    "ReLU": {"model_options": {"activation": "relu"}},
    # What it does not have.
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
NAMES = (*RECIPES, "tricks")


def planned(names: Iterable[str]) -> list[Experiment]:
    """Return all experiments of the frontier's parts: "sprint", "compact", "best", "tricks", or "all".

    Raises
    ------
    UserError
        A name that is no part of it, with the nearest one.
    """
    names = list(names)
    for name in names:
        if name not in (*NAMES, "all"):
            raise UserError(f"frontier: unknown {brief(name)}{nearest(name, NAMES)} (allowed: all, {', '.join(NAMES)})")
    chosen = [name for name in NAMES if name in names or "all" in names]
    found = [RECIPES[name].but(seed=seed) for name in chosen if name in RECIPES for seed in range(SEEDS[name])]
    if "tricks" in chosen:
        arms = [ABLATED, *(ABLATED.but(**changes) for changes in TRICKS.values())]
        found += [arm.but(seed=seed) for arm in arms for seed in range(TRICK_SEEDS)]
    return found


def _finished(shelf: Shelf, experiment: Experiment, seeds: Iterable[int]) -> list[Run]:
    return [run for seed in seeds if (run := shelf.get(experiment.but(seed=seed))) is not None]


def table(out: str | Path) -> Any:
    """Say what each size has reached, in the runs below `out` and the published ones.

    Returns
    -------
    DataFrame, one row a size
        model, parameters, epochs, accuracy of the plain images, accuracy of six views of each (never mixed with
        the former), and the minutes of a training; or its planned cost, where no run is finished. All text.
    """
    import pandas as pd

    shelf = Shelf(out, PUBLISHED)
    return pd.DataFrame([_row(name, recipe, shelf) for name, recipe in RECIPES.items()])


def _row(name: str, recipe: Experiment, shelf: Shelf) -> dict[str, Any]:
    row = {
        "model": name,
        "parameters": f"{models.count_parameters(models.build(recipe.model, 10, **recipe.model_options)):,}",
    }
    row["epochs"] = str(recipe.epochs)
    runs = _finished(shelf, recipe, range(SEEDS[name]))
    if not runs:
        cost = f"planned: about {duration(estimate(recipe, shelf.records))}"
        return {**row, "accuracy": "not yet run", "with six views": "not yet run", "a training": cost}
    seen = [run.view_predictions == run.test_labels for run in runs if run.view_predictions is not None]
    where = runs[0].provenance
    spent = f"{duration(sum(run.seconds for run in runs) / len(runs))} on {where['device']}"
    threads = f", {counted(where['threads'], 'thread')}" if where["device"] == "cpu" else ""
    return {
        **row,
        "accuracy": str(accuracies(runs)),
        "with six views": str(metrics.accuracy_estimate(seen)),
        "a training": spent + threads,
    }


def ablation(out: str | Path) -> Any:
    """Set the finished runs of every change beside those of the plain recipe, over the seeds that the latter has.

    Returns
    -------
    DataFrame, one row a change that has all these seeds, best first; empty where nothing is finished
        validation, the change in accuracy on the validation images, which is what decides; difference, low, high
        and verdict, that on the test images with its interval; time, as a multiple of the plain recipe's; seeds.
    """
    import pandas as pd

    shelf = Shelf(out, PUBLISHED)
    groups = {PLAIN: _finished(shelf, ABLATED, range(TRICK_SEEDS))}
    seeds = [run.experiment.seed for run in groups[PLAIN]]
    for name, changed in TRICKS.items():
        runs = _finished(shelf, ABLATED.but(**changed), seeds)
        if seeds and len(runs) == len(seeds):
            groups[name] = runs
    if len(groups) == 1:
        return pd.DataFrame()

    def mean(measure: Callable[[Run], float]) -> Any:
        return pd.Series({name: sum(map(measure, runs)) / len(seeds) for name, runs in groups.items()})

    held_out, seconds = mean(lambda run: run.history[-1]["validation_accuracy"]), mean(lambda run: run.seconds)
    compared = {"validation": held_out - held_out[PLAIN], "time": seconds / seconds[PLAIN], "seeds": len(seeds)}
    return changes(groups, PLAIN).assign(**compared).sort_values("validation", ascending=False)


def landscape(out: str | Path) -> Any:
    """Set our sizes, the seeds' architectures by our recipe, and the public figures side by side.

    The seconds are estimated from the arithmetic for all alike: measured ones would compare machines and their load.

    Returns
    -------
    DataFrame, indexed by name
        parameters, seconds (of a whole training on two CPU cores), accuracy, low, high (shares; for public figures
        all three the same), source.
    """
    import pandas as pd

    shelf = Shelf(out, PUBLISHED)
    ours = [(name, recipe, SEEDS[name], "ours") for name, recipe in RECIPES.items()]
    ours += [
        (c.arms[0].model, c.arms[0], c.seeds, f"seed {c.seed}")
        for c in CLAIMS
        if c.accuracy and c.arms[0].dataset == "fashion-mnist"
    ]
    rows = {}
    for name, experiment, seeds, source in ours:
        runs = _finished(shelf, experiment, range(seeds))
        if runs:
            accuracy, images = accuracies(runs), runs[0].provenance["train_size"] * experiment.epochs
            rows[name] = {
                "parameters": runs[0].parameters, "seconds": images * seconds_of(runs[0].multiply_adds),
                "accuracy": accuracy.mean, "low": accuracy.low, "high": accuracy.high, "source": source,
            }  # fmt: skip
    for figure in PUBLIC:
        rows[figure.name] = {
            "parameters": figure.parameters, "seconds": figure.seconds, "source": figure.source,
            **dict.fromkeys(("accuracy", "low", "high"), figure.accuracy),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def headline(dataset: str, data_dir: str, epochs: int, seed: int, train_size: int = 0) -> Experiment:
    """Return the headline experiment of notebooks 05 and 06: the frontier's first recipe in the caller's budget."""
    return FIRST.but(
        dataset=dataset,
        data_dir=data_dir,
        epochs=epochs,
        seed=seed,
        train_size=train_size,
        validation=True,
        test_time_views=False,
    )
