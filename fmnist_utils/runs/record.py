"""The record of a run: what it must hold, its checksum, and whether it may be believed.

A record says what was trained and what came out. It is believed only if its own checksum holds, if it lies in the
folder that its content names, and if the figures in it that follow from others do follow from them.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from fmnist_utils import models
from fmnist_utils.basics import own
from fmnist_utils.basics.errors import DIFFERS, UserError
from fmnist_utils.training.experiment import REGISTRIES, Experiment, recorded_digests

CHECKSUM = "record_sha256"
# What every record holds, and of which type; `float` stands for any finite number.
FIELDS: dict[str, type] = {
    "key": str, "training_version": int, "experiment": dict, "test_accuracy": float, "train_accuracy": float,
    "parameters": int, "multiply_adds": int, "seconds": float, "history": list, "provenance": dict, "test_sha256": str,
}  # fmt: skip
# And what some hold: a run with weights, a thin one, all but the oldest.
OPTIONAL = {"weights_sha256", "answers_sha256", "labels_sha256", CHECKSUM}
ORIGIN: dict[str, type] = {"dataset": str, "dataset_checksum": str, "train_size": int, "device": str}


class Damaged(ValueError):
    """A stored file is not what was written; the message says in a few words how that shows."""


def checksum(record: dict[str, Any]) -> str:
    """SHA-256 (hex) of all that a record holds, its own checksum apart."""
    content = {name: value for name, value in record.items() if name != CHECKSUM}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its checksum."""
    return {**record, CHECKSUM: checksum(record)}


def written(record: dict[str, Any]) -> str:
    """Text of a record's file."""
    return json.dumps(record, indent=1) + "\n"


def whole(path: Path) -> bytes:
    """Read a file of a run; Damaged if a folder, a pipe, a link to nowhere or the like lies in its place."""
    if (path.exists() or path.is_symlink()) and not path.is_file():
        raise Damaged(f"{path.name} is no file")
    return path.read_bytes()


def damage(error: Damaged | OSError) -> str:
    """Say in a line what is wrong with a run's file, or which one is not there."""
    return f"its {Path(error.filename).name} is missing" if isinstance(error, OSError) else str(error).splitlines()[0]


def parsed(path: Path) -> Any:
    """Read a JSON file of a run; Damaged if it is none, OSError if it is not there or may not be read."""
    content = whole(path)
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"it is not JSON: {error}") from None


def read(path: Path) -> dict[str, Any]:
    """Read a record and check all that can be told from it alone.

    Parameters
    ----------
    path : a ``record.json``; the folder that it lies in is the key of its run

    Raises
    ------
    Damaged
        It is not what was written there. (Records from before they had a checksum are held to all the rest.)
    OSError
        It is not there, or may not be read.
    """
    record = parsed(path)
    _hold(record, FIELDS)
    if strange := sorted(record.keys() - FIELDS.keys() - OPTIONAL):
        raise Damaged(f"it has a field {strange[0]!r}")
    if CHECKSUM in record and record[CHECKSUM] != checksum(record):
        raise Damaged(DIFFERS)
    _hold(record["provenance"], ORIGIN)
    if record["key"] != path.parent.name:
        raise Damaged(f"it is of run {record['key']!r}")
    try:
        experiment = Experiment(**record["experiment"])
    except UserError as error:
        # The model may have left the package, or a limit come into it; then the checksum alone speaks for the record.
        if CHECKSUM not in record and record["experiment"].get("model") in models.names():
            raise Damaged(str(error)) from None
    except TypeError as error:
        raise Damaged(str(error)) from None
    else:
        changed = bool(_changed_parts(record, experiment))
        if CHECKSUM in record and changed:  # its key may be of other defaults, but not that of today's parts
            if _has_its_key(record, experiment, experiment.digests):
                raise Damaged("it was trained with other parts than its key is of")
        elif not _has_its_key(record, experiment, recorded_digests(record["provenance"])):
            raise Damaged("its key is not that of its experiment and data")
    if not record["history"] or not all(isinstance(row, dict) for row in record["history"]):
        raise Damaged("it has no history of epochs")
    for number, row in enumerate(record["history"], 1):
        _hold(row, {"epoch": int, "seconds": float})
        if row["epoch"] != number:
            raise Damaged(f"its history has epoch {row['epoch']} in place {number}")
    if not math.isclose(record["seconds"], sum(row["seconds"] for row in record["history"]), rel_tol=1e-9):
        raise Damaged("its seconds are not the sum of its epochs'")
    for name in ("test_accuracy", "train_accuracy"):
        if not 0 <= record[name] <= 1:
            raise Damaged(f"its {name} is {record[name]}")
    return dict(record)


def stale(record: dict[str, Any]) -> str:
    """Say why nobody can ask for a run any more; "" if somebody can.

    Its model is gone, or has changed; or its augmentation, optimizer or schedule, or a file of the package.
    """
    try:
        experiment = Experiment(**record["experiment"])
    except UserError as error:
        return str(error).split(" (")[0].split(";")[0]  # without what is there, and what is meant
    changed = _changed_parts(record, experiment)
    if own.edited() and changed.keys() - {part.kind for part in experiment.parts if part.is_own}:
        return f"{own.edited_files()} is not as it was released"
    return ", ".join(f"{kind} {name!r} has changed" for kind, name in changed.items())


def _changed_parts(record: dict[str, Any], experiment: Experiment) -> dict[str, str]:
    """Names of the parts of a run's experiment, by their kind, that were others when it was trained."""
    then, now = recorded_digests(record["provenance"]), experiment.digests
    return {
        kind: "+".join(part.name for part in experiment.parts if part.kind == kind)
        for kind in REGISTRIES
        if then.get(kind) != now.get(kind)
    }


def _has_its_key(record: dict[str, Any], experiment: Experiment, digests: dict[str, str]) -> bool:
    data = record["provenance"]["dataset_checksum"]
    return experiment.key(data, record["training_version"], digests) == record["key"]


def _hold(values: Any, wanted: dict[str, type]) -> None:
    """Raise Damaged if `values` is no dict with entries of the wanted types."""
    if not isinstance(values, dict):
        raise Damaged("it is not a record")
    for name, kind in wanted.items():
        if name not in values:
            raise Damaged(f"it has no {name!r}")
        value = values[name]
        allowed = (int, float) if kind is float else kind
        if not isinstance(value, allowed) or isinstance(value, bool):
            raise Damaged(f"its {name!r} is not a {'number' if kind in (int, float) else kind.__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise Damaged(f"its {name!r} is not a finite number")
