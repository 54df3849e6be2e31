"""`explore`: the widget answers its questions with the right images, from runs or from a folder of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_files import own
from ipywidgets import HTML

from fmnist_utils import Dataset, Experiment, Group, Groups, Run, UserError, explore, run_all
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.runs.explore import Explorer
from fmnist_utils.runs.store import Store

SHIRT, TSHIRT = 6, 0


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Two published runs of one net with all their probabilities, the least accurate and the most accurate one."""
    store = Store(PUBLISHED)
    found = [store.load(record["key"]) for record in store.records() if record["experiment"]["model"] == "cnn-big"]
    whole = sorted((run for run in found if run and not run.is_thin), key=lambda run: run.test_accuracy)
    return [whole[0], whole[-1]]


@pytest.fixture
def folder(runs: list[Run], tmp_path: Path) -> Path:
    """A reports folder with both."""
    for run in runs:
        shutil.copytree(ROOT / PUBLISHED / "runs" / run.key, tmp_path / "runs" / run.key)
    return tmp_path


def pictures(widget: Explorer) -> str:
    """The HTML that shows the images."""
    last = widget.children[-1]
    assert isinstance(last, HTML)
    return str(last.value)


def test_one_run_shows_its_mistakes_cell_by_cell(runs: list[Run], data: Dataset) -> None:
    run = runs[0]
    widget = explore([run], data)
    wrong = np.flatnonzero(~run.correct)
    assert set(widget.found) == set(wrong)
    assert widget.cells.options[0][0] == f"all: {len(wrong):,} images"
    sizes = [int(label.rpartition(": ")[2].split()[0]) for label, _ in widget.cells.options[1:]]
    assert sizes == sorted(sizes, reverse=True) and sum(sizes) == len(wrong)
    widget.cells.value = (SHIRT, TSHIRT)
    cell = np.flatnonzero((run.test_labels == SHIRT) & (run.predictions == TSHIRT))
    assert set(widget.found) == set(cell)
    assert pictures(widget).count("data-image=") == min(200, len(cell))
    surest = int(widget.found[0])
    confidence = run.test_probabilities[:, TSHIRT]
    assert confidence[surest] == confidence[cell].max()
    assert f"{surest} Shirt<br>A: T-shirt/top, {confidence[surest]:.0%}".replace("%", " %") in pictures(widget)
    widget.confidence.value = (0, 60)
    assert set(widget.found) == set(cell[(100 * confidence[cell]).round() <= 60])


def test_two_runs_say_what_the_second_repairs_and_breaks(runs: list[Run], data: Dataset) -> None:
    widget = explore(runs, data)
    a, b = (~run.correct for run in runs)
    assert len(widget.question.options) == 1
    widget.second.value = widget.second.options[-1][1]
    expected = {"What does A get wrong?": a, "What does B repair?": a & ~b, "What does B break?": ~a & b}
    expected["What do both get wrong?"] = a & b
    assert list(widget.question.options) == list(expected)
    for question, wrong in expected.items():
        widget.question.value = question
        assert set(widget.found) == set(np.flatnonzero(wrong)), question
    widget.question.value = "What does B break?"
    image = widget.found[0]
    names = data.class_names
    first, second = names[runs[0].predictions[image]], names[runs[1].predictions[image]]
    assert first == names[runs[0].test_labels[image]] != second
    assert f"A: {first}, " in pictures(widget) and f"B: {second}, " in pictures(widget)
    assert (runs[1].test_labels[image], runs[1].predictions[image]) in [value for _, value in widget.cells.options]
    widget.second.value = ""
    assert set(widget.found) == set(np.flatnonzero(a))


def test_a_folder_gives_its_runs_the_best_first(runs: list[Run], data: Dataset, folder: Path) -> None:
    widget = explore(folder)
    best = max(runs, key=lambda run: run.test_accuracy)
    assert [best.key in name for name in widget.first.options] == [True, False]
    assert set(widget.found) == set(np.flatnonzero(~best.correct))
    assert explore(str(folder), data).first.options == widget.first.options


