"""The best public figures for Fashion-MNIST, and how ours stand beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fmnist_utils.basics.system import PUBLISHED
from fmnist_utils.runs.cost import seconds_of
from fmnist_utils.runs.finished import Finished
from fmnist_utils.studies.claim_list import CLAIMS
from fmnist_utils.studies.recipes import RECIPES


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


FIGURES = (
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


# Test accuracies of methods without convolutions, and of people, each with the number of images that it was tested on:
# submitted benchmarks in the README of https://github.com/zalandoresearch/fashion-mnist, which has not checked them.
FLOORS = {
    "people (crowd, 3 labels an image)": (0.835, 1_000),
    "XGBoost on pixels": (0.898, 10_000),
    "perceptron, 256-128-64": (0.900, 10_000),
    "SVM on gradients (HOG)": (0.926, 10_000),
}


def landscape(out: str | Path) -> pd.DataFrame:
    """Set our sizes, the source projects' architectures by our recipe, and the public figures side by side.

    The seconds are estimated from the arithmetic for all alike: measured ones would compare machines and their load.

    Returns
    -------
    DataFrame, indexed by name
        parameters, seconds (of a whole training on two CPU cores), accuracy, low, high (shares; for public figures
        all three the same), source.
    """
    finished = Finished(out, PUBLISHED)
    ours = [(name, recipe, "ours") for name, recipe in RECIPES.items() if recipe.dataset == "fashion-mnist"]
    ours += [
        (claim.arms[0].model, claim.arms[0], f"project {claim.project}")
        for claim in CLAIMS
        if claim.accuracy and claim.arms[0].dataset == "fashion-mnist"
    ]
    rows = {}
    for name, experiment, source in ours:
        if group := finished.group(experiment):
            accuracy, images = finished.accuracy(experiment), group[0].provenance["train_size"] * experiment.epochs
            rows[name] = {
                "parameters": group[0].parameters, "seconds": images * seconds_of(group[0].multiply_adds),
                "accuracy": accuracy.mean, "low": accuracy.low, "high": accuracy.high, "source": source,
            }  # fmt: skip
    for figure in FIGURES:
        rows[figure.name] = {
            "parameters": figure.parameters, "seconds": figure.seconds, "source": figure.source,
            **dict.fromkeys(("accuracy", "low", "high"), figure.accuracy),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")
