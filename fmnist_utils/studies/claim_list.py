"""The list of claims: what the five source projects said, as data, with the experiments that test each claim.

Where a project leaves its protocol open, the entry's `protocol` says so, and ours is stated in `ours`.
The projects trained on all 60,000 images, chose on the test set, and gave one run a number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fmnist_utils.analysis import metrics
from fmnist_utils.runs.groups import Group
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.run import Run

Arms = Sequence[Sequence[Run]]
Judge = Callable[[Arms], tuple[str, str]]


@dataclass(frozen=True)
class Claim:
    """One claim of a source project.

    Attributes
    ----------
    name : short id, the project's number first
    says : the claim, in the project's sense
    protocol, ours : how the project measured, and how we do
    arms : experiments to compare, or one alone; each is trained with seeds 0, 1, … `seeds` - 1
    judge : turns the arms' runs into the measured figure and a verdict
    seeds : trainings of each arm
    accuracy, epochs : what the project reached with this architecture (a share) and in how many epochs, for claims
        that ours is to match with a recipe of its own; None where it is not about that, or not stated
    """

    name: str
    says: str
    protocol: str
    ours: str
    arms: tuple[Experiment, ...]
    judge: Judge
    seeds: int = 3
    accuracy: float | None = None
    epochs: int | None = None

    @property
    def project(self) -> str:
        """Number of the source project, such as "000"."""
        return self.name[:3]

    def experiments(self) -> list[list[Experiment]]:
        """Every arm, once for each random seed."""
        return [[arm.but(seed=seed) for seed in range(self.seeds)] for arm in self.arms]


def reaches(claimed: float) -> Judge:
    """Reached if the mean test accuracy of the first arm is at least `claimed` (a share)."""

    def judge(arms: Arms) -> tuple[str, str]:
        measured = Group(arms[0]).accuracy
        return str(measured), "reached" if measured.mean >= claimed else "not reached"

    return judge


def differs(sign: int) -> Judge:
    """Reached if the second arm differs from the first measurably with `sign`; contradicted if the other way."""

    def judge(arms: Arms) -> tuple[str, str]:
        change = metrics.compare([run.correct for run in arms[1]], [run.correct for run in arms[0]])
        verdicts = {"better": 1, "worse": -1}
        found = verdicts.get(change.verdict, 0) * sign
        return str(change), {1: "reached", 0: "not reached", -1: "contradicted"}[found]

    return judge


def falls_short(limit: float) -> Judge:
    """Reached if the mean test accuracy of the first arm stays below `limit`, contradicted otherwise."""

    def judge(arms: Arms) -> tuple[str, str]:
        measured = Group(arms[0]).accuracy
        return str(measured), "reached" if measured.mean < limit else "contradicted"

    return judge


def overfits(train: float, test: float) -> Judge:
    """Reached if training accuracy exceeds `train` while test accuracy stays at or below `test`."""

    def judge(arms: Arms) -> tuple[str, str]:
        seen = float(np.mean([run.train_accuracy for run in arms[0]]))
        unseen = Group(arms[0]).accuracy
        found = seen > train and unseen.mean <= test
        return f"training {seen:.2%}, test {unseen}", "reached" if found else "not reached"

    return judge


def recall_falls(label: int) -> Judge:
    """Reached if the recall of class `label` is lower in the second arm for every seed, contradicted if higher."""

    def judge(arms: Arms) -> tuple[str, str]:
        change = np.array(
            [
                float(
                    after.correct[after.test_labels == label].mean()
                    - before.correct[before.test_labels == label].mean()
                )
                for before, after in zip(*arms, strict=True)
            ]
        )
        verdict = "reached" if (change < 0).all() else "contradicted" if (change > 0).all() else "not reached"
        return f"recall {100 * change.mean():+.1f} points", verdict

    return judge


def best_is_first(arms: Arms) -> tuple[str, str]:
    """Judge a ranking: reached if no other arm is measurably better than the first, contradicted if one is."""
    first, *others = arms
    means = [Group(runs).accuracy.mean for runs in arms]
    order = np.argsort(means)[::-1]
    text = ", ".join(f"{arms[i][0].experiment.optimizer} {means[i]:.2%}" for i in order)
    beaten = any(
        metrics.compare([run.correct for run in runs], [run.correct for run in first]).verdict == "better"
        for runs in others
    )
    return text, "contradicted" if beaten else "reached"


# --- protocols -----------------------------------------------------------------------------------------

PROJECT_DEFAULT = Experiment(optimizer="adam", lr=1e-3, batch_size=64, validation=False)
TARGETED = ("T-shirt/top", "Pullover", "Coat", "Shirt")
TARGETED_AUGMENTATION = [{"name": "affine", "classes": TARGETED}, {"name": "erasing", "classes": TARGETED}]
# Ours: AdamW with one cycle of the learning rate, mirrored and slightly shifted images, smoothed labels.
OURS = PROJECT_DEFAULT.but(
    optimizer="adamw", lr=4e-3, weight_decay=0.02, schedule="one-cycle", batch_size=128, label_smoothing=0.1,
    augmentation=[{"name": "flip"}, {"name": "translate", "pixels": 1}],
)  # fmt: skip
OURS_IN_WORDS = "AdamW, one-cycle, flips, shifts by 1 pixel, label smoothing, batch 128"


def _as_published(name: str, model: str, accuracy: float, protocol: str, note: str = "", **changes: object) -> Claim:
    """A row of a project's results table, trained the project's way."""
    experiment = PROJECT_DEFAULT.but(model=model, **changes)
    says = f"{model} {100 * accuracy:.2f} %{note}"
    return Claim(name, says, protocol, f"the same, {experiment.epochs} epochs", (experiment,), reaches(accuracy))


def _by_our_recipe(
    name: str,
    model: str,
    accuracy: float,
    protocol: str,
    epochs: int,
    seeds: int = 3,
    its_epochs: int | None = None,
    **changes: object,
) -> Claim:
    """The same architecture under our recipe."""
    experiment = OURS.but(**{"model": model, "epochs": epochs, **changes})
    ours = f"{OURS_IN_WORDS}, {epochs} epochs"
    says = f"{model} {100 * accuracy:.2f} %"
    return Claim(name, says, protocol, ours, (experiment,), reaches(accuracy), seeds, accuracy, its_epochs)


TABLE_000 = "Adam 0.001, batch 64, {} epochs, one run"
DROPOUT = {"conv_dropout": 0.2, "dropout": 0.4}
OPEN = "one run; epochs, batch and optimizer not stated"
ADAM_20 = PROJECT_DEFAULT.but(epochs=20)

CLAIMS: tuple[Claim, ...] = (
    # Project 000: its table row by row.
    _as_published("000-row-1", "cnn-small", 0.8423, TABLE_000.format(10), epochs=10),
    _as_published(
        "000-row-2", "cnn-small", 0.8240, TABLE_000.format(10), ", affine and erasing on four classes",
        epochs=10, augmentation=TARGETED_AUGMENTATION,
    ),
    _as_published("000-row-3", "cnn-mid", 0.8607, TABLE_000.format(10), epochs=10),
    _as_published("000-row-4", "cnn-mid", 0.8870, TABLE_000.format(20), epochs=20),
    _as_published("000-row-5", "cnn-big", 0.8784, TABLE_000.format(20), epochs=20),
    _as_published(
        "000-row-6", "cnn-big", 0.8625, TABLE_000.format(20), ", element-wise dropout",
        epochs=20, model_options={**DROPOUT, "dropout_kind": "element"},
    ),
    _as_published(
        "000-row-7", "cnn-big", 0.8708, TABLE_000.format(20), ", 2-d dropout, weight decay",
        epochs=20, model_options=DROPOUT, weight_decay=1e-4,
    ),
    _as_published(
        "000-row-8", "cnn-big", 0.8476, "Adam 0.001 + schedule, batch 128, 25 epochs, one run", ", schedule, batch 128",
        epochs=25, model_options=DROPOUT, weight_decay=1e-4, schedule="step", batch_size=128,
    ),
    _as_published(
        "000-row-9", "cnn-big", 0.8791, "Adam 0.001 + schedule, batch 64, 25 epochs, one run", ", schedule, batch 64",
        epochs=25, model_options=DROPOUT, weight_decay=1e-4, schedule="step",
    ),
    Claim(
        "000-augmentation", "augmentation only hurts: the data set is too clean", "one run each, 10 epochs",
        "cnn-small, 10 epochs, targeted against none",
        tuple(PROJECT_DEFAULT.but(model="cnn-small", augmentation=its) for its in ("none", TARGETED_AUGMENTATION)),
        differs(-1),
    ),
    Claim(
        "000-dropout", "2-d is the right dropout between convolutions", "one run each, weight decay added as well",
        "cnn-big, 20 epochs, 2-d against element-wise",
        tuple(
            ADAM_20.but(model="cnn-big", model_options={**DROPOUT, "dropout_kind": kind}) for kind in ("element", "2d")
        ),
        differs(1),
    ),
    Claim(
        "000-schedule", "too much regularization with the schedule", "one run, 25 epochs against 20 without",
        "cnn-big with dropout and decay, 25 epochs, step schedule against constant",
        tuple(
            PROJECT_DEFAULT.but(model="cnn-big", epochs=25, model_options=DROPOUT, weight_decay=1e-4, schedule=schedule)
            for schedule in ("constant", "step")
        ),
        differs(-1),
    ),
    # Projects 000 and 002 in half of their epochs, and the nets of project 001, whose epochs are not stated.
    _by_our_recipe("000-small", "cnn-small", 0.8423, TABLE_000.format(10), 5, its_epochs=10, lr=1e-2),
    _by_our_recipe("000-mid", "cnn-mid", 0.8870, TABLE_000.format(20), 10, its_epochs=20),
    _by_our_recipe("000-big", "cnn-big", 0.8791, "Adam 0.001 + schedule, 25 epochs, one run", 12, its_epochs=25),
    _by_our_recipe("001-net", "conv2d-net", 0.93, "over 93 % hoped for; one run, epochs not stated", 12),
    _by_our_recipe("001-simple", "conv2d-simple", 0.928, OPEN, 15),
    _by_our_recipe("001-simple2", "conv2d-simple2", 0.936, OPEN, 30),
    _by_our_recipe("001-simple3", "conv2d-simple3", 0.939, OPEN, 15, seeds=2),
    _by_our_recipe("001-inception-ours", "inception-cnn", 0.927, OPEN, 6),
    Claim(
        "001-inception", "inception-cnn overfits: training > 99.5 %, validation 92.7 %", OPEN,
        "Adam 0.001, batch 64, 12 epochs, no augmentation",
        (PROJECT_DEFAULT.but(model="inception-cnn", epochs=12),), overfits(0.995, 0.935), seeds=1,
    ),
    Claim(
        "001-weights", "a higher class weight on Shirt decreases recall", OPEN,
        "conv2d-simple2, 10 epochs, weight 2 on Shirt against 1",
        tuple(
            PROJECT_DEFAULT.but(model="conv2d-simple2", class_weights=weights) for weights in ({}, {"Shirt": 2.0})
        ),
        recall_falls(6),
    ),
    _by_our_recipe("002-base", "base", 0.9165, OPEN, 6, lr=8e-3),
    _by_our_recipe("002-enhanced", "enhanced", 0.9268, OPEN, 5),
    Claim(
        "002-gain", "the enhanced model gains 1.03 points", OPEN,
        "Adam 0.001, batch 64, 5 epochs; flips, also vertical, for the enhanced model",
        (
            PROJECT_DEFAULT.but(model="base", epochs=5),
            PROJECT_DEFAULT.but(model="enhanced", epochs=5, augmentation="flip+vertical-flip"),
        ),
        differs(1),
    ),
    _by_our_recipe(
        "003-accuracy", "he-cnn", 0.946, "Adam, plateau schedule, batch 32, 50 epochs, one run", 18,
        seeds=1, its_epochs=50,
    ),
    Claim(
        "003-optimizers", "adam performs best of adam, adamax, adagrad, AdamW and SGD",
        "batch 32, 50 epochs, one run each",
        "base model, each optimizer at its usual rate and decay, batch 64, 5 epochs",
        tuple(
            PROJECT_DEFAULT.but(model="base", epochs=5, optimizer=optimizer, lr=lr, weight_decay=decay)
            for optimizer, lr, decay in (
                ("adam", 1e-3, 0), ("adamax", 2e-3, 0), ("adagrad", 1e-2, 0), ("adamw", 1e-3, 0.01), ("sgd", 1e-2, 0),
            )
        ),
        best_is_first,
    ),
    _by_our_recipe("004-accuracy", "cnn-23m", 0.94, "three runs, epochs not stated", 4, seeds=1),
    Claim(
        "004-200k", "about 200,000 parameters give 91 to 93 %", "protocol not stated",
        f"cnn-big, 131,000 parameters; {OURS_IN_WORDS}, 12 epochs",
        (OURS.but(model="cnn-big", epochs=12),), reaches(0.91),
    ),
    Claim(
        "004-dense", "fewer parameters in the dense layer fall below 94 %", "protocol not stated",
        f"cnn-23m with a dense layer of 64; {OURS_IN_WORDS}, 4 epochs",
        (OURS.but(model="cnn-23m", epochs=4, model_options={"dense": 64}),), falls_short(0.94), seeds=1,
    ),
    _by_our_recipe("004-mnist", "cnn-23m", 0.996, "MNIST, three runs, epochs not stated", 3, seeds=1, dataset="mnist"),
)  # fmt: skip
