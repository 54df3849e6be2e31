"""Our own recipes: which there are, and what is said of finished runs, the views apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import run_with

from fmnist_utils import Dataset, Experiment, UserError, models
from fmnist_utils.runs.store import Store
from fmnist_utils.studies import recipes


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(recipes, "PUBLISHED", tmp_path / "published")
    return Store(tmp_path)


def test_experiments_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "locate", lambda name: None)
    assert recipes.experiments([]) == []
    compact = recipes.experiments(["compact"])
    assert [(item.model, item.seed) for item in compact] == [("compact", seed) for seed in range(3)]
    everything = recipes.experiments(["all"])
    assert len({item.canonical() for item in everything}) == len(everything) == 5 + 3 + 3 + 3 + 3 + 2 + 2
    assert recipes.experiments("compact") == compact and len(set(compact + compact)) == 3
    with pytest.raises(UserError, match="unknown recipe 'sprnt'; did you mean 'sprint'. .recipes: sprint"):
        recipes.experiments(["sprnt"])


@pytest.mark.usefixtures("without_mnist")
def test_recipes_of_missing_data_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert {item.dataset for item in recipes.experiments(["all"])} == {"fashion-mnist"}
    assert capsys.readouterr().out.startswith("Left out, the recipes about mnist: MNIST is missing: looked nowhere")


def test_published_runs_are_those_on_exactly_these_data(data: Dataset) -> None:
    groups = recipes.published(data)
    assert len(groups["compact"]) >= 3 and len(groups["best"]) >= 1
    assert all(np.array_equal(run.test_labels, data.test_labels) for run in groups.runs)
    assert groups["compact"].predictions.shape == (len(groups["compact"]), 10_000)
    assert recipes.published(replace(data, checksum="other")) == {}


def test_sizes_are_within_their_limits() -> None:
    weights = {
        name: models.count_parameters(models.build(item.model, **item.model_options))
        for name, item in recipes.RECIPES.items()
    }
    assert weights["tiny"] <= 100_000
    assert weights["sharp"] <= 300_000
    assert weights["compact"] <= 300_000
    assert weights["best"] <= 1_000_000


def test_published_recipes_train_on_all_images() -> None:
    assert all(item.train_size is None and not item.validation for item in recipes.RECIPES.values())


def test_a_net_with_a_recipe_is_one_net_everywhere() -> None:
    sprint = Experiment(model="sprint", model_options=recipes.options("sprint"))
    assert sprint.model_options == recipes.find("sprint").model_options != {}
    assert recipes.options("base") == {}


def test_plain_accuracy_and_that_of_views_stand_apart(store: Store) -> None:
    before = recipes.table(store.folder.parent).set_index("recipe")
    assert (before["accuracy"] == "not yet run").all()
    assert before["a training"].str.startswith("would take about").all()
    for seed in range(2):
        store.save(run_with(0.93, recipes.find("sprint").but(seed=seed), views=0.95))
    row = recipes.table(store.folder.parent).set_index("recipe").loc["sprint"]
    assert row["accuracy"].startswith("93.00 % ±") and "2 seeds" in row["accuracy"]
    assert row["with six views"].startswith("95.00 % ±")
    assert row["a training"].endswith("on cpu, 2 threads")


def test_digits_are_never_mirrored(store: Store) -> None:
    digits = recipes.find("digits")
    assert digits.dataset == "mnist" and not digits.test_time_views
    assert not {"flip", "alternating-flip", "vertical-flip"} & {item.name for item in digits.augmentation}
    assert digits.but(dataset="fashion-mnist", augmentation="flip") == recipes.find("compact").but(
        augmentation="flip", test_time_views=False
    )
    row = recipes.table(store.folder.parent).set_index("recipe").loc["digits (net of compact, mnist)"]
    assert row["with six views"] == "none"


def test_other_experiments_are_not_taken_for_the_recipe(store: Store) -> None:
    store.save(run_with(0.99, Experiment(model="sprint")))
    assert (recipes.table(store.folder.parent)["accuracy"] == "not yet run").all()
