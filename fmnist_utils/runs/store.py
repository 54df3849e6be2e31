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
import os
import platform
import shutil
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np

from fmnist_utils.basics.errors import MAKE_ROOM, UserError, os_errors
from fmnist_utils.basics.system import from_root, hold, put_aside, write_together, write_whole
from fmnist_utils.runs import answers, trace
from fmnist_utils.runs.answers import ANSWERS, LABELS, TEST
from fmnist_utils.runs.record import Damaged, damage, read, sealed, written
from fmnist_utils.training.experiment import TRAINING_VERSION, Experiment
from fmnist_utils.training.run import WEIGHTS, Run

ERRORS = "errors.csv"  # a table of the mistakes, written when it is asked for
A_WRITE, TRIES = 0.05, 40  # seconds between two of a run's files, far more than it takes; how often to wait


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
        path = self.folder / key / trace.RECORD
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
        files = [self.folder / key / name for name in (trace.RECORD, TEST, ANSWERS)]
        states = [path.stat() for path in files if path.exists()]
        return [(state.st_ino, state.st_mtime_ns) for state in states]

    def check(self, key: str, name: str = trace.RECORD) -> Run:
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
            said = answers.read(path.parent, record)
        except Damaged:
            raise
        except (ValueError, KeyError, zipfile.BadZipFile) as error:  # written so: its checksum holds
            raise Damaged(f"its predictions cannot be read: {error}") from None
        run = Run(
            experiment=Experiment(**record["experiment"]),
            key=record["key"],
            history=record["history"],
            **said,
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
        low, high = (run.test_accuracy,) * 2 if "predictions" in said else _bounds(run)
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
        # What is written is made in memory first: a full disk is then told with the name of the file.
        contents = {TEST: answers.full(run)}
        checksums = {"test_sha256": hashlib.sha256(contents[TEST]).hexdigest()}
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
        contents[trace.RECORD] = written(record).encode()
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
                run, record = self.check(key), read(folder / trace.RECORD)
            except (Damaged, FileNotFoundError, NotADirectoryError) as error:
                why = f"run {key} is damaged and left as it is: {damage(error)}"
                raise UserError(f"{why}; verify --mend puts it aside") from None
            if "answers_sha256" in record or run.held_out_probabilities is not None:
                if "answers_sha256" in record:  # where a process died before it came to that
                    (folder / TEST).unlink(missing_ok=True)
                return 0
            kept, labels = answers.thin(run)
            # The record last, then what it no longer names: at any moment it is either the old run or the thin one.
            record["answers_sha256"] = _put(folder / ANSWERS, kept)
            record["labels_sha256"] = _put(folder / LABELS, labels)
            _put(folder / trace.RECORD, written(sealed(record)).encode())
            before = (folder / TEST).stat().st_size
            (folder / TEST).unlink()
            return before - len(kept)

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
            (folder / trace.RECORD).unlink(missing_ok=True)  # first: what is left is no run
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
        for path in sorted(self.folder.glob(f"{trace.RUN}/{trace.RECORD}")):  # (a copy of another name is no run)
            try:
                found.append(read(path))
            except Damaged as error:
                put_aside(path, damage(error))
            except FileNotFoundError:
                pass  # another process has just put it aside
            except OSError as error:
                print(f"{path} cannot be read ({error.strerror}): left out", file=sys.stderr, flush=True)
        return found


def _put(path: Path, content: bytes) -> str:
    """Write a run's file; returns its checksum (SHA-256, hex)."""
    write_whole(path, methodcaller("write_bytes", content))
    return hashlib.sha256(content).hexdigest()


def _bounds(run: Run) -> tuple[float, float]:
    """Least and greatest accuracy that a run may have had before its probabilities were rounded.

    Rounding keeps their order but for ties, of which any may have been the prediction.
    """
    best = run.test_probabilities.max(1)
    tied = (run.test_probabilities == best[:, None]).sum(1) > 1
    may_be = run.test_probabilities[np.arange(len(best)), run.test_labels] == best
    return float((may_be & ~tied).mean()), float(may_be.mean())
