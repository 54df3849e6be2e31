"""The ablation: one thing changed at a time, and only what can be compared is."""

from pathlib import Path

import pytest
from made_up_runs import run_with

from fmnist_utils import sentences
from fmnist_utils.runs.store import Store
from fmnist_utils.studies import ablation, recipes


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(ablation, "PUBLISHED", tmp_path / "published")
    return Store(tmp_path)


def test_every_change_is_one_and_on_a_part_of_the_images() -> None:
    experiments = ablation.experiments()
    arms, long = 3 * (2 + len(ablation.CHANGES)), ablation.LONG_SEEDS * (1 + len(ablation.LONG_CHANGES))
    assert len({item.canonical() for item in experiments}) == len(experiments) == arms + long
    assert sum(item.epochs == 40 and item.train_size is None for item in experiments) == long
    for changes in ablation.CHANGES.values():
        changed = ablation.BASE.but(**changes)
        assert changed != ablation.BASE
        assert (changed.train_size, changed.epochs) == (20_000, recipes.STARTING_RECIPE.epochs)


def test_ablation_keeps_only_what_can_be_compared(store: Store) -> None:
    out = store.folder.parent
    store.save(run_with(0.9, ablation.BASE.but(**ablation.WITH["EMA"], seed=0)))
    assert len(ablation.table(out)) == 0
    for seed in range(2):
        store.save(run_with(0.9, ablation.BASE.but(seed=seed)))
        store.save(run_with(0.8, ablation.BASE.but(**ablation.CHANGES["no flips"], seed=seed)))
    for seed in range(3):  # one more than there is to compare with
        store.save(run_with(0.95, ablation.BASE.but(**ablation.WITH["residual groups"], seed=seed)))
    table = ablation.table(out)
    assert list(table.index) == ["with residual groups", "no flips"]  # EMA lacks a seed
    assert table["validation"].tolist() == pytest.approx([0.05, -0.1])
    assert table["difference"].tolist() == pytest.approx([0.05, -0.1])
    assert table["verdict"].tolist() == ["better", "worse"]
    assert table["time"].tolist() == [1, 1]
    assert table["seeds"].tolist() == [2, 2]


def test_the_long_part_is_compared_with_the_recipe_trained_as_long(store: Store) -> None:
    out, erasing = store.folder.parent, ablation.WITH["erasing"]
    store.save(run_with(0.7, ablation.BASE.but(seed=0)))
    store.save(run_with(0.9, ablation.BASE.but(**erasing, seed=0)))
    assert len(ablation.long_table(out)) == 0, "short trainings are no long ones"
    for seed in range(2):
        store.save(run_with(0.9, ablation.LONG.but(seed=seed)))
        store.save(run_with(0.95, ablation.LONG.but(**erasing, seed=seed)))
    store.save(run_with(0.95, ablation.LONG.but(**ablation.WITH["EMA"], seed=0)))
    table = ablation.long_table(out)
    assert list(table.index) == ["with erasing"], "EMA lacks a seed"
    assert table["difference"].tolist() == pytest.approx([0.05])
    assert (table["seeds"].tolist(), table["reference seeds"].tolist()) == ([2], [2])
    assert table.attrs["budget"].endswith("40 epochs and 2 seeds")
    assert "in few epochs" not in sentences.unlike(table, {"in few epochs": ablation.table(out)})
    assert ablation.table(out)["difference"].tolist() == pytest.approx([0.2])


def test_precision_is_compared_among_the_runs_of_the_starting_recipe(store: Store) -> None:
    out = store.folder.parent
    for seed in (0, 1, 10, 11, 12):
        run = run_with(0.9 if seed < 10 else 0.91, ablation.BASE.but(seed=seed))
        run.provenance |= {"precision": "fp32" if seed < 10 else "bf16", "threads": 2 if seed < 10 else 1}
        store.save(run)
        if seed < 2:
            store.save(run_with(0.8, ablation.BASE.but(**ablation.CHANGES["no flips"], seed=seed)))
    table = ablation.table(out)
    assert list(table.index) == [ablation.PRECISION, "no flips"]
    assert table["difference"].tolist() == pytest.approx([0.01, -0.1])
    assert table["seeds"].tolist() == [3, 2]
    assert table["reference seeds"].tolist() == [2, 2]
    assert "3 and 2 seeds" in sentences.row(table, ablation.PRECISION).sentence("bf16", "fp32")
    assert table["time"].isna().tolist() == [True, False]


def test_a_seed_in_another_precision_counts_for_the_accuracy_and_not_for_the_time(store: Store) -> None:
    for seed in range(3):
        for experiment, accuracy in ((ablation.BASE, 0.9), (ablation.BASE.but(**ablation.CHANGES["no flips"]), 0.8)):
            run = run_with(accuracy, experiment.but(seed=seed))
            if seed == 2:
                run.provenance |= {"precision": "bf16"}
                run.history = [row | {"seconds": 1000.0 * accuracy} for row in run.history]
            store.save(run)
    row = ablation.table(store.folder.parent).loc["no flips"]
    assert (row["seeds"], row["time"]) == (3, 1)
    assert row["difference"] == pytest.approx(-0.1)
