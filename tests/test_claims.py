"""The claims table: verdicts follow from runs, and a claim without runs says what it would cost."""

from pathlib import Path

import pytest
from made_up_runs import run_with

from fmnist_utils import Experiment, Run, UserError
from fmnist_utils.data.locate import MissingData
from fmnist_utils.runs.cost import estimate
from fmnist_utils.runs.store import Store
from fmnist_utils.studies import claim_list, claims, projects


def arms(*accuracies: float, seeds: int = 2, **about: float) -> list[list[Run]]:
    return [[run_with(accuracy, Experiment(seed=seed), **about) for seed in range(seeds)] for accuracy in accuracies]


@pytest.mark.parametrize(
    ("judge", "accuracies", "verdict"),
    [
        (claim_list.reaches(0.9), [0.91], "reached"),
        (claim_list.reaches(0.9), [0.89], "not reached"),
        (claim_list.falls_short(0.9), [0.91], "contradicted"),
        (claim_list.differs(-1), [0.90, 0.85], "reached"),
        (claim_list.differs(-1), [0.85, 0.90], "contradicted"),
        (claim_list.differs(-1), [0.90, 0.90], "not reached"),
        (claim_list.best_is_first, [0.91, 0.85], "reached"),
        (claim_list.best_is_first, [0.85, 0.91], "contradicted"),
        (claim_list.recall_falls(6), [0.9, 0.8], "reached"),
        (claim_list.overfits(0.95, 0.93), [0.9], "not reached"),
    ],
)
def test_verdicts_follow_from_the_runs(judge: claim_list.Judge, accuracies: list[float], verdict: str) -> None:
    assert judge(arms(*accuracies))[1] == verdict


def test_overfitting_needs_both_sides() -> None:
    assert claim_list.overfits(0.995, 0.93)(arms(0.92, train_accuracy=0.999))[1] == "reached"


def test_every_claim_of_the_projects_is_there_and_can_be_trained() -> None:
    names = [claim.name for claim in claim_list.CLAIMS]
    assert len(set(names)) == len(names)
    assert {claim.project for claim in claim_list.CLAIMS} == {project.number for project in projects.PROJECTS}
    assert sum(name.startswith("000-row") for name in names) == 9
    assert all(len(arm) == claim.seeds for claim in claim_list.CLAIMS for arm in claim.experiments())


def test_table_says_what_is_missing_and_what_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PUBLISHED", tmp_path / "published")
    store = Store(tmp_path)
    [claim] = claims.find(["000-row-1"])
    before = claims.table(tmp_path)
    assert set(before["verdict"]) == {"not yet run"}
    assert before["measured"].str.startswith("would take about").all()
    for experiment in claim.experiments()[0]:
        store.save(run_with(0.87, experiment))
    after = claims.table(tmp_path).set_index("claim")
    row = after.loc[claim.says].iloc[0] if after.index.duplicated().any() else after.loc[claim.says]
    assert row["verdict"] == "reached"
    assert row["seeds"] == 3
    assert "87.00 %" in row["measured"]


def test_arms_are_compared_on_the_seeds_that_all_of_them_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PUBLISHED", tmp_path / "published")
    store = Store(tmp_path)
    [claim] = claims.find(["000-augmentation"])
    plain, targeted = claim.experiments()
    store.save(run_with(0.80, plain[0]))
    store.save(run_with(0.90, plain[1]))
    store.save(run_with(0.85, targeted[1]))
    row = claims.table(tmp_path).set_index("claim").loc[claim.says]
    assert row["seeds"] == 1
    assert row["measured"].startswith("-5.00 points")
    assert row["verdict"] == "reached"


def test_unknown_claims_are_named() -> None:
    with pytest.raises(UserError, match="did you mean '000-row-1'"):
        claims.find(["000-row1"])
    assert claims.find(["all"]) == list(claim_list.CLAIMS)


def test_cheapest_experiments_come_first() -> None:
    fashion = [claim for claim in claim_list.CLAIMS if "mnist" not in claim.name]
    costs = [estimate(experiment, []) for experiment in claims.experiments(fashion)]
    assert costs == sorted(costs)
    assert len(costs) > 50


def test_adamw_is_never_adam_by_another_name() -> None:
    trained = [arm for claim in claim_list.CLAIMS for arm in claim.arms if arm.optimizer == "adamw"]
    assert trained
    assert all(arm.weight_decay for arm in trained)


def test_claims_about_missing_data_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def locate(name: str) -> None:
        if name == "mnist":
            raise MissingData(name, "looked in data/mnist", "download it")

    monkeypatch.setattr(claims, "locate", locate)
    found = claims.experiments(claims.find(["000-row-1", "004-mnist"]))
    assert [experiment.model for experiment in found] == ["cnn-small"] * 3
    said = (
        "Left out, the claims about mnist: MNIST is missing: looked in data/mnist; `make data DATASET=mnist` fetches it"
    )
    assert capsys.readouterr().out.startswith(said)


def test_cost_is_taken_from_runs_of_the_same_model() -> None:
    where = {"train_size": 20_000, "device": "cpu", "threads": 2}
    record = {"experiment": {"model": "base", "batch_size": 64}, "seconds": 60.0, "history": [{}, {}]}
    wanted = Experiment(train_size=500, epochs=4)
    assert estimate(wanted, [{**record, "provenance": where}]) == pytest.approx(3)
    alone = {**record, "provenance": {**where, "threads": 1}}  # one of two side by side
    assert estimate(wanted, [alone]) == pytest.approx(1.5)
