"""The committed runs: each is found under the key that its experiment has today, whatever module computes it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup

from fmnist_utils import Experiment, Run, metrics
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.runs.lookup import results
from fmnist_utils.runs.store import Store
from fmnist_utils.studies import claims, recipes
from fmnist_utils.training.experiment import TRAINING_VERSION


def committed() -> list[Path]:
    """Records that git has."""
    command = ["git", "ls-files", "-z", "--", f"{PUBLISHED}/runs/*/record.json"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_every_committed_run_is_found_under_its_key() -> None:
    assert TRAINING_VERSION == 2
    records = committed()
    assert len(records) >= 101
    for path in records:
        record = json.loads(path.read_text("utf-8"))
        key = Experiment(**record["experiment"]).key(record["provenance"]["dataset_checksum"])
        assert (key, record["training_version"]) == (path.parent.name, 2)


def stored() -> dict[str, Run]:
    """Every committed run, by its key."""
    runs = {path.parent.name: Store(PUBLISHED).load(path.parent.name) for path in committed()}
    return {key: run for key, run in runs.items() if run is not None}


def test_every_number_about_a_run_is_counted_from_its_predictions() -> None:
    """To the last digit: in the table of runs, its CSV, the index, the README and the claims."""
    runs = stored()
    assert len(runs) == len(committed())
    counted = {key: int((run.predictions == run.test_labels).sum()) / len(run.test_labels) for key, run in runs.items()}
    assert {key: run.test_accuracy for key, run in runs.items()} == counted
    table = results(PUBLISHED).set_index("key")["test_accuracy"]
    assert table[list(runs)].to_dict() == counted
    published = pd.read_csv(ROOT / PUBLISHED / "results.csv").set_index("key")["test_accuracy"]
    assert published[list(runs)].to_dict() == counted, "write the index of reports/full anew"


def test_one_accuracy_of_an_experiment_stands_everywhere() -> None:
    """The tables of index, claims and README name the runs that they rest on; each accuracy is their mean."""
    runs = stored()
    soup = BeautifulSoup((ROOT / PUBLISHED / "index.html").read_text("utf-8"), "html.parser")
    of_experiment = {}
    for row in soup.select(".wide tbody tr"):
        [table] = row.find_parents("table")
        columns = [cell.get_text() for cell in table.select("thead th")]
        keys, cells = str(row["data-runs"]), dict(zip(columns, (td.get_text() for td in row.select("td")), strict=True))
        right = np.concatenate([runs[key].predictions == runs[key].test_labels for key in keys.split()])
        assert cells["test accuracy"] == metrics.percent(right.sum() / right.size)
        of_experiment[keys] = f"{cells['test accuracy']} ± {cells['± 95 %']}"
    nets = [
        run for run in runs.values() if not run.experiment.folds
    ]  # those of the cross-validation are no experiments
    assert sum(len(keys.split()) for keys in of_experiment) == len(nets)
    judged = claims.table(PUBLISHED)
    plain = [
        (measured, " ".join(arms[0]))
        for measured, arms in zip(judged["measured"], judged.attrs["runs"], strict=True)
        if len(arms) == 1 and arms[0]
    ]
    assert len(plain) >= 18
    for measured, keys in plain:
        assert measured.rpartition(", test ")[2].startswith(of_experiment[keys])  # (after that on training images)
    architectures = claims.architectures(PUBLISHED)["measured"]
    assert all(any(text.startswith(known) for known in of_experiment.values()) for text in architectures)
    own = recipes.table(PUBLISHED)
    for accuracy, arms in zip(own["accuracy"], own.attrs["runs"], strict=True):
        assert accuracy.startswith(of_experiment[" ".join(arms[0])])
