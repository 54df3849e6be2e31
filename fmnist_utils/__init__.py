"""Tools under the Fashion-MNIST report series: experiments in, runs and reports out.

This is the notebooks' only door. Names are imported when they are first used, so that commands which train
nothing start at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers see; the same names as in _EXPORTS, which a test holds
    from fmnist_utils import models as models
    from fmnist_utils import sentences as sentences
    from fmnist_utils import studies as studies
    from fmnist_utils.analysis import doubts as doubts
    from fmnist_utils.analysis import metrics as metrics
    from fmnist_utils.analysis import neighbours as neighbours
    from fmnist_utils.analysis import plots as plots
    from fmnist_utils.analysis import trust as trust
    from fmnist_utils.basics.errors import UserError as UserError
    from fmnist_utils.basics.text import md as md
    from fmnist_utils.data.dataset import Dataset as Dataset
    from fmnist_utils.data.dataset import load_dataset as load_dataset
    from fmnist_utils.data.dataset import split as split
    from fmnist_utils.data.strangers import strangers as strangers
    from fmnist_utils.models.registry import model_table as model_table
    from fmnist_utils.models.registry import register as register
    from fmnist_utils.report.summary import say as say
    from fmnist_utils.report.summary import show_source as show_source
    from fmnist_utils.report.summary import summary as summary
    from fmnist_utils.runs.explore import explore as explore
    from fmnist_utils.runs.groups import Group as Group
    from fmnist_utils.runs.groups import Groups as Groups
    from fmnist_utils.runs.groups import compare as compare
    from fmnist_utils.runs.groups import compare_gaps as compare_gaps
    from fmnist_utils.runs.groups import compare_moves as compare_moves
    from fmnist_utils.runs.groups import compare_parts as compare_parts
    from fmnist_utils.runs.groups import cross_validate as cross_validate
    from fmnist_utils.runs.groups import fold_experiments as fold_experiments
    from fmnist_utils.runs.groups import readable as readable
    from fmnist_utils.runs.groups import run_groups as run_groups
    from fmnist_utils.runs.lookup import load_run as load_run
    from fmnist_utils.runs.lookup import results as results
    from fmnist_utils.runs.robustness import robustness as robustness
    from fmnist_utils.runs.runner import run_all as run_all
    from fmnist_utils.sentences.changes import verdicts as verdicts
    from fmnist_utils.training import distortions as distortions
    from fmnist_utils.training.batches import augment as augment
    from fmnist_utils.training.experiment import Experiment as Experiment
    from fmnist_utils.training.run import Run as Run

# Public name -> the module that defines it.
_EXPORTS = {
    "Dataset": "data.dataset",
    "Experiment": "training.experiment",
    "Run": "training.run",
    "UserError": "basics.errors",
    "augment": "training.batches",
    "explore": "runs.explore",
    "Group": "runs.groups",
    "Groups": "runs.groups",
    "compare": "runs.groups",
    "compare_gaps": "runs.groups",
    "compare_moves": "runs.groups",
    "compare_parts": "runs.groups",
    "cross_validate": "runs.groups",
    "fold_experiments": "runs.groups",
    "readable": "runs.groups",
    "run_groups": "runs.groups",
    "verdicts": "sentences.changes",
    "load_dataset": "data.dataset",
    "load_run": "runs.lookup",
    "md": "basics.text",
    "model_table": "models.registry",
    "register": "models.registry",
    "results": "runs.lookup",
    "robustness": "runs.robustness",
    "run_all": "runs.runner",
    "say": "report.summary",
    "show_source": "report.summary",
    "split": "data.dataset",
    "strangers": "data.strangers",
    "summary": "report.summary",
}
# Public modules and packages.
_MODULES = {
    "distortions": "training.distortions",
    "doubts": "analysis.doubts",
    "metrics": "analysis.metrics",
    "models": "models",
    "neighbours": "analysis.neighbours",
    "plots": "analysis.plots",
    "sentences": "sentences",
    "studies": "studies",
    "trust": "analysis.trust",
}
__all__ = [*_EXPORTS, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    if name in _EXPORTS:
        return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
