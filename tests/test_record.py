"""What is stored is believed only as it was written: attacks on the files of finished runs, each with a count."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_up_runs import run_with

from fmnist_utils import Experiment, Run, UserError, models, results
from fmnist_utils.basics.system import write_whole
from fmnist_utils.runs.finished import Finished
from fmnist_utils.runs.record import sealed, written
from fmnist_utils.runs.store import Store

TINY = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=2, lr=0.003)


@pytest.fixture
def stored(tmp_path: Path) -> Run:
    """A finished run with predictions, six views and weights, as the store gives it."""
    run = run_with(0.87, TINY, views=0.9)
    run.weights = models.build("cnn-small").state_dict()
    return Store(tmp_path / "out").save(run)


def change(record: Path, edit: Callable[[dict[str, Any]], object], keep_checksum: bool = True) -> None:
    values = json.loads(record.read_text("utf-8"))
    edit(values)
    if not keep_checksum:
        del values["record_sha256"]
    record.write_text(json.dumps(values, indent=1) + "\n", "utf-8")


def found(out: Path, run: Run) -> bool:
    """Whether the run is out of everything that a reader sees."""
    return results(out).empty and not Finished(out).records and Store(out).load(run.key) is None


def test_every_digit_of_a_record_that_is_changed_is_found(stored: Run, capsys: pytest.CaptureFixture[str]) -> None:
    record = stored.folder / "record.json"
    whole, out = record.read_text("utf-8"), stored.folder.parent.parent
    places = [match.start() for match in re.finditer(r"\d", whole)]
    assert len(places) > 100
    for place in places:
        digit = str((int(whole[place]) + 1) % 10)
        record.write_text(whole[:place] + digit + whole[place + 1 :], "utf-8")
        assert Store(out).records() == [], whole[place - 30 : place + 10]
        assert (stored.folder / "record.json.damaged").exists()
    record.write_text(whole, "utf-8")
    assert len(results(out)) == 1


@pytest.mark.parametrize("kind", ["record.json", "test.npz"])
def test_a_flipped_bit_is_found_or_harmless(kind: str, stored: Run) -> None:
    """200 flips in each file: the run is gone, or every figure of it is the one that was stored."""
    out, file = stored.folder.parent.parent, stored.folder / kind
    record = stored.folder / "record.json"
    kept, content, draw = record.read_bytes(), file.read_bytes(), random.Random(0)
    table = results(out)
    for _ in range(200):
        changed = bytearray(content)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        file.write_bytes(changed)
        assert found(out, stored) or results(out).equals(table)
        record.write_bytes(kept)
        file.write_bytes(content)


@pytest.mark.parametrize("size", [0, 1, 100, 1000])
@pytest.mark.parametrize("kind", ["record.json", "test.npz"])
def test_a_file_cut_short_is_found(kind: str, size: int, stored: Run, capsys: pytest.CaptureFixture[str]) -> None:
    file = stored.folder / kind
    file.write_bytes(file.read_bytes()[:size])
    assert results(stored.folder.parent.parent).empty
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "is damaged" in said[0] and "put aside" in said[0]


@pytest.mark.parametrize(
    "edit",
    [
        lambda values: values["experiment"].update(model="base"),
        lambda values: values["experiment"].update(seed=1),
        lambda values: values["experiment"].update(lr=0.002),
        lambda values: values["provenance"].update(dataset_checksum="other"),
        lambda values: values.update(training_version=1),
        lambda values: values.update(key="../../elsewhere"),
        lambda values: values.update(test_accuracy=0.97),
        lambda values: values.update(seconds=1.0),
        lambda values: values.update(history=[]),
        lambda values: values.update(history=None),
        lambda values: values.update(parameters="1"),
        lambda values: values.update(train_accuracy=float("nan")),
        lambda values: values.pop("provenance"),
    ],
)
def test_what_follows_is_recomputed_even_without_a_checksum(
    edit: Callable[[dict[str, Any]], object], stored: Run
) -> None:
    """As in records of before they had one."""
    record, out = stored.folder / "record.json", stored.folder.parent.parent
    change(record, lambda values: None, keep_checksum=False)
    assert len(results(out)) == 1, "an old record is as good as ever"
    change(record, edit)
    assert results(out).empty


def test_a_path_for_a_key_renames_nothing(stored: Run, tmp_path: Path) -> None:
    victim = tmp_path / "elsewhere"
    shutil.copytree(stored.folder, victim)
    before = sorted((path.name, path.read_bytes()) for path in victim.iterdir())
    change(stored.folder / "record.json", lambda values: values.update(key=str(victim)), keep_checksum=False)
    out = stored.folder.parent.parent
    assert not Finished(out).group(stored.experiment)
    assert results(out).empty
    assert sorted((path.name, path.read_bytes()) for path in victim.iterdir()) == before


def test_a_record_moved_to_another_run_is_found(stored: Run) -> None:
    out = stored.folder.parent.parent
    other = Store(out).save(run_with(0.5, TINY.but(seed=1)))
    for name in ("record.json", "test.npz"):
        shutil.copy(stored.folder / name, other.folder / name)
    assert list(results(out)["key"]) == [stored.key]


def test_damaged_weights_are_never_a_model(stored: Run) -> None:
    file = stored.folder / "weights.safetensors"
    content, draw, told = file.read_bytes(), random.Random(0), 0
    for _ in range(50):
        changed = bytearray(content)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        file.write_bytes(changed)
        run = Store(stored.folder.parent.parent).load(stored.key)
        with pytest.raises(UserError, match="weights of run .* are damaged"):
            run.model()
        told += file.with_name("weights.safetensors.damaged").exists()
    assert told == 50
    file.write_bytes(content)
    assert run.model()


def test_a_run_of_other_parts_than_its_key_is_of_is_not_that_run(
    stored: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a worker that has another optimizer under the same name would send it."""
    path, out = stored.folder / "record.json", stored.folder.parent.parent
    told = json.loads(path.read_text("utf-8"))
    told["provenance"]["optimizer_digest"] = "f" * 64
    path.write_text(written(sealed(told)), "utf-8")
    assert Store(out).load(stored.key) is None
    assert "other parts than its key is of" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["test.npz", "weights.safetensors", "record.json"])
