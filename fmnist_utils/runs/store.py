"""The store: finished runs on disk, one folder each, never computed twice and never lost.

<out>/runs/<key>/record.json           experiment, history, provenance, checksums of all files; written last
<out>/runs/<key>/test.npz              test-set predictions, probabilities (rounded) and labels; the first two of
                                       test-time views, too; probabilities of a held-out fold
<out>/runs/<key>/answers.npz           in its place in a run made thin: mistakes, and the probability of each prediction
<out>/runs/<key>/labels.npy            the test labels of a thin run: the same bytes for all, which git keeps once
<out>/runs/<key>/weights.safetensors   the evaluated weights; may be absent from a published store
<out>/runs/<key>/robustness.json       what its net says of disturbed images, where it was asked (`runs/robustness.py`)
<out>/runs/<key>/checkpoint.pt         only while a run is unfinished
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import platform
import shlex
import shutil
import sys
import time
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter, methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_utils.basics.errors import MAKE_ROOM, UserError, brief, listed, nearest, os_errors
from fmnist_utils.basics.system import from_root, hold, put_aside, write_together, write_whole
from fmnist_utils.basics.text import counted
from fmnist_utils.runs import trace
from fmnist_utils.runs.record import Damaged, damage, read, sealed, stale, whole, written
from fmnist_utils.training.experiment import TRAINING_VERSION, Experiment
from fmnist_utils.training.run import WEIGHTS, Run

TEST, ANSWERS, LABELS = "test.npz", "answers.npz", "labels.npy"
ERRORS = "errors.csv"  # a table of the mistakes, written when it is asked for
A_WRITE, TRIES = 0.05, 40  # seconds between two of a run's files, far more than it takes; how often to wait
LEAST_OF_A_KEY = 4  # characters that may stand for the whole key of a run
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


class Store:
    """The runs below one reports folder.

    Parameters
    ----------
    out : a reports folder, relative to the project root or absolute
    since : the moment, in nanoseconds since 1970, at which all was asked to be trained again: only runs that were
        trained for that are loaded, which their records say (clocks differ, and copies have the times of their copying)
    """

    def __init__(self, out: str | Path, since: int = 0) -> None:
        self.folder = from_root(out) / "runs"
        self.since = since

    def checkpoint(self, key: str) -> Path:
        """Path of the checkpoint of an unfinished run."""
        return self.folder / key / "checkpoint.pt"

    @contextlib.contextmanager
    def training(self, key: str, say: Callable[[str], None] = print) -> Iterator[None]:
        """Hold the right to train a run, or to store one that was trained elsewhere; `say` as in `lock`.

        A link to a run of another folder goes, as nothing may be written there, and so does the checkpoint of a
        training that was begun before `since`: who trains again begins anew.
        """
        if (self.folder / key).is_symlink():
            with os_errors("delete"):
                (self.folder / key).unlink()
        with self.lock(key, say):
            checkpoint = self.checkpoint(key)
            # (One of the future is of a clock that was wrong, and tells nothing of when it was begun.)
            if self.since and checkpoint.exists() and not self.since <= checkpoint.stat().st_mtime_ns <= time.time_ns():
                checkpoint.unlink()
            yield

    @contextlib.contextmanager
    def token(self) -> Iterator[str]:
        """Have a file of a new name in the reports folder for a while, and give the name.

        Who finds it sees this very folder, and neither another one of the same path nor a copy of before.
        """
        name = f"{uuid.uuid4().hex}.{platform.node()}.{os.getpid()}.part"  # which is tidied up after a killed process
        path = self.folder.parent / name
        with os_errors("write", MAKE_ROOM):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        try:
            yield name
        finally:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, key: str, say: Callable[[str], None] = print) -> Iterator[None]:
        """Hold the right to change a run.

        `say` is told in a line if another process holds it.
        """
        wait = f"run {key} is being trained by another process: waiting for it"
        with contextlib.ExitStack() as held:
            with os_errors("write", MAKE_ROOM):
                held.enter_context(hold(self.folder / key / "run.lock", lambda holder: say(wait)))
            yield

    def load(self, key: str) -> Run | None:
        """Read a finished run; None if there is none. A damaged one is put aside, and a line says so."""
        path = self.folder / key / "record.json"
        try:
            path.stat()  # where there is none, no other process is waited for
            for _ in range(TRIES):
                before = self._state(key)
                with contextlib.suppress(OSError, Damaged):
                    return self._current(self.check(key))
                time.sleep(A_WRITE)  # another process may be writing it anew, and be between two of its files
                if self._state(key) == before:
                    break
            return self._current(self.check(key))
        except (FileNotFoundError, NotADirectoryError) as error:
            if path.exists():
                put_aside(path, damage(error))
        except Damaged as error:
            put_aside(path, damage(error))
        except OSError as error:
            print(f"{path.parent} cannot be read ({error.strerror}): left out", file=sys.stderr, flush=True)
        except UserError:
            pass  # of a model that the package no longer has, so it is not what is asked for
        return None

    def _current(self, run: Run) -> Run | None:
        """The run itself, if it need not be trained again."""
        return run if self.since in (0, run.provenance.get("retrained")) else None

    def _state(self, key: str) -> list[tuple[int, int]]:
        """What tells whether record or predictions of a run have been written since."""
        files = [self.folder / key / name for name in ("record.json", TEST, ANSWERS)]
        states = [path.stat() for path in files if path.exists()]
        return [(state.st_ino, state.st_mtime_ns) for state in states]

    def check(self, key: str, name: str = "record.json") -> Run:
        """Read a finished run and check all of it but its weights; nothing is put aside.

        Raises
        ------
        Damaged
            It is not what was written.
        UserError
            The package no longer has its model.
        OSError
            A file is missing, or may not be read.
        """
        path = self.folder / key / name
        record = read(path)
        try:
            answers = _answers(path.parent, record)
        except Damaged:
            raise
        except (ValueError, KeyError, zipfile.BadZipFile) as error:  # written so: its checksum holds
            raise Damaged(f"its predictions cannot be read: {error}") from None
        run = Run(
            experiment=Experiment(**record["experiment"]),
            key=record["key"],
            history=record["history"],
            **answers,
            train_accuracy=record["train_accuracy"],
            parameters=record["parameters"],
            multiply_adds=record["multiply_adds"],
            provenance=record["provenance"],
            folder=path.parent,
            weights_sha256=record.get("weights_sha256", ""),
            fresh=False,
        )
        trace.note(self.folder, run.key, run.history, run.provenance)
        # The accuracy that the record states is for those who open the file: here it is counted anew.
        low, high = (run.test_accuracy,) * 2 if "predictions" in answers else _bounds(run)
        if not low - 1e-9 <= record["test_accuracy"] <= high + 1e-9:
            raise Damaged(f"its test_accuracy is {record['test_accuracy']}, but its predictions have {low:.6g}")
        return run

    @os_errors("write", MAKE_ROOM)
    def save(self, run: Run) -> Run:
        """Write a finished run, the record last, and drop its checkpoint; returns the run as it will be read.

        Whoever calls it holds `training`, since a run is damaged while only some of its files are written.
        """
        from safetensors.torch import save

        folder = self.folder / run.key
        if self.since:
            run.provenance["retrained"] = self.since
        probabilities = packed(run.test_probabilities)
        labels, predictions = run.test_labels.astype(np.uint16), run.predictions.astype(np.uint16)
        arrays: dict[str, Any] = {"probabilities": probabilities, "labels": labels, "predictions": predictions}
        if run.view_probabilities is not None and run.view_predictions is not None:
            arrays["views"] = packed(run.view_probabilities)
            arrays["view_predictions"] = run.view_predictions.astype(np.uint16)
        if run.held_out_probabilities is not None:
            arrays["validation"] = packed(run.held_out_probabilities)

        # What is written is made in memory first: a full disk is then told with the name of the file.
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        test = content.getvalue()
        contents = {TEST: test}
        checksums = {"test_sha256": hashlib.sha256(test).hexdigest()}
        if run.weights is not None:
            # (Each on its own: safetensors refuses two that share memory, as the layers of a net may.)
            own = {name: value.detach().cpu().contiguous().clone() for name, value in run.weights.items()}
            contents[WEIGHTS] = save(own)
            checksums["weights_sha256"] = hashlib.sha256(contents[WEIGHTS]).hexdigest()
        record = sealed(
            {
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
                **checksums,
            }
        )
        contents["record.json"] = written(record).encode()
        # Of a run that is trained again, all files are replaced, or none.
        write_together({folder / name: methodcaller("write_bytes", content) for name, content in contents.items()})
        old = (folder / name for name in (ANSWERS, LABELS, ERRORS))  # of a run that was here before, or was thin
        for path in (self.checkpoint(run.key), *old):
            path.unlink(missing_ok=True)
        # Read back, so that a run looks the same whether it was trained now or found in the store.
        stored = self.check(run.key)
        stored.fresh = True
        return stored

    @os_errors("write", MAKE_ROOM)
    def thin(self, key: str) -> int:
        """Make a finished run thin: of its probabilities it keeps those of its predictions; returns the bytes saved.

        That does for every accuracy, that of test-time views too, comparison and list of mistakes, in a tenth of the
        room; only who asks for the other probabilities (the mean of several nets, a calibration) is refused. A run with
        a held-out fold, which is trained for its probabilities, stays as it is, as does a thin one, and one that a link
        leads to, which is another folder's.

        Raises
        ------
        UserError
            The run is damaged, or of a model that is gone.
        """
        folder = self.folder / key
        if folder.is_symlink():
            return 0
        with self.lock(key):
            try:
                run, record = self.check(key), read(folder / "record.json")
            except (Damaged, FileNotFoundError, NotADirectoryError) as error:
                why = f"run {key} is damaged and left as it is: {damage(error)}"
                raise UserError(f"{why}; verify --mend puts it aside") from None
            if "answers_sha256" in record or run.held_out_probabilities is not None:
                if "answers_sha256" in record:  # where a process died before it came to that
                    (folder / TEST).unlink(missing_ok=True)
                return 0
            answers, labels = io.BytesIO(), io.BytesIO()
            codes = np.take_along_axis(packed(run.test_probabilities), run.predictions[:, None], 1)[:, 0]
            sure = np.minimum(codes, SURE).astype(np.int8)
            arrays: dict[str, Any] = {"misses": _misses(run, run.predictions), "confidence": sure}
            arrays["classes"] = np.uint16(run.classes)
            if run.view_predictions is not None:
                arrays["view_misses"] = _misses(run, run.view_predictions)
            np.savez_compressed(answers, **arrays)
            np.save(labels, run.test_labels.astype(np.uint16))
            # The record last, then what it no longer names: at any moment it is either the old run or the thin one.
            record["answers_sha256"] = _put(folder / ANSWERS, answers.getvalue())
            record["labels_sha256"] = _put(folder / LABELS, labels.getvalue())
            _put(folder / "record.json", written(sealed(record)).encode())
            before = (folder / TEST).stat().st_size
            (folder / TEST).unlink()
            return before - len(answers.getvalue())

    def names(self) -> list[str]:
        """Keys of all runs, finished or begun."""
        return sorted(path.name for path in self.folder.glob(f"{trace.RUN}/"))

    @os_errors("delete")
    def delete(self, key: str) -> None:
        """Delete a run, finished or begun; one that is being trained is waited for."""
        folder = self.folder / key
        if folder.is_symlink():  # what it points to is another folder's
            return folder.unlink()
        with self.lock(key):
            (folder / "record.json").unlink(missing_ok=True)  # first: what is left is no run
            for path in folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.name != "run.lock":
                    path.unlink(missing_ok=True)
        # Somebody who waited for the lock may have begun the run again.
        if all(path.name == "run.lock" for path in folder.iterdir()):
            (folder / "run.lock").unlink(missing_ok=True)
            folder.rmdir()

    def records(self) -> list[dict[str, Any]]:
        """All finished runs' records, in the order of their keys; damaged ones are put aside, and a line says so."""
        found = []
        for path in sorted(self.folder.glob(f"{trace.RUN}/record.json")):  # (a copy of another name is no run)
            try:
                found.append(read(path))
            except Damaged as error:
                put_aside(path, damage(error))
            except FileNotFoundError:
                pass  # another process has just put it aside
            except OSError as error:
                print(f"{path} cannot be read ({error.strerror}): left out", file=sys.stderr, flush=True)
        return found


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


