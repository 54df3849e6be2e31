"""Finished runs found again: by their key, by their model, or all of them as a table."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import pandas as pd

from fmnist_utils.basics.errors import UserError, brief, listed, nearest
from fmnist_utils.basics.system import from_root
from fmnist_utils.basics.text import counted
from fmnist_utils.runs.record import stale
from fmnist_utils.runs.store import Store
from fmnist_utils.training.experiment import TRAINING_VERSION
from fmnist_utils.training.run import WEIGHTS, Run

LEAST_OF_A_KEY = 4  # characters that may stand for the whole key of a run


def whole_key(beginning: str, keys: Sequence[str], out: str | Path) -> str:
    """Return the one of the keys of a reports folder that begins so.

    Raises
    ------
    UserError
        None does, or several do, or it is too short to tell.
    """
    found = [key for key in keys if key.startswith(beginning)]
    called = f"{out}: run {brief(beginning, 40)}"
    if found and len(beginning) < LEAST_OF_A_KEY:  # such as "", of a shell's variable that is not set
        raise UserError(f"{called} is too short: write at least {LEAST_OF_A_KEY} characters of its key")
    if len(found) > 1:
        raise UserError(f"{called} begins {len(found)} keys: write more of it")
    if not found:
        raise UserError(f"{called} is not there{nearest(beginning, keys)}")
    return found[0]


def load_run(name: str, out: str | Path = "") -> Run:
    """Read a finished run: by its key, or the longest training of a model that is stored.

    Parameters
    ----------
    name : the beginning of a key, or a model's name; of its runs those with weights go before those without, then
        those on the most images, for the most epochs, of the lowest seed
    out : a reports folder; "" for all of reports/

    Raises
    ------
    UserError
        There is none, or several begin so.
    """
    if not isinstance(name, str):
        raise UserError(f"{brief(name)} names no run: give the beginning of its key, or its model's name")
    if out != "" and not from_root(out).is_dir():
        raise UserError(f"{out} is not a folder: name one of reports, or leave it out for all of reports/")
    folders = (
        [from_root(out)] if out != "" else sorted(from_root("reports").glob("*/"), key=lambda path: path.name != "full")
    )
    stores = [Store(folder) for folder in folders]
    known = set[str]()
    fitting, gone = [], ""
    for store in stores:
        for record in store.records():
            if record["training_version"] != TRAINING_VERSION:
                continue
            model = record["experiment"]["model"]
            fits = model == name or (len(name) >= LEAST_OF_A_KEY and record["key"].startswith(name))
            if why := stale(record):
                gone = why if fits else gone
                continue
            known.add(model)
            if fits:
                fitting.append((store, record))
    begun = {record["key"] for _, record in fitting if record["experiment"]["model"] != name}
    if len(begun) > 1:
        raise UserError(f"{brief(name)} begins {len(begun)} keys ({listed(sorted(begun))}): write more of it")
    ranked = sorted(((_longest_first(*item), *item) for item in fitting), key=itemgetter(0))
    for rank, store, record in ranked:
        if run := store.load(record["key"]):
            if keys := sorted({other["key"] for its, _, other in ranked if its == rank} - {run.key}):
                print(
                    f"Run {run.key}, though {listed(keys)} would do as well: a key in place of {name} chooses",
                    flush=True,
                )
            if len({other["provenance"]["dataset_checksum"] for _, other in fitting}) > 1:
                print(f"Run {run.key}, of {run.provenance['dataset']}: there are some of other data", flush=True)
            return run
    where = out if out != "" else "reports/"
    hint = nearest(name, known)
    if gone.startswith("unknown"):  # a model, or another part, of a file that this process has not read
        hint = f": {gone}, so run or import first what registers it"
    elif gone:
        hint = f": {gone} since it was trained; train it again"
    raise UserError(f"no finished run {brief(name, 40)} in {where}{hint} (models: {listed(sorted(known)) or 'none'})")


def _longest_first(store: Store, record: dict[str, Any]) -> tuple[bool, int, int, int]:
    has_weights = (store.folder / record["key"] / WEIGHTS).exists()
    return not has_weights, -record["provenance"]["train_size"], -len(record["history"]), record["experiment"]["seed"]


def results(out: str | Path) -> pd.DataFrame:
    """Table of all finished runs below `out`: one row a run, shares in 0..1.

    The test accuracy is counted from the stored predictions, as everywhere (old records state another by some images,
    of before probabilities were rounded). Runs of a model (augmentation, optimizer, schedule) that is gone, or has
    changed since, are left out, with a line that says so; damaged ones are put aside.
    """
    if not from_root(out).is_dir():
        raise UserError(f"{brief(str(out))} is not a folder: name one of reports")
    rows, gone = [], Counter[str]()
    store = Store(out)
    for record in store.records():
        if why := stale(record):
            gone[why] += 1
            continue
        if (run := store.load(record["key"])) is None:  # its predictions are damaged
            continue
        experiment = run.experiment
        rows.append(
            {
                "key": run.key,
                "dataset": run.provenance["dataset"],
                "data": run.provenance["dataset_checksum"],
                "model": experiment.model,
                "parameters": run.parameters,
                "multiply_adds": run.multiply_adds,
                "test_accuracy": run.test_accuracy,
                "train_accuracy": run.train_accuracy,
                "epochs": len(run.history),
                "seed": experiment.seed,
                "seconds": round(run.seconds, 1),
                "augmentation": "+".join(item.label for item in experiment.augmentation) or "none",
                "optimizer": experiment.optimizer,
                "lr": experiment.lr,
                "schedule": experiment.schedule,
                "batch_size": experiment.batch_size,
                "train_size": run.provenance["train_size"],
                "device": run.provenance["device"],
                "experiment": experiment.but(seed=0, dataset="fashion-mnist", data_dir="").canonical(),
            }
        )
    for why, n in gone.items():
        advice = f"(python -m fmnist_utils runs --out {shlex.quote(str(out))} --stale deletes such)"
        print(f"Left out of the results, {counted(n, 'run')}: {why} {advice}", flush=True)
    called = names_of_data((row["dataset"], row["data"]) for row in rows)
    for row in rows:
        row["dataset"] = called[row["dataset"], row.pop("data")]
    return pd.DataFrame(rows)


def names_of_data(data: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Say how to call data sets, given by name and checksum: two folders of one name, or one that changed, differ."""
    given = set(data)
    contents = Counter(name for name, _ in given)
    return {pair: f"{pair[0]} ({pair[1][:8]})" if contents[pair[0]] > 1 else pair[0] for pair in given}
