"""What is seen of an object at the end of a cell or in a terminal: a short line, a small table; names that complete."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from made_up_runs import run_with

import fmnist_utils
from fmnist_utils import (
    Dataset,
    Experiment,
    Group,
    Groups,
    doubts,
    metrics,
    models,
    neighbours,
    plots,
    sentences,
    studies,
)

LONG = Experiment(
    model="cnn-big", model_options={"dropout": 0.4, "conv_dropout": 0.2}, augmentation="flip+translate+erasing+cutmix",
    optimizer="muon", lr=0.08, schedule="one-cycle", class_weights={"Shirt": 2.0, "Coat": 3.0}, epochs=300, seed=7,
    train_size=1234, label_smoothing=0.1, ema=0.999, batch_size=256,
)  # fmt: skip


@pytest.fixture(scope="module")
def objects(data: Dataset) -> dict[str, Any]:
    run = run_with(0.9, LONG)
    group = Group([run, run_with(0.91, LONG.but(seed=8))])
    return {
        "run": run,
        "experiment": LONG,
        "data set": data,
        "estimate": group.accuracy,
        "comparison": metrics.compare(group.correct, [right[::-1] for right in group.correct]),
        "group": group,
        "groups": Groups({"plain": group}),
        "no run": Group(),
        "no group": Groups(),
        "mistakes": group.mistakes(replace(data, checksum=run.provenance["dataset_checksum"])),
    }


def test_a_terminal_gets_a_short_line_of_each(objects: dict[str, Any]) -> None:
    said = {name: repr(item) for name, item in objects.items()}
    assert {name: text for name, text in said.items() if len(text) > 120 or "\n" in text or "array(" in text} == {}
    run = objects["run"]
    assert said["run"] == f"Run {run.key}: cnn-big, seed 7, 90.00 % of 10,000 test images, 1 epoch in 2.0 s"
    assert said["experiment"].startswith("Experiment(train_size=1234, model='cnn-big', ")
    assert said["data set"].startswith("fashion-mnist: 60,000 training and 10,000 test images of 10 classes, from ")
    assert said["estimate"].startswith("90.50 % ± ")
    assert said["comparison"].endswith("no measurable difference")
    assert said["mistakes"].endswith("test images of fashion-mnist that one of 2 runs gets wrong")


def test_jupyterlab_gets_html_of_each(objects: dict[str, Any]) -> None:
    pages = {name: item._repr_html_() for name, item in objects.items() if name != "mistakes"}
    tables = {name for name, page in pages.items() if BeautifulSoup(page, "html.parser").find("table")}
    assert tables == {"run", "experiment", "data set", "group", "groups"}
    assert "flip+translate+erasing+cutmix" in pages["experiment"]
    assert objects["data set"].checksum in pages["data set"]
    assert max(map(len, pages.values())) < 2000


def test_names_are_data_not_html(data: Dataset) -> None:
    from dataclasses import replace

    strange = replace(data, name="<b>", class_names=("<script>", *data.class_names[1:]))
    assert not BeautifulSoup(strange._repr_html_(), "html.parser").find(["b", "script"])
    assert "\n" not in repr(replace(data, name="two\nlines"))


def test_an_experiment_of_defaults_says_no_more_than_that() -> None:
    assert repr(Experiment()) == str(Experiment()) == "Experiment()"
    short = Experiment(lr=0.01, augmentation="flip")
    assert eval(repr(short), {"Experiment": Experiment}) == short


@pytest.mark.parametrize("module", [plots, doubts, neighbours])
def test_completion_offers_what_a_module_is_for(module: Any) -> None:
    own = [
        name
        for name, item in vars(module).items()
        if (inspect.isfunction(item) or inspect.isclass(item)) and item.__module__ == module.__name__ and name[0] != "_"
    ]
    assert dir(module) == sorted(own)
    assert not {"np", "pd", "annotations", "Any"} & set(dir(module))


def test_completion_offers_public_names_alone() -> None:
    for module in (fmnist_utils, metrics, models, sentences, studies):
        assert dir(module) == sorted(module.__all__)
    assert {"bars", "curves", "show"} <= set(dir(plots))
    assert np.all([getattr(fmnist_utils, name) is not None for name in dir(fmnist_utils)])