def _answers(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
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


def _misses(run: Run, predictions: NDArray[np.int64]) -> NDArray[np.uint16]:
    """By how many classes each prediction misses its label: mostly 0, which is why it packs well."""
    return ((predictions - run.test_labels) % run.classes).astype(np.uint16)


def _put(path: Path, content: bytes) -> str:
    """Write a run's file; returns its checksum (SHA-256, hex)."""
    write_whole(path, methodcaller("write_bytes", content))
    return hashlib.sha256(content).hexdigest()


def _content(path: Path, checksum: str) -> io.BytesIO:
    """Content of a run's file, as a file; Damaged if it is not what the record says."""
    content = whole(path)
    if hashlib.sha256(content).hexdigest() != checksum:
        raise Damaged(f"{path.name} differs from its checksum")
    return io.BytesIO(content)


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


def _bounds(run: Run) -> tuple[float, float]:
    """Least and greatest accuracy that a run may have had before its probabilities were rounded.

    Rounding keeps their order but for ties, of which any may have been the prediction.
    """
    best = run.test_probabilities.max(1)
    tied = (run.test_probabilities == best[:, None]).sum(1) > 1
    may_be = run.test_probabilities[np.arange(len(best)), run.test_labels] == best
    return float((may_be & ~tied).mean()), float(may_be.mean())


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
