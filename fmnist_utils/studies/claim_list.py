"""The list of claims: what the five source projects said, as data, with the experiments that test each claim.

Where a project leaves its protocol open, the entry's `protocol` says so, and ours is stated in `ours`.
The projects trained on all 60,000 images, chose on the test set, and gave one run a number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fmnist_utils.runs.cost import estimate
from fmnist_utils.studies.judging import Between, Differs, FirstIsBest, Judge, OnlyHurts, Overfits, StaysBelow, reach
from fmnist_utils.training.experiment import Experiment

# Trainings of an arm, by the seconds that one is estimated to take on two CPU cores: minutes can be repeated.
SEEDS = {5 * 60.0: 5, 30 * 60.0: 3, float("inf"): 2}


def seeds_for(experiment: Experiment) -> int:
    """Say how many trainings of `experiment` a claim rests on."""
    seconds = estimate(experiment, [])
    return next(seeds for limit, seeds in SEEDS.items() if seconds < limit)


@dataclass(frozen=True)
class Claim:
    """One claim of a source project.

    Attributes
    ----------
    name : short id, the project's number first
    says : the claim, in the project's sense
    protocol, ours : how the project measured, and how we do
    arms : experiments to compare, or one alone; each is trained with seeds 0, 1, … (`seeds_for` says how many)
    judge : says what would have to be true, and turns the arms' runs into the measured figure and a verdict
    accuracy, epochs : what the project reached with this architecture (a share) and in how many epochs, for claims
        that ours is to match with a recipe of its own; None where it is not about that, or not stated
    """

    name: str
    says: str
    protocol: str
    ours: str
    arms: tuple[Experiment, ...]
    judge: Judge
    accuracy: float | None = None
    epochs: int | None = None

    @property
    def project(self) -> str:
        """Number of the source project, such as "000"."""
        return self.name[:3]

    def experiments(self) -> list[list[Experiment]]:
        """Every arm, once for each random seed."""
        return [[arm.but(seed=seed) for seed in range(seeds_for(arm))] for arm in self.arms]


# --- protocols -----------------------------------------------------------------------------------------

PROJECT_DEFAULT = Experiment(optimizer="adam", lr=1e-3, batch_size=64, validation=False)
TARGETED = ("T-shirt/top", "Pullover", "Coat", "Shirt")
TARGETED_AUGMENTATION = [{"name": "affine", "classes": TARGETED}, {"name": "erasing", "classes": TARGETED}]
# Each that notebook 03 tries alone, and the project's own.
SINGLE = ("flip", "vertical-flip", "translate", "affine", "erasing", "cutout", "mixup", "cutmix", "trivial")
AUGMENTATIONS: dict[str, str | list[dict[str, Any]]] = {
    **{name: name for name in SINGLE},
    "targeted": TARGETED_AUGMENTATION,
}
# Ours: AdamW with one cycle of the learning rate, mirrored and slightly shifted images, smoothed labels.
OURS = PROJECT_DEFAULT.but(
    optimizer="adamw", lr=4e-3, weight_decay=0.02, schedule="one-cycle", batch_size=128, label_smoothing=0.1,
    augmentation=[{"name": "flip"}, {"name": "translate", "pixels": 1}],
)  # fmt: skip
OURS_IN_WORDS = "AdamW, one-cycle, flips, shifts by 1 pixel, label smoothing, batch 128"
# A digit in the mirror is no digit, or another one.
OF_DIGITS: dict[str, Any] = {"dataset": "mnist", "augmentation": [{"name": "translate", "pixels": 1}]}
OF_DIGITS_IN_WORDS = OURS_IN_WORDS.replace("flips, ", "")


def _as_published(name: str, model: str, accuracy: float, protocol: str, note: str = "", **changes: object) -> Claim:
    """A row of a project's results table, trained the project's way."""
    experiment = PROJECT_DEFAULT.but(model=model, **changes)
    says = f"{model} {100 * accuracy:.2f} %{note}"
    return Claim(name, says, protocol, f"the same, {experiment.epochs} epochs", (experiment,), reach(accuracy))


def _by_our_recipe(
    name: str,
    model: str,
    accuracy: float,
    protocol: str,
    epochs: int,
    its_epochs: int | None = None,
    in_words: str = OURS_IN_WORDS,
    note: str = "",
    **changes: object,
) -> Claim:
    """The same architecture under our recipe."""
    experiment = OURS.but(**{"model": model, "epochs": epochs, **changes})
    ours = f"{in_words}, {epochs} epochs"
    says = f"{model} {100 * accuracy:.2f} %{note}"
    return Claim(name, says, protocol, ours, (experiment,), reach(accuracy), accuracy, its_epochs)


TABLE_000 = "Adam 0.001, batch 64, {} epochs, one run"
DROPOUT = {"conv_dropout": 0.2, "dropout": 0.4}
OPEN = "one run; epochs, batch and optimizer not stated"
DENSE_200K = 240  # gives cnn-big, whose own dense layer has 128, nearly 200,000 weights
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
        "cnn-small, 10 epochs, each augmentation of notebook 03 alone, and the project's on four classes, against none",
        tuple(PROJECT_DEFAULT.but(model="cnn-small", augmentation=its) for its in ("none", *AUGMENTATIONS.values())),
        OnlyHurts(
            "each augmentation is measurably worse than none",
            thing="augmentation", names=tuple(AUGMENTATIONS),
        ),
    ),
    Claim(
        "000-dropout", "2-d is the right dropout between convolutions", "one run each, weight decay added as well",
        "cnn-big, 20 epochs, 2-d against element-wise",
        tuple(
            ADAM_20.but(model="cnn-big", model_options={**DROPOUT, "dropout_kind": kind}) for kind in ("element", "2d")
        ),
        Differs("2-d is measurably better than element-wise", sign=1),
    ),
    Claim(
        "000-schedule", "too much regularization with the schedule", "one run, 25 epochs against 20 without",
        "cnn-big with dropout and decay, 25 epochs, step schedule against constant",
        tuple(
            PROJECT_DEFAULT.but(model="cnn-big", epochs=25, model_options=DROPOUT, weight_decay=1e-4, schedule=schedule)
            for schedule in ("constant", "step")
        ),
        Differs("the step schedule is measurably worse than a constant rate", sign=-1),
    ),
    # Projects 000 and 002 in half of their epochs, and the nets of project 001, whose epochs are not stated.
    _by_our_recipe("000-small", "cnn-small", 0.8423, TABLE_000.format(10), 5, its_epochs=10, lr=1e-2),
    _by_our_recipe("000-mid", "cnn-mid", 0.8870, TABLE_000.format(20), 10, its_epochs=20),
    _by_our_recipe("000-big", "cnn-big", 0.8791, "Adam 0.001 + schedule, 25 epochs, one run", 12, its_epochs=25),
    _by_our_recipe("001-net", "conv2d-net", 0.93, "over 93 % hoped for; one run, epochs not stated", 12),
    _by_our_recipe("001-simple", "conv2d-simple", 0.928, OPEN, 15),
    _by_our_recipe("001-simple2", "conv2d-simple2", 0.936, OPEN, 30),
    _by_our_recipe("001-simple3", "conv2d-simple3", 0.939, OPEN, 15),
    _by_our_recipe("001-inception-ours", "inception-cnn", 0.927, OPEN, 6),
    Claim(
        "001-inception", "inception-cnn overfits: training > 99.5 %, validation 92.7 %", OPEN,
        "Adam 0.001, batch 64, 12 epochs, no augmentation",
        (PROJECT_DEFAULT.but(model="inception-cnn", epochs=12),),
        # 93.5 %: what other validation images might have made of 92.7 %
        Overfits(
            "training accuracy is above 99.5 % with every seed, and the interval on the test images below 93.5 %",
            train=0.995, test=0.935,
        ),
    ),
    Claim(
        "001-weights", "a higher class weight on Shirt decreases recall", OPEN,
        "conv2d-simple2, 10 epochs, weight 2 on Shirt against 1",
        tuple(
            PROJECT_DEFAULT.but(model="conv2d-simple2", class_weights=weights) for weights in ({}, {"Shirt": 2.0})
        ),
        Differs("the recall of Shirt is measurably lower with the weight", label=6, sign=-1, measure="recall"),
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
        Differs("the enhanced model is measurably better than the base model", sign=1, claimed=0.0103),
    ),
    _by_our_recipe(
        "003-accuracy", "he-cnn", 0.946, "Adam, plateau schedule, batch 32, 50 epochs, one run", 18,
        its_epochs=50,
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
        FirstIsBest("adam is measurably better than each of the four others"),
    ),
    _by_our_recipe("004-accuracy", "cnn-23m", 0.94, "three runs, epochs not stated", 4),
    Claim(
        "004-200k", "about 200,000 parameters give 91 to 93 %", "protocol not stated",
        f"cnn-big with a dense layer of {DENSE_200K}; Adam 0.001, batch 64, 10 epochs; and {OURS_IN_WORDS}, 12 epochs",
        tuple(
            way.but(model="cnn-big", model_options={"dense": DENSE_200K}, epochs=epochs)
            for way, epochs in ((PROJECT_DEFAULT, 10), (OURS, 12))
        ),
        Between("the intervals of nets near that size lie within 91 to 93 %, by either training", low=0.91, high=0.93),
    ),
    Claim(
        "004-dense", "fewer parameters in the dense layer fall below 94 %", "protocol not stated",
        f"cnn-23m with a dense layer of 64; {OURS_IN_WORDS}, 4 epochs",
        (OURS.but(model="cnn-23m", epochs=4, model_options={"dense": 64}),),
        StaysBelow("the interval lies below 94.00 %", limit=0.94),
    ),
    _by_our_recipe(
        "004-mnist", "cnn-23m", 0.996, "MNIST, three runs, epochs not stated", 4,
        in_words=OF_DIGITS_IN_WORDS, note=" on MNIST", **OF_DIGITS,
    ),
)  # fmt: skip
