"""`explore`: the widget answers its questions with the right images, from runs or from a folder of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ipywidgets import HTML

from fmnist_utils import Dataset, Run, UserError, explore
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.runs.explore import Explorer
from fmnist_utils.runs.store import Store

SHIRT, TSHIRT = 6, 0


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Two published runs of one net: a longer training and a shorter one."""
    records = [record for record in Store(PUBLISHED).records() if record["experiment"]["model"] == "cnn-big"]
    records.sort(key=lambda record: record["test_accuracy"])
    store = Store(PUBLISHED)
    found = [store.load(record["key"]) for record in (records[0], records[-1])]
    return [run for run in found if run]


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


def test_a_folder_gives_its_runs_the_best_first(runs: list[Run], data: Dataset, tmp_path: Path) -> None:
    for run in runs:
        shutil.copytree(ROOT / PUBLISHED / "runs" / run.key, tmp_path / "runs" / run.key)
    widget = explore(tmp_path)
    best = max(runs, key=lambda run: run.test_accuracy)
    assert [best.key in name for name in widget.first.options] == [True, False]
    assert set(widget.found) == set(np.flatnonzero(~best.correct))
    assert explore(str(tmp_path), data).first.options == widget.first.options


def test_a_run_that_cannot_be_read_says_so(runs: list[Run], data: Dataset, tmp_path: Path) -> None:
    for run in runs:
        shutil.copytree(ROOT / PUBLISHED / "runs" / run.key, tmp_path / "runs" / run.key)
    widget = explore(tmp_path, data)
    other = next(name for name in widget.first.options if name != widget.first.value)
    key = other.rpartition("(")[2].rstrip(")")
    (tmp_path / "runs" / key / "test.npz").write_bytes(b"")
    widget.first.value = other
    assert f"run {key} in {tmp_path} is damaged" in widget.children[-2].value


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
