"""The store: finished runs on disk, one folder each, never computed twice and never lost.

<out>/runs/<key>/record.json           experiment, history, provenance, checksums; written last
<out>/runs/<key>/test.npz              test-set predictions, probabilities (float16) and labels; the first two of
                                       test-time views, too
<out>/runs/<key>/weights.safetensors   the evaluated weights; may be absent from a published store
<out>/runs/<key>/checkpoint.pt         only while a run is unfinished
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from pydantic import ValidationError

from fmnist_utils.errors import MAKE_ROOM, UserError, os_errors
from fmnist_utils.system import from_root, put_aside, write_whole
from fmnist_utils.training.experiment import TRAINING_VERSION, Experiment
from fmnist_utils.training.run import Run


class Store:
    """The runs below one reports folder.

    Parameters
    ----------
    out : a reports folder, relative to the project root or absolute
    """

    def __init__(self, out: str | Path) -> None:
        self.folder = from_root(out) / "runs"

    def checkpoint(self, key: str) -> Path:
        """Path of the checkpoint of an unfinished run."""
        return self.folder / key / "checkpoint.pt"

    def identity(self) -> str:
        """What is unique to this folder, drawn when it is first asked for: it tells two folders of one path apart."""
        path = self.folder / ".identity"
        with os_errors("write", MAKE_ROOM):
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
                file.write(uuid.uuid4().hex)
            return path.read_text("utf-8")

    @contextlib.contextmanager
    def lock(self, key: str, say: Callable[[str], None] = print) -> Iterator[None]:
        """Hold the right to train a run; the system releases it even when the process is killed.

        `say` is told in a line if another process holds it.
        """
        path = self.folder / key / "run.lock"
        with os_errors("write", MAKE_ROOM):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                say(f"run {key} is being trained by another process: waiting for it")
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def load(self, key: str) -> Run | None:
        """Read a finished run; None if there is none. A damaged one is put aside."""
        record = self.folder / key / "record.json"
        try:
            return self._read(record)
        except (FileNotFoundError, NotADirectoryError):
            if record.exists():
                put_aside(record, "its test.npz is missing")
        except (ValueError, KeyError, TypeError, UserError, ValidationError) as error:
            put_aside(record, str(error).splitlines()[0])
        return None

    def _read(self, record: Path) -> Run:
        values = json.loads(record.read_text("utf-8"))
        test = record.with_name("test.npz")
        if hashlib.sha256(test.read_bytes()).hexdigest() != values["test_sha256"]:
            raise ValueError("test.npz differs from its checksum")
        with np.load(test, allow_pickle=False) as arrays:
            probabilities, labels = arrays["probabilities"], arrays["labels"]
            views = arrays["views"].astype(np.float32) if "views" in arrays else None
            # Runs of before predictions were stored have those of their rounded probabilities.
            names = ("predictions", "view_predictions")
            predicted = {name: arrays[name].astype(np.int64) for name in names if name in arrays}
        return Run(
            experiment=Experiment(**values["experiment"]),
            key=values["key"],
            history=values["history"],
            test_probabilities=probabilities.astype(np.float32),
            test_labels=labels.astype(np.int64),
            view_probabilities=views,
            **predicted,
            train_accuracy=values["train_accuracy"],
            parameters=values["parameters"],
            multiply_adds=values["multiply_adds"],
            provenance=values["provenance"],
            folder=record.parent,
            fresh=False,
        )

    @os_errors("write", MAKE_ROOM)
    def save(self, run: Run) -> Run:
        """Write a finished run, the record last, and drop its checkpoint; returns the run as it will be read."""
        from safetensors.torch import save_file

        folder = self.folder / run.key
        probabilities = run.test_probabilities.astype(np.float16)
        labels, predictions = run.test_labels.astype(np.uint16), run.predictions.astype(np.uint16)
        arrays: dict[str, Any] = {"probabilities": probabilities, "labels": labels, "predictions": predictions}
        if run.view_probabilities is not None and run.view_predictions is not None:
            arrays["views"] = run.view_probabilities.astype(np.float16)
            arrays["view_predictions"] = run.view_predictions.astype(np.uint16)

        def write_test(path: Path) -> None:
            with path.open("wb") as file:
                np.savez_compressed(file, **arrays)

        if run.weights is not None:
            weights = {name: value.detach().cpu().contiguous() for name, value in run.weights.items()}
            write_whole(folder / "weights.safetensors", lambda path: save_file(weights, path))
        write_whole(folder / "test.npz", write_test)
        record = {
            "key": run.key,
            "training_version": TRAINING_VERSION,
            "experiment": run.experiment.model_dump(mode="json", exclude={"data_dir"}),
            "test_accuracy": run.test_accuracy,
            "train_accuracy": run.train_accuracy,
            "parameters": run.parameters,
            "multiply_adds": run.multiply_adds,
            "seconds": run.seconds,
            "history": run.history,
            "provenance": run.provenance,
            "test_sha256": hashlib.sha256((folder / "test.npz").read_bytes()).hexdigest(),
        }
        text = json.dumps(record, indent=1) + "\n"
        write_whole(folder / "record.json", lambda path: path.write_text(text, "utf-8"))
        self.checkpoint(run.key).unlink(missing_ok=True)
        # Read back, so that a run looks the same whether it was trained now or found in the store.
        stored = self._read(folder / "record.json")
        stored.fresh = True
        return stored

    def records(self) -> list[dict[str, Any]]:
        """All finished runs' records as they stand in the files, in the order of their keys."""
        return [json.loads(path.read_text("utf-8")) for path in sorted(self.folder.glob("*/record.json"))]


def results(out: str | Path) -> pd.DataFrame:
    """Table of all finished runs below `out`: one row a run, shares in 0..1.

    The test accuracy is counted from the stored predictions, as everywhere (old records state another by some images,
    of before probabilities were rounded). Runs of a model that the package no longer has are left out, with a line
    that says so; damaged ones are put aside.
    """
    rows = []
    store = Store(out)
    for record in store.records():
        try:
            experiment = Experiment(**record["experiment"])
        except UserError as error:
            print(f"Left out of the results, run {record['key']}: {str(error).split(' (')[0]}", flush=True)
            continue
        run = store.load(record["key"])
        if run is None:
            continue
        rows.append(
            {
                "key": run.key,
                "dataset": record["provenance"]["dataset"],
                "model": experiment.model,
                "parameters": record["parameters"],
                "multiply_adds": record["multiply_adds"],
                "test_accuracy": run.test_accuracy,
                "train_accuracy": record["train_accuracy"],
                "epochs": len(record["history"]),
                "seed": experiment.seed,
                "seconds": round(record["seconds"], 1),
                "augmentation": "+".join(item.label for item in experiment.augmentation) or "none",
                "optimizer": experiment.optimizer,
                "lr": experiment.lr,
                "schedule": experiment.schedule,
                "batch_size": experiment.batch_size,
                "train_size": record["provenance"]["train_size"],
                "device": record["provenance"]["device"],
                "experiment": experiment.but(seed=0, dataset="fashion-mnist", data_dir="").canonical(),
            }
        )
    return pd.DataFrame(rows)
