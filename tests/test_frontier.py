"""The frontier: what is planned, and what is said of finished runs, the views apart."""

from pathlib import Path

import pytest
from made_up_runs import run_with

from fmnist_utils import Experiment, UserError, models
from fmnist_utils.runs.store import Store
from fmnist_utils.studies import recipes


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(recipes, "PUBLISHED", tmp_path / "published")
    return Store(tmp_path)


def test_parts_are_planned_by_name() -> None:
    assert recipes.planned([]) == []
    assert [(item.model, item.seed) for item in recipes.planned(["compact"])] == [("compact", 0), ("compact", 1)]
    everything = recipes.planned(["all"])
    assert len({item.canonical() for item in everything}) == len(everything)
    assert len(everything) == 3 + 2 + 1 + 3 * (1 + len(recipes.TRICKS))
    with pytest.raises(UserError, match="unknown 'sprnt'; did you mean 'sprint'. .allowed: all, sprint"):
        recipes.planned(["sprnt"])


def test_sizes_are_within_their_limits() -> None:
    weights = {
        name: models.count_parameters(models.build(item.model, **item.model_options))
        for name, item in recipes.RECIPES.items()
    }
    assert weights["compact"] <= 300_000
    assert weights["best"] <= 1_000_000


def test_published_recipes_train_on_all_images_and_the_ablation_does_not() -> None:
    assert all(item.train_size is None and not item.validation for item in recipes.RECIPES.values())
    for changes in recipes.TRICKS.values():
        changed = recipes.ABLATED.but(**changes)
        assert changed != recipes.ABLATED
        assert (changed.train_size, changed.epochs) == (20_000, recipes.FIRST.epochs)


def test_plain_accuracy_and_that_of_views_stand_apart(store: Store) -> None:
    before = recipes.table(store.folder.parent).set_index("model")
    assert (before["accuracy"] == "not yet run").all()
    assert before["a training"].str.startswith("planned: about").all()
    for seed in range(2):
        store.save(run_with(0.93, recipes.SPRINT.but(seed=seed), views=0.95))
    row = recipes.table(store.folder.parent).set_index("model").loc["sprint"]
    assert row["accuracy"].startswith("93.00 % ±") and "2 seeds" in row["accuracy"]
    assert row["with six views"].startswith("95.00 % ±")
    assert row["a training"].endswith("on cpu, 2 threads")


def test_ablation_keeps_only_what_can_be_compared(store: Store) -> None:
    out = store.folder.parent
    store.save(run_with(0.9, recipes.ABLATED.but(**recipes.TRICKS["EMA"], seed=0)))
    assert len(recipes.ablation(out)) == 0
    for seed in range(2):
        store.save(run_with(0.9, recipes.ABLATED.but(seed=seed)))
        store.save(run_with(0.8, recipes.ABLATED.but(**recipes.TRICKS["no flips"], seed=seed)))
    for seed in range(3):  # one more than there is to compare with
        store.save(run_with(0.95, recipes.ABLATED.but(**recipes.TRICKS["residual groups"], seed=seed)))
    table = recipes.ablation(out)
    assert list(table.index) == ["residual groups", "no flips"]  # EMA lacks a seed
    assert table["validation"].tolist() == pytest.approx([0.05, -0.1])
    assert table["difference"].tolist() == pytest.approx([0.05, -0.1])
    assert table["verdict"].tolist() == ["better", "worse"]
    assert table["time"].tolist() == [1, 1]
    assert table["seeds"].tolist() == [2, 2]


def test_landscape_sets_ours_beside_the_public_figures(store: Store) -> None:
    out = store.folder.parent
    store.save(run_with(0.93, recipes.SPRINT))
    [claim] = [claim for claim in recipes.CLAIMS if claim.name == "002-base"]
    store.save(run_with(0.92, claim.arms[0]))
    table = recipes.landscape(out)
    assert list(table.index) == ["sprint", "base", *(figure.name for figure in recipes.PUBLIC)]
    assert table.loc["base", "source"] == "seed 002"
    assert table["source"].iloc[2:].str.startswith("https://").all()
    assert (table["seconds"] > 0).all()


def test_other_experiments_are_not_taken_for_the_recipe(store: Store) -> None:
    store.save(run_with(0.99, Experiment(model="sprint")))
    assert (recipes.table(store.folder.parent)["accuracy"] == "not yet run").all()