def test_a_run_that_there_is_no_room_for_leaves_the_former_one_whole(
    name: str, stored: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: of the files of a run all are replaced, or none, in whatever order they are written."""
    folder, write = tmp_path / "out" / "runs" / stored.key, Path.write_bytes
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = run_with(0.5, TINY, views=0.6)
    again.weights = models.build("cnn-small").state_dict()

    def full(path: Path, content: bytes) -> int:
        if path.name.startswith(name):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(UserError, match=f"cannot write .*{name}"):
            Store(tmp_path / "out").save(again)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "errors.csv").write_text("of the former training")
    assert Store(tmp_path / "out").save(again).test_accuracy == 0.5
    assert {path.name: path.read_bytes() for path in folder.iterdir()}.keys() == before.keys()


def test_one_damaged_record_does_not_hide_the_others(stored: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = stored.folder.parent.parent
    other = Store(out).save(run_with(0.5, TINY.but(seed=1)))
    (stored.folder / "record.json").write_text('{"key": ')
    assert list(results(out)["key"]) == [other.key]
    assert len(Finished(out).group(other.experiment)) == 1
    assert capsys.readouterr().err.count("put aside") == 1


@pytest.mark.parametrize("name", ["record.json", "test.npz"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "link to nowhere", "link to itself"])
def test_what_is_no_file_is_put_aside(name: str, kind: str, stored: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out, path = stored.folder.parent.parent, stored.folder / name
    other = Store(out).save(run_with(0.5, TINY.but(seed=1)))
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere" if kind == "link to nowhere" else path)
    assert Store(out).load(stored.key) is None
    assert list(results(out)["key"]) == [other.key]
    assert len(capsys.readouterr().err.splitlines()) <= 2
    path.unlink(missing_ok=True) if kind != "folder" else None
    assert Store(out).load(other.key) is not None


def test_a_run_that_another_process_writes_anew_is_never_taken_for_damaged(stored: Run) -> None:
    """As RETRAIN=1 does: between two of its files old and new are mixed, and its record must stay where it is."""
    out, ended = stored.folder.parent.parent, threading.Event()
    versions = []
    for run in (run_with(0.87, TINY, views=0.9), run_with(0.61, TINY, views=0.8)):
        Store(out).save(run)
        files = [stored.folder / name for name in ("test.npz", "record.json")]
        versions.append([(path, path.read_bytes()) for path in files])

    def write() -> None:  # as `save` does; NumPy, which it reads back with, is not for two threads of Python 3.11
        while not ended.is_set():
            for files in versions:
                for path, content in files:
                    write_whole(path, lambda part, content=content: part.write_bytes(content))
                time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [Store(out).load(stored.key) for _ in range(150)]
    finally:
        ended.set()
        writer.join()
    assert all(found)
    assert {run.test_accuracy for run in found if run} == {0.87, 0.61}
    assert not list(stored.folder.glob("*.damaged"))


def test_deleting_a_linked_run_leaves_what_it_links_to(stored: Run, tmp_path: Path) -> None:
    link = tmp_path / "mine" / "runs" / stored.key
    link.parent.mkdir(parents=True)
    link.symlink_to(stored.folder)
    Store(tmp_path / "mine").delete(stored.key)
    assert not link.is_symlink() and Store(stored.folder.parent.parent).load(stored.key) is not None
