"""The claims table: verdicts follow from runs, and a claim without runs says what it would cost."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from made_up_runs import run_with

from fmnist_utils import Dataset, Experiment, Group, UserError, metrics, models
from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import parameters
from fmnist_utils.runs.cost import Stopwatch, estimate
from fmnist_utils.runs.finished import Finished, Folder
from fmnist_utils.runs.store import Store
from fmnist_utils.studies import claim_list, claims, judging, projects

BASE = Experiment(epochs=1, validation=False)


def arms(*groups: list[float], **about: float) -> list[judging.Arm]:
    """Arms with runs of these accuracies, one a seed, and the interval of the whole table."""
    experiments = [BASE.but(lr=0.001 * (1 + i)) for i in range(len(groups))]
    runs = [
        Group(run_with(accuracy, experiment.but(seed=seed), **about) for seed, accuracy in enumerate(accuracies))
        for experiment, accuracies in zip(experiments, groups, strict=True)
    ]
    estimates = metrics.estimate_all({str(i): group.correct for i, group in enumerate(runs)})
    return [judging.Arm(*parts) for parts in zip(experiments, runs, estimates.values(), strict=True)]


def judged(judge: judging.Judge, *groups: list[float], **about: float) -> str:
    """The verdict that arms with these accuracies get, as in the table of claims."""
    made = arms(*groups, **about)
    changes = metrics.compare_pairs(
        {str(i): arm.group.correct for i, arm in enumerate(made)},
        pairs=[(str(a), str(b)) for a, b in judge.pairs(len(made))],
    )
    return judge.judge(made, changes.set_axis(judge.pairs(len(made)), axis=0))[1]


@pytest.mark.parametrize(
    ("claimed", "accuracies", "verdict"),
    [
        (0.90, [0.914, 0.915, 0.916], "reached"),
        (0.90, [0.901, 0.902, 0.903], "within reach"),  # the mean alone would do; the interval says what else it may be
        (0.90, [0.897, 0.898, 0.899], "within reach"),
        (0.90, [0.883, 0.884, 0.885], "not reached"),
        (0.90, [0.99], "cannot be judged"),
    ],
)
def test_an_accuracy_is_reached_by_its_interval(claimed: float, accuracies: list[float], verdict: str) -> None:
    assert judged(judging.reach(claimed), accuracies) == verdict


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ([0.92, 0.921], "reached"),
        ([0.94, 0.941], "within reach"),
        ([0.96, 0.961], "contradicted"),
        ([0.92], "cannot be judged"),
    ],
)
def test_staying_below_is_contradicted_from_above(accuracies: list[float], verdict: str) -> None:
    assert judged(judging.StaysBelow("", limit=0.94), accuracies) == verdict


@pytest.mark.parametrize(
    ("groups", "verdict"),
    [
        ([[0.92, 0.92, 0.92], [0.919, 0.919, 0.919]], "reached"),
        ([[0.92, 0.92, 0.92], [0.93, 0.93, 0.93]], "within reach"),
        ([[0.92, 0.92, 0.92], [0.89, 0.89, 0.89]], "not reached"),
        ([[0.92, 0.92, 0.92], [0.95, 0.95, 0.95]], "contradicted"),
        ([[0.92], [0.92]], "cannot be judged"),
    ],
)
def test_a_range_holds_for_every_net(groups: list[list[float]], verdict: str) -> None:
    assert judged(judging.Between("", low=0.91, high=0.93), *groups) == verdict


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ([0.85, 0.851], "shown"),
        ([0.899, 0.9], "not shown"),
        ([0.95, 0.951], "contradicted"),
    ],
)
def test_an_effect_is_shown_with_its_sign(after: list[float], verdict: str) -> None:
    assert judged(judging.Differs("", sign=-1), [0.9, 0.901], after) == verdict


def test_an_effect_of_single_seeds_cannot_be_judged() -> None:
    assert judged(judging.Differs("", sign=-1), [0.9], [0.8]) == "cannot be judged"


def test_a_claimed_size_is_set_beside_the_interval() -> None:
    judge = judging.Differs("", sign=1, claimed=0.0103)
    made = arms([0.9, 0.9], [0.9, 0.9])
    changes = pd.DataFrame([{"difference": 0.001, "low": -0.002, "high": 0.004, "verdict": "no measurable difference"}])
    said, verdict = judge.judge(made, changes)
    assert said == "+0.10 points (−0.20 to +0.40); the claimed +1.03 points lies above the interval"
    assert verdict == "not shown"


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ([[0.85, 0.85], [0.84, 0.84]], "shown"),
        ([[0.85, 0.85], [0.9, 0.9]], "not shown"),
        ([[0.85, 0.85], [0.95, 0.95]], "contradicted"),
        ([[0.85, 0.85]], "not yet run"),  # the second might help
        ([[0.95, 0.95]], "contradicted"),  # whatever the second does
    ],
)
def test_only_hurts_is_about_every_change(others: list[list[float]], verdict: str) -> None:
    judge = judging.OnlyHurts("", thing="change", names=("one", "two"))
    assert judged(judge, [0.9, 0.9], *others) == verdict


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ([[0.85, 0.85], [0.84, 0.84]], "shown"),
        ([[0.85, 0.85], [0.899, 0.9]], "not shown"),  # first by its mean
        ([[0.85, 0.85], [0.95, 0.95]], "contradicted"),
    ],
)
def test_the_best_is_measurably_better_than_every_other(others: list[list[float]], verdict: str) -> None:
    assert judged(judging.FirstIsBest(""), [0.9, 0.901], *others) == verdict


@pytest.mark.parametrize(
    ("train", "test", "verdict"),
    [
        (0.999, [0.92, 0.92], "shown"),
        (0.999, [0.93, 0.93], "not shown"),  # the interval reaches beyond
        (0.99, [0.92, 0.92], "contradicted"),
        (0.999, [0.95, 0.95], "contradicted"),
    ],
)
def test_overfitting_needs_both_sides(train: float, test: list[float], verdict: str) -> None:
    assert judged(judging.Overfits("", train=0.995, test=0.935), test, train_accuracy=train) == verdict


def test_every_claim_of_the_projects_is_there_and_can_be_trained() -> None:
    names = [claim.name for claim in claim_list.CLAIMS]
    assert len(set(names)) == len(names)
    assert {claim.project for claim in claim_list.CLAIMS} == {project.number for project in projects.PROJECTS}
    assert sum(name.startswith("000-row") for name in names) == 9
    assert all(claim.judge.holds_if for claim in claim_list.CLAIMS)


def test_short_trainings_are_repeated_more_often() -> None:
    for arm in (arm for claim in claim_list.CLAIMS for arm in claim.experiments()):
        minutes = estimate(arm[0], []) / 60
        assert len(arm) == (5 if minutes < 5 else 3 if minutes < 30 else 2)
        assert [item.seed for item in arm] == list(range(len(arm)))


def test_readme_and_notebook_name_the_nets_with_a_higher_rate() -> None:
    ours = [arm for claim in claim_list.CLAIMS for arm in claim.arms if arm.schedule == "one-cycle"]
    assert {arm.lr for arm in ours} == {4e-3, 8e-3, 1e-2}
    higher = " and ".join(sorted({arm.model for arm in ours if arm.lr > 4e-3}, reverse=True))
    assert f"(at a higher rate for {higher})" in (ROOT / "README.md").read_text("utf-8")
    notebook = (ROOT / "notebooks" / "05_architecture_comparison.ipynb").read_text("utf-8")
    assert f"up to 0.004, or higher for {higher};" in notebook


def test_claims_about_a_size_are_tested_near_it() -> None:
    [claim] = claims.find(["004-200k"])
    for arm in claim.arms:
        assert 180_000 <= models.count_parameters(models.build(arm.model, **arm.model_options)) <= 220_000


def test_only_hurts_is_about_every_augmentation_of_notebook_03() -> None:
    tried = parameters.read(ROOT / "notebooks" / "03_augmentation.ipynb")["augmentations"].default
    [claim] = claims.find(["000-augmentation"])
    assert {*tried, "targeted"} == set(claim_list.AUGMENTATIONS)
    assert [arm.augmentation for arm in claim.arms[1:-1]] == [Experiment(augmentation=a).augmentation for a in tried]
    assert claim.arms[0].augmentation == () and claim.arms[-1].augmentation[0].classes


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(claims, "PUBLISHED", tmp_path / "published")
    return Store(tmp_path)


def row(store: Store, name: str) -> pd.Series:
    found = claims.table(store.folder.parent)
    [number] = [i for i, claim in enumerate(claim_list.CLAIMS) if claim.name == name]
    return found.iloc[number]


def test_the_published_runs_of_a_claim_are_those_on_the_same_data(store: Store, data: Dataset) -> None:
    assert claims.published("004-accuracy", data) == []
    [claim] = claims.find(["004-accuracy"])
    made = Store(store.folder.parent / "published").save(run_with(0.93, claim.arms[0]))
    assert claims.published("004-accuracy", data) == []
    same = dataclasses.replace(data, checksum=made.provenance["dataset_checksum"])
    assert [run.key for run in claims.published("004-accuracy", same)] == [made.key]


def test_table_says_what_is_missing_and_what_is_measured(store: Store) -> None:
    before = claims.table(store.folder.parent)
    assert set(before["verdict"]) == {"not yet run"}
    assert before["measured"].str.startswith("would take about").all()
    assert before.attrs["compared"] == 0
    [claim] = claims.find(["000-row-1"])
    keys = [store.save(run_with(0.87, experiment)).key for experiment in claim.experiments()[0][:3]]
    after = row(store, "000-row-1")
    assert (after["verdict"], after["seeds"], after["runs"]) == ("reached", "3 of 5", "here")
    assert after["measured"].startswith("87.00 % ± ") and after["measured"].endswith("(3 seeds)")
    assert claims.table(store.folder.parent).attrs["runs"][0] == [keys]


def test_published_runs_are_marked_where_they_stand_in_for_others(store: Store) -> None:
    [claim] = claims.find(["000-row-1"])
    published = Store(store.folder.parent / "published")
    for experiment in claim.experiments()[0][:2]:
        published.save(run_with(0.87, experiment))
    finished = Finished(store.folder.parent, published.folder.parent)
    assert len(finished.group(claim.arms[0])) == 2
    assert row(store, "000-row-1")["runs"] == "here"  # not below reports/full, so not the published ones


def test_the_runs_of_a_claim_come_from_one_folder(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "first"), Store(tmp_path / "second")
    first.save(run_with(0.8, BASE))
    for seed in range(2):
        second.save(run_with(0.9, BASE.but(seed=seed)))
    finished = Finished(tmp_path / "first", tmp_path / "second")
    assert [run.test_accuracy for run in finished.group(BASE)] == [0.9, 0.9]
    assert finished.accuracy(BASE) == Finished(tmp_path / "second").accuracy(BASE)


def test_runs_on_all_images_of_a_data_set_stay_so_when_it_has_grown(store: Store) -> None:
    for images, checksum in ((60, "before"), (400, "after")):
        run = run_with(0.8, BASE.but(epochs=images))
        run.provenance |= {"train_size": images, "dataset": "mine", "dataset_checksum": checksum}
        run.key = run.experiment.key(checksum)
        store.save(run)
    folder = Folder(store.folder.parent)
    assert [folder.on_part(name) for name in folder.entries] == [False, False]


def test_a_single_seed_borrows_the_spread_of_the_other_rows(store: Store) -> None:
    [claim] = claims.find(["000-row-1"])
    store.save(run_with(0.87, claim.experiments()[0][0]))
    alone = row(store, "000-row-1")
    assert (alone["verdict"], alone["seeds"]) == ("cannot be judged", "1 of 5")
    for name, accuracies in (("000-row-3", (0.90, 0.91)), ("000-row-4", (0.91, 0.92))):
        [other] = claims.find([name])
        for experiment, accuracy in zip(other.experiments()[0], accuracies, strict=False):
            store.save(run_with(accuracy, experiment))
    beside = row(store, "000-row-1")
    assert beside["verdict"] == "within reach"  # 87 against 84.23: rows that spread by a point reach that far
    assert "(1 seed, spread borrowed)" in beside["measured"]


def test_an_effect_rests_on_all_its_seeds_and_is_corrected(store: Store) -> None:
    [claim] = claims.find(["003-optimizers"])
    adam, *others = claim.experiments()
    for experiment in adam:
        store.save(run_with(0.92, experiment))
    for arm in others:
        store.save(run_with(0.80, arm[0]))
    found = row(store, "003-optimizers")
    assert found["verdict"] == "shown"
    assert found["seeds"] == "1 to 5 of 5"
    assert "adam 92.00 % ±" in found["measured"] and "(5 seeds)" in found["measured"]
    assert claims.table(store.folder.parent).attrs["compared"] == 4


def test_many_comparisons_are_corrected_together(store: Store) -> None:
    """A difference that would do alone does not among ten that show nothing."""
    [dropout] = claims.find(["000-dropout"])
    for arm, accuracy in zip(dropout.experiments(), (0.9, 0.912), strict=True):
        for experiment in arm:
            store.save(run_with(accuracy, experiment))
    assert row(store, "000-dropout")["verdict"] == "shown"
    [augmentation] = claims.find(["000-augmentation"])
    for arm in augmentation.experiments():
        for experiment in arm[:3]:
            store.save(run_with(0.9, experiment))
    table = claims.table(store.folder.parent)
    assert table.attrs["compared"] == 11
    judged = claims._compare(claims._measure(Finished(store.folder.parent)))["000-dropout"].iloc[0]
    assert judged["p_adjusted"] == pytest.approx(min(1, 11 * judged["p"]))
    assert (row(store, "000-dropout")["verdict"] == "shown") == (judged["p_adjusted"] < 0.05)


def test_recall_is_judged_over_images_and_seeds(store: Store) -> None:
    [claim] = claims.find(["001-weights"])
    plain, weighted = (arm[:2] for arm in claim.experiments())
    for experiment in plain:
        store.save(run_with(0.95, experiment))
    for experiment in weighted:
        store.save(run_with(0.75, experiment))
    found = row(store, "001-weights")
    assert found["verdict"] == "shown"
    assert found["measured"].startswith("recall −") and " to −" in found["measured"]


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


def test_every_name_of_a_claim_is_read() -> None:
    assert len(claims.find(["all"])) == len(claims.find(["000-row-1", "all"])) == len(claim_list.CLAIMS)
    with pytest.raises(UserError, match="unknown claim '000-row-x'; did you mean '000-row-"):
        claims.find(["all", "000-row-x"])


@pytest.mark.usefixtures("without_mnist")
def test_claims_about_missing_data_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    found = claims.experiments(claims.find(["000-row-1", "004-mnist"]))
    assert [experiment.model for experiment in found] == ["cnn-small"] * 5
    assert capsys.readouterr().out.startswith("Left out, the claims about mnist: MNIST is missing: looked nowhere")


def test_a_schedule_of_few_steps_can_be_timed(data: Dataset) -> None:
    few = dataclasses.replace(data, train_images=data.train_images[:60], train_labels=data.train_labels[:60])
    short = Experiment(model="cnn-small", schedule="one-cycle", batch_size=50, epochs=1)
    assert 0 < Stopwatch("cpu", "fp32", 1, 1).seconds(short, few) < 10


def test_cost_is_taken_from_runs_of_the_same_model() -> None:
    where = {"train_size": 20_000, "device": "cpu", "threads": 2}
    record = {"experiment": {"model": "base", "batch_size": 64}, "seconds": 60.0, "history": [{}, {}]}
    wanted = Experiment(train_size=500, epochs=4)
    assert estimate(wanted, [{**record, "provenance": where}]) == pytest.approx(3)
    alone = {**record, "provenance": {**where, "threads": 1}}  # one of two side by side
    assert estimate(wanted, [alone]) == pytest.approx(1.5)
