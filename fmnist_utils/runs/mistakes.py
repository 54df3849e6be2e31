"""The mistakes of a stored run as a table for spreadsheets, and the images that a run was tested on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fmnist_utils.basics.errors import MAKE_ROOM, UserError, brief, os_errors
from fmnist_utils.basics.system import ROOT, from_root, write_whole
from fmnist_utils.basics.text import spreadsheet
from fmnist_utils.data.dataset import Dataset, load_dataset
from fmnist_utils.runs import trace
from fmnist_utils.runs.lookup import LEAST_OF_A_KEY, whole_key
from fmnist_utils.runs.record import Damaged, damage
from fmnist_utils.runs.store import ERRORS, Store
from fmnist_utils.training.run import Run


def find(key: str, out: str | Path) -> Run:
    """Read a finished run from a reports folder.

    Parameters
    ----------
    key : its key, or four characters or more that it begins with

    Raises
    ------
    UserError
        There is none, or it is damaged, or may not be read.
    """
    store = Store(out)
    keys = sorted(path.parent.name for path in store.folder.glob(f"{trace.RUN}/record.json"))
    if not any(name.startswith(key) for name in keys) and (folder := _that_has(key)):
        raise UserError(f"{out}: run {brief(key, 40)} is not there, but in {folder}: OUT={folder}")
    key = whole_key(key, keys, out)
    try:
        return store.check(key)
    except (Damaged, FileNotFoundError, NotADirectoryError) as error:
        why = f"is damaged: {damage(error)}"
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    raise UserError(f"run {key} in {out} {why}")


def _that_has(key: str) -> str:
    """Name a folder of reports/ that has a finished run whose key begins so; "" if none has."""
    named = len(key) >= LEAST_OF_A_KEY and key.isalnum()
    found = sorted(from_root("reports").glob(f"*/runs/{key}*/record.json")) if named else []
    return found[0].parents[2].relative_to(ROOT).as_posix() if found else ""


def tested_on(run: Run, dataset: str = "", data_dir: str = "") -> Dataset:
    """Load the data set that a run was tested on; `dataset` and `data_dir` say where it lies now, if elsewhere.

    Raises
    ------
    UserError
        It is not there, or holds other images today.
    """
    data = load_dataset(dataset or run.experiment.dataset, data_dir or run.experiment.data_dir)
    run.check_data(data)
    return data


def table(run: Run, data: Dataset) -> pd.DataFrame:
    """List the test images that a run gets wrong.

    Returns
    -------
    DataFrame, one row an image
        index (in the test part, from 0), label, prediction (names of classes), and the probability of each class; of
        a thin run that of the prediction alone, as confidence.
    """
    names = np.array([spreadsheet(name) for name in data.class_names])
    wrong = np.flatnonzero(~run.correct)
    answers = {"index": wrong, "label": names[run.test_labels[wrong]], "prediction": names[run.predictions[wrong]]}
    if run.is_thin:
        return pd.DataFrame(answers | {"confidence": run.confidence[wrong]})
    probabilities = pd.DataFrame(run.test_probabilities[wrong], columns=[f"p({name})" for name in data.class_names])
    return pd.concat([pd.DataFrame(answers), probabilities], axis=1)


def write(run: Run, data: Dataset, out: str | Path) -> Path:
    """Write `table` into the run's folder; returns the file.

    Raises
    ------
    UserError
        It cannot be written, or the run is a link to that of another folder.
    """
    path = from_root(out) / "runs" / run.key / ERRORS
    if path.parent.is_symlink():
        owner = path.parent.resolve().parent.parent
        raise UserError(f"{out}: run {run.key} is a link to that of another folder; ask for it there: OUT={owner}")
    with os_errors("write", MAKE_ROOM):
        write_whole(path, lambda part: table(run, data).to_csv(part, index=False, float_format="%.4g"))
    return path
