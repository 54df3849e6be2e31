"""Groups of runs: how they are trained, compared and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_up_runs import run_with

from fmnist_utils import (
    Dataset,
    Experiment,
    Group,
    Groups,
    Run,
    UserError,
    compare,
    compare_gaps,
    compare_moves,
    compare_parts,
    cross_validate,
    fold_experiments,
    metrics,
    plots,
    readable,
    run_groups,
    verdicts,
)


def run(correct: np.ndarray, train_accuracy: float = 1.0) -> Run:
    """A finished run of two classes that gets the images of `correct` right."""
    probabilities = np.eye(2, dtype=np.float32)[np.where(correct, 0, 1)]
    labels = np.zeros(len(correct), np.int64)
    return Run(Experiment(), "key", [], probabilities, labels, train_accuracy, 1, 1, {})


def test_every_group_is_compared_with_the_reference() -> None:
    images = np.arange(1000)
    groups = {
        "none": Group([run(images < 900), run(images < 902)]),
        "erasing": Group([run(images < 800), run(images < 802)]),
        "flip": Group([run(images < 950, 0.96), run(images < 952, 0.98)]),
    }
    table = compare(groups, "none")
    assert list(table.index) == ["flip", "erasing"]
    assert table["verdict"].tolist() == ["better", "worse"]
    assert table["difference"].tolist() == pytest.approx([0.05, -0.1])
    assert table["accuracy"].tolist() == pytest.approx([0.951, 0.801])
    assert (table["low"] < table["difference"]).all() and (table["difference"] < table["high"]).all()
    assert table.loc["flip", "gap"] == pytest.approx(0.97 - 0.951)
    assert table.attrs["each"]["flip"] == pytest.approx([0.049, 0.051])
    assert groups["none"].accuracy == metrics.accuracy_estimate([images < 900, images < 902])
    said = verdicts(table, "none", "augmentation")
    assert "one is measurably better: **flip** +5.00 points" in said
    assert "One is measurably worse: **erasing** −10.00 points" in said
    plots.intervals(table, "a title")


def test_groups_are_trained_once_and_show_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1)
    wanted = {"a <b>": base, "same": base.but(), "flip": base.but(augmentation="flip")}
    groups = run_groups(wanted, seeds=2, out=str(tmp_path))
    assert "4 runs: 0 in the store, 4 to train" in capsys.readouterr().out
    assert [[run.experiment.seed for run in group] for group in groups.values()] == [[0, 1]] * 3
    assert groups["same"][0] is groups["a <b>"][0]
    shown = groups._repr_html_()
    assert "a &lt;b&gt;" in shown and "<b>" not in shown and shown.count("± ") == 3
    assert groups["flip"].accuracy.n == 2
    assert repr(groups).startswith("a <b>: ") and repr(groups).count("± ") == 3 and len(repr(groups)) < 200
    assert "cnn-small" in groups["flip"]._repr_html_()
    assert repr(groups["flip"]) == f"cnn-small: {groups['flip'].accuracy}"
    assert repr(groups).splitlines()[2] == f"flip: {groups.accuracies['flip']}"


def test_one_seed_is_not_called_no_difference() -> None:
    images = np.arange(1000)
    groups = {"none": Group([run(images < 900)]), "flip": Group([run(images < 950)])}
    shown = readable(compare(groups, "none")).loc["flip"]
    assert (shown["verdict"], shown["95 % interval"]) == ("one seed: cannot be judged", "–")


def test_a_gap_is_narrower_by_what_the_nets_know_less_by_heart() -> None:
    images = np.arange(1000)
    groups = {
        "none": Group([run(images < 900, 0.99), run(images < 902, 0.99)]),
        "erasing": Group([run(images < 900, 0.91), run(images < 902, 0.93)]),
        "wider": Group([run(images < 850, 0.99), run(images < 852, 0.99)]),
    }
    table = compare_gaps(groups, "none")
    assert list(table.index) == ["erasing", "wider"]
    assert table["difference"].tolist() == pytest.approx([0.07, -0.05])
    assert table["verdict"].tolist() == ["better", "worse"]
    assert table["gap"].tolist() == pytest.approx([0.019, 0.139])
    assert table.attrs["each"]["erasing"] == pytest.approx([0.079, 0.061])
    assert np.mean(groups["none"].gap_by_image) == pytest.approx(groups["none"].gap)
    # seeds that differ in training accuracy alone make the interval wider
    steady = {**groups, "erasing": Group([run(images < 900, 0.92), run(images < 902, 0.922)])}
    assert compare_gaps(steady, "none").loc["erasing", "low"] > table.loc["erasing", "low"] + 0.01


def test_parts_are_compared_by_themselves_and_corrected_together() -> None:
    images = np.arange(1000)
    groups = {
        "none": Group([run(images < 900), run(images < 901)]),
        "flip": Group([run(images < 960), run(images < 961)]),
        "same": Group([run(images < 900), run(images < 901)]),
    }
    parts = {"first": images < 500, "last": images >= 500, "empty": images < 0}
    table = compare_parts(groups, "none", parts)
    assert set(table.index) == {(name, part) for name in ("flip", "same") for part in ("first", "last")}
    assert table.loc[("flip", "last"), "difference"] == pytest.approx(0.12)
    assert table.loc[("flip", "last"), "verdict"] == "better"
    assert table.loc[("flip", "first"), "verdict"] == "no measurable difference"
    assert table.loc[("flip", "last"), "p_adjusted"] == pytest.approx(4 * table.loc[("flip", "last"), "p"])


def test_the_change_of_an_effect_is_a_difference_of_differences() -> None:
    images = np.arange(1000)

    def groups(flip: int, none: int) -> dict[str, Group]:
        ends = {"none": none, "flip": flip}
        return {name: Group([run(images < end), run(images < end + 1)]) for name, end in ends.items()}

    moves = compare_moves(groups(flip=800, none=850), groups(flip=900, none=870), "none")
    assert moves.loc["flip", "difference"] == pytest.approx((900 - 870 - (800 - 850)) / 1000)
    assert moves.loc["flip", "verdict"] == "better"
    assert moves.attrs["each"]["flip"] == pytest.approx([0.08, 0.08])
    same = compare_moves(groups(flip=800, none=850), groups(flip=820, none=870), "none")
    assert same.loc["flip", "verdict"] == "no measurable difference"


def test_recall_has_an_interval_for_every_class_with_images() -> None:
    group = Group([run(np.arange(1000) < 900), run(np.arange(1000) < 910)])
    recalls = group.recalls(("yes", "no"))  # all labels are the first class
    assert list(recalls) == ["yes"]
    assert recalls["yes"] == metrics.accuracy_estimate(group.correct)


def trained(loss: float, probabilities: np.ndarray, epochs: int = 2) -> Run:
    """A finished run with this training loss in its last epoch."""
    rows = [{"epoch": i + 1, "train_loss": loss * (epochs - i), "validation_loss": 1.0} for i in range(epochs)]
    seconds = [{**row, "seconds": 3.0} for row in rows]
    return Run(Experiment(), "key", seconds, probabilities, np.zeros(4, np.int64), 1, 7, 50, {})


def test_only_what_is_the_reference_bit_for_bit_did_nothing() -> None:
    even = np.full((4, 2), 0.5, np.float32)
    odd = even + np.array([0.01, -0.01], np.float32)
    groups = Groups({
        "base": Group([trained(0.1, even), trained(0.2, odd)]),
        "never acted": Group([trained(0.1, even), trained(0.2, odd)]),
        "acted once": Group([trained(0.1, even), trained(0.2, odd, epochs=1)]),
        "another loss": Group([trained(0.1, even), trained(0.3, odd)]),
        "another average": Group([trained(0.1, even), trained(0.2, odd[:, ::-1])]),
    })  # fmt: skip
    assert groups.same_as("base") == ["never acted"]
    epochs = [row.find_all("td")[3].text for row in BeautifulSoup(groups._repr_html_(), "html.parser").tbody("tr")]
    assert epochs == ["2", "2", "1 to 2", "2", "2"]
    assert list(groups.without(["never acted", "base"])) == ["acted once", "another loss", "another average"]


def test_groups_stay_groups_and_time_is_of_runs_that_were_trained_alike() -> None:
    right = np.eye(2, dtype=np.float32)[[0, 0, 0, 0]]
    first, second, third = (trained(loss, right) for loss in (0.1, 0.2, 0.3))
    third.provenance |= {"threads": 2}
    third.history[0]["seconds"] = 100.0
    for group in (Group([first]) + [second, third], Group([first, second, third]).copy()):
        assert isinstance(group, Group) and len(group) == 3
        assert group.seconds == np.mean([first.seconds, second.seconds]) < third.seconds
        assert Groups({"some": group}).costs()["seconds an epoch"].item() == group.seconds / len(first.history)


def test_one_training_that_is_read_out_in_two_ways_is_compared_seed_by_seed() -> None:
    images, starts = np.arange(1000), (800, 840, 900)

    def group(gain: int, loss: float = 0.0) -> Group:
        ends = enumerate(starts)
        runs = [run(np.roll(images < start + gain, 7 * seed)) for seed, start in ends]
        for seed, one in enumerate(runs):
            one.history += [{"epoch": 1, "train_loss": seed + loss, "validation_loss": gain, "seconds": 1.0}]
        return Group(runs)

    groups = {"base": group(0), "average": group(20), "other": group(20, loss=0.5)}
    table = compare(groups, "base")
    assert table["paired"].to_dict() == {"average": True, "other": False}
    assert table["verdict"].to_dict() == {"average": "better", "other": "no measurable difference"}
    alone = metrics.paired(groups["average"].correct, groups["base"].correct)
    assert table.loc["average", ["low", "high", "p"]].tolist() == [alone.low, alone.high, alone.p]
    assert table.loc["average", "p_adjusted"] == 2 * alone.p, "it counts in the table's family"
    assert table.attrs["each"]["average"] == pytest.approx([0.02] * 3)
    assert table.attrs["each"]["other"] == pytest.approx(np.array(starts) / 1000 + 0.02 - np.mean(starts) / 1000)
    assert compare_gaps(groups, "base").loc["average", "verdict"] == "better"
    parts = compare_parts(groups, "base", {"all": images < 1000})
    assert parts.loc[("average", "all"), "p"] == alone.p
    moves = compare_moves(groups, groups, "base")
    assert moves["paired"].to_dict() == {"average": True, "other": False}
    few = compare({name: some[:1] for name, some in groups.items()}, "base")
    assert not few["paired"].any(), "a single seed has no spread of its own"
    decayed = Group(replace(one, experiment=one.experiment.but(weight_decay=0.1)) for one in groups["average"])
    averaged = Group(replace(one, experiment=one.experiment.but(ema=0.9)) for one in groups["average"])
    of_a_step = compare({"base": groups["base"], "decayed": decayed, "averaged": averaged}, "base")
    assert of_a_step["paired"].to_dict() == {"averaged": True, "decayed": False}, "losses of a first step tell nothing"


def test_times_that_are_no_comparison_are_not_shown() -> None:
    right = np.eye(2, dtype=np.float32)[[0, 0, 0, 0]]
    groups = Groups({name: Group([trained(0.1, right), trained(0.2, right)]) for name in ("a", "b")})
    assert "a training" in groups._repr_html_()
    groups["b"][1].history[0]["seconds"] = 9.0
    assert "a training" not in groups._repr_html_()
    assert "a training" in groups["b"]._repr_html_(), "a single group is compared with nothing"


def test_costs_stand_beside_accuracies() -> None:
    right, half = np.eye(2, dtype=np.float32)[[0, 0, 0, 0]], np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    groups = Groups({"half": Group([trained(0.1, half)] * 2), "all": Group([trained(0.1, right)] * 2)})
    costs = groups.costs()
    assert list(costs.index) == ["all", "half"]
    assert costs.loc["half", ["parameters", "multiply-adds", "seconds an epoch"]].tolist() == [7, 50, 3]
    assert costs.loc["half", "accuracy"] == 0.5
    assert costs.loc["half", "low"] < 0.5 < costs.loc["half", "high"]
    assert costs.loc["half", "gap"] == pytest.approx(0.5)


def test_more_is_trained_in_the_same_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = Experiment(model="cnn-small", train_size=100, batch_size=50, epochs=1)
    groups = run_groups({"base": base}, 1, str(tmp_path), also=[base.but(seed=5)])
    assert "2 runs: 0 in the store, 2 to train" in capsys.readouterr().out
    assert [run.experiment.seed for run in groups.runs] == [0]


def test_names_that_read_alike_are_two_groups(tmp_path: Path) -> None:
    base = Experiment(model="cnn-small", train_size=100, batch_size=50, epochs=1)
    groups = run_groups({1: base, "1": base.but(lr=0.01)}, 2, str(tmp_path))  # type: ignore[dict-item]
    assert [[run.experiment.lr for run in group] for group in groups.values()] == [[base.lr] * 2, [0.01] * 2]


# --- slips ---


def test_a_reference_that_is_no_group_is_told_in_a_line() -> None:
    images = np.arange(10)
    groups = {"base": Group([run(images < 5)]), "flip": Group([run(images < 6)])}
    for slip in (
        lambda: compare(groups, "Base"),
        lambda: compare_gaps(groups, "Base"),
        lambda: compare_moves(groups, groups, "Base"),
        lambda: compare_parts(groups, "Base", {"all": images < 10}),
    ):
        with pytest.raises(UserError, match=r"no group is called 'Base'; did you mean 'base'\? \(groups: base, flip\)"):
            slip()
    with pytest.raises(UserError, match="no group is called 'flip'"):
        compare_moves({"base": groups["base"]}, groups, "base")
    with pytest.raises(UserError, match="group 'flip' has 2 seeds before and 1 after"):
        compare_moves(groups | {"flip": Group(groups["flip"] * 2)}, groups, "base")
    with pytest.raises(UserError, match="group 'flip' has no runs to compare"):
        compare(groups | {"flip": Group()}, "base")


def test_parts_without_images_are_told_in_a_line() -> None:
    images = np.arange(10)
    groups = {"base": Group([run(images < 5)]), "flip": Group([run(images < 6)])}
    for parts in ({}, {"none": images < 0}):
        with pytest.raises(UserError, match=f"no part holds a test image, of {len(parts)} part"):
            compare_parts(groups, "base", parts)
    for mask in (images[:5] < 5, images, 3):
        with pytest.raises(UserError, match=r"part 'x' is not allowed, must be bool \(10,\)"):
            compare_parts(groups, "base", {"x": mask})  # type: ignore[dict-item]


def test_runs_of_different_data_sets_are_not_compared() -> None:
    one, other = (Group([run_with(0.9, Experiment())]) for _ in range(2))
    assert len(compare({"a": one, "b": other}, "a")) == 1
    other[0].provenance |= {"dataset": "mnist", "dataset_checksum": "another"}
    said = r"cannot be compared: group 'a' on 'fashion-mnist' \(content\), group 'b' on 'mnist' \(another\)"
    with pytest.raises(UserError, match=said):
        compare({"a": one, "b": other}, "a")


def test_lists_of_runs_are_compared_as_groups_are() -> None:
    runs = {
        name: [run_with(accuracy, Experiment(model=name, seed=seed)) for seed in range(3)]
        for name, accuracy in (("base", 0.9), ("enhanced", 0.95))
    }
    groups = Groups({name: Group(some) for name, some in runs.items()})
    pd.testing.assert_frame_equal(compare(runs, "base"), compare(groups, "base"))
    part = groups["base"][:2]
    assert isinstance(part, Group) and part.accuracy.n == 2


def test_what_is_no_group_is_told_in_a_line(tmp_path: Path) -> None:
    stored = run_with(0.9, Experiment())
    stored.folder = tmp_path
    other = run_with(0.95, Experiment(model="enhanced"))
    good = [run_with(0.9, Experiment(seed=seed)) for seed in range(2)]
    longer = run_with(0.9, Experiment(epochs=12, augmentation="flip"))
    elsewhere, edited = run_with(0.9, Experiment(seed=1)), run_with(0.9, Experiment(seed=1))
    elsewhere.provenance |= {"dataset": "mine", "dataset_checksum": "other"}
    edited.provenance |= {"model_digest": "another"}
    folds = [run_with(0.9, experiment) for experiment in fold_experiments(Experiment(), 2)]
    for runs, said in (
        ([stored] * 5, f"group 'a' has run {stored.key} 5 times: a seed counts once"),
        ([good[0], other], "group 'a' mixes experiments, which differ in model 'base' and 'enhanced': make a group of"),
        ([good[0], longer], "which differ in augmentation 'none' and 'flip', epochs 10 and 12: make a group of each"),
        (
            [good[0], elsewhere],
            r"group 'a' mixes experiments, on 'fashion-mnist' \(content\) and on 'mine' \(other\): make",
        ),
        ([good[0], edited], "mixes experiments, before and after a part of base was changed: make a group of each"),
        (folds, "group 'a' is a cross-validation, whose nets learned from different images"),
        ([], "group 'a' has no runs to compare"),
        (["base"], "group 'a' has 'base' among its runs, which is none"),
        (5, "group 'a' has 5 among its runs, which is none"),
    ):
        with pytest.raises(UserError, match=said):
            compare({"a": runs, "b": good}, "a")  # type: ignore[dict-item]
    with pytest.raises(UserError, match="is no table of groups: give runs by name, and the name of one"):
        compare(good, "a")  # type: ignore[arg-type]
    mixed = Groups({"a": Group([good[0], other])})
    assert "2 runs" in repr(mixed["a"]) and "2 runs" in repr(mixed) and "2 runs" in mixed._repr_html_()
    with pytest.raises(UserError, match="group 'a' mixes experiments"):
        mixed.costs()
    with pytest.raises(UserError, match="2 names for 10 classes: give one each"):
        Group(good).per_class(("a", "b"))
    with pytest.raises(UserError, match="there are no groups whose costs"):
        Groups().costs()
    with pytest.raises(UserError, match="no group is called 'x'"):
        Groups({"a": Group(good)}).same_as("x")
    assert Groups().accuracies == {}
    assert repr(Group(folds)).endswith("(2 folds)") and "(2 folds)" in Group(folds)._repr_html_()
    other_seed = [run_with(0.9, item) for item in fold_experiments(Experiment(seed=1), 2)]
    with pytest.raises(UserError, match="the group mixes cross-validations of several seeds: make a group of each"):
        Group(folds + other_seed).accuracy  # noqa: B018
    with pytest.raises(
        UserError, match="a table without 'difference' cannot be made readable: give what compare returns"
    ):
        readable(readable(compare({"a": good, "b": [other]}, "a")))
    with pytest.raises(UserError, match="runs of different data sets cannot be compared: group 'a' on 'fashion-mnist'"):
        compare_moves({"a": good[:1], "b": [other]}, {"a": [elsewhere], "b": [elsewhere]}, "a")
    with pytest.raises(UserError, match="a cross-validation is of one Experiment, not of "):
        fold_experiments([Experiment()], 2)  # type: ignore[arg-type]


def test_groups_of_other_data_tell_nothing_of_the_spread() -> None:
    one = Group([run_with(0.9, Experiment())])
    several = Group(
        [run_with(accuracy, Experiment(model="enhanced", seed=i)) for i, accuracy in enumerate((0.9, 0.95))]
    )
    assert Groups({"one": one, "several": several}).accuracies["one"].borrowed
    for run in several:
        run.provenance |= {"dataset_checksum": "other"}
    alone = Groups({"one": one, "several": several}).accuracies
    assert list(alone) == ["one", "several"] and np.isnan(alone["one"].low)


def test_all_kinds_of_comparisons_can_be_made_readable() -> None:
    groups = {name: Group([run_with(a, Experiment(model=name, seed=i)) for i, a in enumerate((0.9, 0.92))])
              for name in ("base", "enhanced")}  # fmt: skip
    assert list(readable(compare_gaps(groups, "base")))[-2:] == ["gap (points)", "seeds"]
    assert "accuracy" not in readable(compare_moves(groups, groups, "base"))
    half = np.arange(len(groups["base"][0].test_labels)) % 2 == 0
    assert readable(compare_parts(groups, "base", {"half": half})).loc[("enhanced", "half"), "seeds"] == 2


def test_a_part_of_a_cross_validation_says_nothing_of_the_other_images(data: Dataset) -> None:
    folds = [run_with(0.9, experiment) for experiment in fold_experiments(Experiment(), 2)]
    for some, said in ((folds[:1], "1 fold of 2"), ([run_with(0.9, Experiment())], "0 folds of none")):
        with pytest.raises(UserError, match=f"{said}: give what cross_validate returns"):
            Group(some).out_of_fold(data)


def test_too_few_seeds_or_folds_are_refused_before_anything_starts(tmp_path: Path) -> None:
    for seeds in (0, -1, "2", 1.5, None, True):
        with pytest.raises(UserError, match="seeds = .* is not allowed, must be a whole number from 1 on"):
            run_groups({"a": Experiment()}, seeds, str(tmp_path))  # type: ignore[arg-type]
    for odd in ([Experiment()], {"a": "base"}):
        with pytest.raises(UserError, match="run_groups takes experiments by name"):
            run_groups(odd, 1, str(tmp_path))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="so seed 5 of 'b' would be lost: leave it out, or use run_all"):
        run_groups({"a": Experiment(), "b": Experiment(lr=0.1, seed=5)}, 2, str(tmp_path))
    for folds in (1, 0, -1, "2", None):
        for ask in (fold_experiments, lambda *given: cross_validate(*given, str(tmp_path))):
            with pytest.raises(UserError, match="folds = .* is not allowed, must be a whole number from 2 on"):
                ask(Experiment(), folds)  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_looked_up_in_the_images_that_were_tested(data: Dataset) -> None:
    group = Group([run_with(0.9, Experiment())])
    with pytest.raises(UserError, match="was trained on other images than .* holds now"):
        group.mistakes(data)
