"""What a run says of images, as files: rounded probabilities, or predictions and how sure they are, of a thin run."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_utils.runs.record import Damaged, whole
from fmnist_utils.training.run import Run

TEST, ANSWERS, LABELS = "test.npz", "answers.npz", "labels.npy"  # of which a thin run has the last two
STEP = 1 / 8  # of the stored logits
SURE = 48  # steps: a thin run counts 99.75 % as the most that a net is sure of, as all of that is shown as 100 %


def packed(probabilities: NDArray[np.float32]) -> NDArray[np.int8]:
    """Round probabilities (n, classes) to what is stored: their logits, log p / (1 − p), in steps of an eighth.

    That moves a probability by two or three points at most, in the middle, and small ones by a sixteenth of themselves;
    it takes 0.4 of the room of float16, which spends it on the digits of the smallest. The most probable class stays
    the only one (a class that rounding would make its equal loses a step), so that no answer depends on the form.
    """
    p = np.clip(probabilities.astype(np.float64), 1e-9, 1 - 1e-7)
    codes = np.clip(np.rint(np.log(p / (1 - p)) / STEP), -126, 127).astype(np.int8)
    rows, answers = np.arange(len(codes)), probabilities.argmax(1)
    best = codes[rows, answers]
    codes -= codes == best[:, None]  # those that rounding has made equal to the answer, and the answer itself
    codes[rows, answers] = best
    return codes


def unpacked(stored: NDArray[np.int8] | NDArray[np.float16]) -> NDArray[np.float32]:
    """Read stored probabilities, float32 (n, classes); those of older runs are rounded to float16 instead."""
    if stored.dtype != np.int8:
        return stored.astype(np.float32)
    p = _expit(stored)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def _expit(codes: NDArray[Any]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-codes.astype(np.float64) * STEP))


def full(run: Run) -> bytes:
    """Write all that a run says of the test images, and of the held-out fold, as the content of ``test.npz``."""
    labels, predictions = run.test_labels.astype(np.uint16), run.predictions.astype(np.uint16)
    arrays: dict[str, Any] = {"probabilities": packed(run.test_probabilities), "labels": labels}
    arrays["predictions"] = predictions
    if run.view_probabilities is not None and run.view_predictions is not None:
        arrays["views"] = packed(run.view_probabilities)
        arrays["view_predictions"] = run.view_predictions.astype(np.uint16)
    if run.held_out_probabilities is not None:
        arrays["validation"] = packed(run.held_out_probabilities)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def thin(run: Run) -> tuple[bytes, bytes]:
    """Write a run's predictions and their probabilities, and the labels: ``answers.npz`` and ``labels.npy``."""
    codes = np.take_along_axis(packed(run.test_probabilities), run.predictions[:, None], 1)[:, 0]
    sure = np.minimum(codes, SURE).astype(np.int8)
    arrays: dict[str, Any] = {"misses": _misses(run, run.predictions), "confidence": sure}
    arrays["classes"] = np.uint16(run.classes)
    if run.view_predictions is not None:
        arrays["view_misses"] = _misses(run, run.view_predictions)
    answers, labels = io.BytesIO(), io.BytesIO()
    np.savez_compressed(answers, **arrays)
    np.save(labels, run.test_labels.astype(np.uint16))
    return answers.getvalue(), labels.getvalue()


def _misses(run: Run, predictions: NDArray[np.int64]) -> NDArray[np.uint16]:
    """By how many classes each prediction misses its label: mostly 0, which is why it packs well."""
    return ((predictions - run.test_labels) % run.classes).astype(np.uint16)


def read(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Read what a run says of the test images, and their labels, as attributes of `Run`.

    Raises
    ------
    ValueError, KeyError, zipfile.BadZipFile
        It is not what was written (Damaged), or cannot be read.
    """
    if "answers_sha256" in record:
        answers = np.load(_content(folder / ANSWERS, record["answers_sha256"]), allow_pickle=False)
        labels = np.load(_content(folder / LABELS, record["labels_sha256"]), allow_pickle=False).astype(np.int64)
        classes = int(answers["classes"])
        of_views = {"view_predictions": (labels + answers["view_misses"]) % classes} if "view_misses" in answers else {}
        return {
            "test_probabilities": None,
            "test_labels": labels,
            "predictions": (labels + answers["misses"]) % classes,
            "confidence": _expit(answers["confidence"]).astype(np.float32),
            "classes": classes,
            **of_views,
        }
    with np.load(_content(folder / TEST, record["test_sha256"]), allow_pickle=False) as arrays:
        more = {name: unpacked(arrays[name]) for name in ("views", "validation") if name in arrays}
        # Runs of before predictions were stored have those of their rounded probabilities.
        names = ("predictions", "view_predictions")
        return {
            "test_probabilities": unpacked(arrays["probabilities"]),
            "test_labels": arrays["labels"].astype(np.int64),
            "view_probabilities": more.get("views"),
            "held_out_probabilities": more.get("validation"),
            **{name: arrays[name].astype(np.int64) for name in names if name in arrays},
        }


def _content(path: Path, checksum: str) -> io.BytesIO:
    """Content of a run's file, as a file; Damaged if it is not what the record says."""
    content = whole(path)
    if hashlib.sha256(content).hexdigest() != checksum:
        raise Damaged(f"{path.name} differs from its checksum")
    return io.BytesIO(content)
