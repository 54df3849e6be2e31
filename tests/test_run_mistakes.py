"""`python -m fmnist_utils errors KEY`: the mistakes of a stored run, for spreadsheets."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_files import own

from fmnist_utils import Dataset, Experiment, UserError, load_dataset, run_all
from fmnist_utils.__main__ import main
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.runs import mistakes
from fmnist_utils.runs.store import Store


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A reports folder with a published run, all of whose probabilities were kept."""
    runs = (r for r in Store(PUBLISHED).records() if r["experiment"]["model"] == "base")
    key = next(r["key"] for r in runs if (ROOT / PUBLISHED / "runs" / r["key"] / "test.npz").exists())
    shutil.copytree(ROOT / PUBLISHED / "runs" / key, tmp_path / "runs" / key)
    return tmp_path


def key_in(out: Path) -> str:
    (folder,) = (out / "runs").iterdir()
    return folder.name


def test_every_mistake_has_a_row(out: Path, data: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_in(out)
    assert main(["errors", key, "--out", str(out)]) == 0
    run = Store(out).check(key)
    wrong = np.flatnonzero(run.predictions != run.test_labels)
    path = out / "runs" / key / "errors.csv"
    assert capsys.readouterr().out == f"{len(wrong)} mistakes of 10,000 test images: {path}\n"
    assert main(["errors", key[:4], "--out", str(out)]) == 0, "the beginning of a key will do"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == wrong.tolist()
    assert [row["label"] for row in rows] == [data.class_names[i] for i in run.test_labels[wrong]]
    assert [row["prediction"] for row in rows] == [data.class_names[i] for i in run.predictions[wrong]]
    written = np.array([[float(row[f"p({name})"]) for name in data.class_names] for row in rows])
    assert written == pytest.approx(run.test_probabilities[wrong], rel=1e-3)
    assert [file.name for file in path.parent.glob("*.part")] == []
    assert Store(out).check(key).key == key  # it is still whole


def test_a_copy_beside_a_run_does_not_hide_it(out: Path) -> None:
    key = key_in(out)
    for other in (f"{key}.bak", f"{key} copy"):
        shutil.copytree(out / "runs" / key, out / "runs" / other)
    assert main(["errors", key, "--out", str(out)]) == 0
    assert main(["runs", "--out", str(out), "--delete", key, "--yes"]) == 0
    assert {path.name for path in (out / "runs").iterdir()} == {f"{key}.bak", f"{key} copy"}


def test_a_wrong_key_is_one_line_with_the_nearest(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_in(out)
    for wrong in (key[:-1] + "x", "../" + key, "", "é" * 500):
        assert main(["errors", wrong, "--out", str(out)]) == 2
        said = capsys.readouterr()
        assert said.out == "" and len(said.err.splitlines()) == 1 and len(said.err) < 300
        assert said.err.startswith(f"Error: {out}: run ")
        assert (f"did you mean {key!r}?" in said.err) == (key[:-1] in wrong)
    assert main(["errors", key, "--profile", "qick"]) == 2
    assert "did you mean 'quick'?" in capsys.readouterr().err


def test_a_key_of_another_folder_is_said_to_be_there(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = next(r["key"] for r in Store(PUBLISHED).records() if r["key"] != key_in(out))
    assert main(["errors", elsewhere[:9], "--out", str(out)]) == 2
    said = f"run {elsewhere[:9]!r} is not there, but in {PUBLISHED}: OUT={PUBLISHED}"
    assert capsys.readouterr().err == f"Error: {out}: {said}\n"


def test_a_run_that_is_a_link_is_left_to_the_folder_that_has_it(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_in(out)
    link = tmp_path / "mine" / "runs" / key
    link.parent.mkdir(parents=True)
    link.symlink_to(out / "runs" / key)
    before = sorted(path.name for path in link.iterdir())
    assert main(["errors", key, "--out", str(link.parents[1])]) == 2
    said = f"run {key} is a link to that of another folder; ask for it there: OUT={out}"
    assert capsys.readouterr().err == f"Error: {link.parents[1]}: {said}\n"
    assert sorted(path.name for path in link.iterdir()) == before


def test_a_damaged_run_is_said_to_be_and_left_alone(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_in(out)
    with (out / "runs" / key / "test.npz").open("ab") as file:
        file.write(b"more")
    assert main(["errors", key, "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"Error: run {key} in {out} is damaged: test.npz differs from its checksum\n"
    assert (out / "runs" / key / "record.json").exists()


def test_a_run_that_lost_its_predictions_is_said_to_be_damaged(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_in(out)
    (out / "runs" / key / "test.npz").unlink()
    assert main(["errors", key, "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"Error: run {key} in {out} is damaged: its test.npz is missing\n"


def test_no_class_name_is_a_formula(out: Path, data: Dataset) -> None:
    names = ("=1+1", "+a", "-b", "@c", "\td", 'e "quoted", f', *data.class_names[6:])
    run = Store(out).check(key_in(out))
    path = mistakes.write(run, replace(data, class_names=names), out)
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head[3:] == [f"p({name})" for name in names]
    said = {cell for row in rows for cell in row[1:3]}
    assert {"'=1+1", "'+a", "'-b", "'@c", "'\td", 'e "quoted", f'} <= said
    assert not [cell for cell in said if cell[0] in "=+-@\t"]


def test_other_images_than_the_run_saw_are_refused(tmp_path: Path) -> None:
    labels = tuple(range(3)) * 8
    folder = own(tmp_path / "own", train_labels=labels, test_labels=labels, images=len(labels))
    experiment = Experiment(model="cnn-small", dataset=str(folder), batch_size=8, epochs=1)
    (run,) = run_all([experiment], str(tmp_path / "out"))
    data = mistakes.tested_on(run)
    assert len(mistakes.table(run, data)) == (~run.correct).sum()
    own(folder, train_labels=labels, test_labels=labels[::-1], images=len(labels))
    with pytest.raises(UserError, match=f"run {run.key} was trained on other images than "):
        mistakes.tested_on(run)


def test_classes_that_the_net_does_not_know_are_told_in_a_line(tmp_path: Path) -> None:
    """The key of a run is of its images and labels: what a ``classes.txt`` adds later is no part of it."""
    labels = tuple(range(3)) * 8
    folder = own(tmp_path / "own", train_labels=labels, test_labels=labels, images=len(labels))
    experiment = Experiment(model="cnn-small", dataset=str(folder), batch_size=8, epochs=1)
    (run,) = run_all([experiment], str(tmp_path / "out"))
    (folder / "classes.txt").write_text("a\nb\nc\nd\n", "utf-8")
    data = load_dataset(str(folder))
    for attempt in (
        lambda: mistakes.tested_on(run),
        lambda: run.predict(data.test_images[:2].numpy(), data=data),
        lambda: run_all([experiment], str(tmp_path / "out")),
    ):
        with pytest.raises(UserError, match=f"run {run.key} tells 3 classes apart, but .* has 4 now: name as many"):
            attempt()
    (folder / "classes.txt").write_text("a\nb\nc\n", "utf-8")
    assert list(mistakes.table(run, mistakes.tested_on(run)).columns[3:]) == ["p(a)", "p(b)", "p(c)"]