@pytest.mark.parametrize("at_first", [True, False])
def test_a_run_that_cannot_be_read_says_so_and_shows_no_images(
    at_first: bool, runs: list[Run], data: Dataset, folder: Path
) -> None:
    good, bad = sorted(runs, key=lambda run: run.test_accuracy, reverse=at_first)[::-1]
    (folder / "runs" / bad.key / "test.npz").write_bytes(b"")
    widget = explore(folder, data)
    names = {run.key: name for run in runs for name in widget.first.options if run.key in name}
    for name in (names[good.key], names[bad.key]):
        widget.first.value = name
    for low in (0, 10):
        widget.confidence.value = (low, 60)
        assert f"run {bad.key} in {folder} is damaged" in widget.children[-2].value
        assert len(widget.found) == 0 and not pictures(widget) and not widget.cells.options
    widget.first.value = names[good.key]
    sure = (100 * good.test_probabilities.max(1)).round()
    assert set(widget.found) == set(np.flatnonzero(~good.correct & (sure >= 10) & (sure <= 60)))


def test_a_folder_has_the_accuracies_that_everything_else_has(data: Dataset, tmp_path: Path) -> None:
    """Of a run whose record states another one, by some images, of before probabilities were rounded."""
    key = "01e7ace4b7a4db88"
    shutil.copytree(ROOT / PUBLISHED / "runs" / key, tmp_path / "runs" / key)
    run = Store(tmp_path).check(key)
    assert json.loads((tmp_path / "runs" / key / "record.json").read_text())["test_accuracy"] != run.test_accuracy
    assert explore(tmp_path, data).first.options == explore(run, data).first.options


def test_a_folder_is_looked_at_by_the_runs_that_can_be_read(runs: list[Run], folder: Path) -> None:
    bad, good = sorted(runs, key=lambda run: run.key)
    (folder / "runs" / bad.key / "test.npz").unlink()
    widget = explore(folder)
    widget.first.value = next(name for name in widget.first.options if good.key in name)
    assert set(widget.found) == set(np.flatnonzero(~good.correct))
    (folder / "runs" / good.key / "test.npz").unlink()
    with pytest.raises(UserError, match=f"run {bad.key} in .* is damaged: its test.npz is missing"):
        explore(folder)


def test_runs_on_other_images_than_most_are_counted(
    runs: list[Run], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tuple(range(3)) * 8
    place = own(tmp_path / "own", train_labels=labels, test_labels=labels, images=len(labels))
    run_all(Experiment(model="cnn-small", dataset=str(place), batch_size=8, epochs=1), folder)
    capsys.readouterr()
    assert len(explore(folder).first.options) == len(runs)
    assert capsys.readouterr().out == "Left out, 1 run: tested on other images than those of fashion-mnist\n"


def test_class_names_are_text(runs: list[Run], data: Dataset) -> None:
    names = (
        "<script>alert(1)</script>",
        *data.class_names[1:6],
        '"><img src=x onerror=alert(2)>',
        *data.class_names[7:],
    )
    widget = explore(runs[:1], replace(data, class_names=names))
    widget.cells.value = (SHIRT, TSHIRT)
    shown = pictures(widget)
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script" not in shown and "<img src=x" not in shown


def test_it_is_displayed_as_a_widget(runs: list[Run], data: Dataset) -> None:
    bundle = explore(runs[:1], data)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_nothing_to_explore_is_a_user_error(tmp_path: Path, data: Dataset) -> None:
    with pytest.raises(UserError, match="no finished runs in "):
        explore(tmp_path)
    with pytest.raises(UserError, match="no runs to look at"):
        explore([], data)
    for odd in (None, 5, ["0123456789abcdef"]):
        with pytest.raises(UserError, match="explore takes runs, groups or a reports folder, not "):
            explore(odd, data)  # type: ignore[arg-type]


def test_a_run_and_groups_are_looked_at_like_a_list(runs: list[Run], data: Dataset) -> None:
    groups = Groups({"a": Group(runs[:1]), "b": Group(runs[1:])})
    assert explore(groups, data).first.options == explore(runs, data).first.options
    assert explore(runs[0], data).first.options == explore(runs[:1], data).first.options


def test_images_that_a_run_was_not_tested_on_are_refused(runs: list[Run], data: Dataset) -> None:
    with pytest.raises(UserError, match="was trained on other images"):
        explore(runs[:1], replace(data, checksum="another"))
    for given in (runs[:1], runs[0].folder.parent.parent):
        with pytest.raises(UserError, match="^explore: 'fashion-mnist' is no data set: give what load_dataset returns"):
            explore(given, "fashion-mnist")  # type: ignore[arg-type]
