"""What nets say of disturbed pictures: measured with the weights, kept beside the run, read without them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_files import own

from fmnist_utils import (
    Dataset,
    Experiment,
    Groups,
    UserError,
    distortions,
    load_dataset,
    metrics,
    robustness,
    run_groups,
    studies,
)
from fmnist_utils.basics import own as sources
from fmnist_utils.report.verify import verify
from fmnist_utils.runs import record
from fmnist_utils.runs.robustness import AS_THEY_ARE, CONDITIONS, FILE, check
from fmnist_utils.runs.store import Store

IMAGES = 300
BASE = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1)
ARMS = studies.augmentation.plan(BASE, ["flip"], ["Coat"], ["Shirt"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reports folder with two runs of every arm, nothing measured yet."""
    out = tmp_path_factory.mktemp("trained")
    run_groups(ARMS, 2, str(out))
    return out


@pytest.fixture
def out(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "out")


def read(out: Path) -> Groups:
    return run_groups({name: ARMS[name] for name in ("none", "flip")}, 2, str(out))


def files(out: Path, name: str = FILE) -> list[Path]:
    return sorted(out.glob(f"runs/*/{name}"))


def test_it_is_what_the_net_says_of_the_disturbed_images(out: Path, data: Dataset) -> None:
    groups = read(out)
    fare = robustness(groups, data, IMAGES)
    assert len(set(fare.places.tolist())) == IMAGES
    run, right = groups["flip"][1], fare.right["flip"][1]
    assert right.shape == (1 + len(CONDITIONS), IMAGES)
    assert (right[0] == run.correct[fare.places]).all()
    pictures, labels = data.test_images[fare.places], data.test_labels[fare.places].numpy()
    for row in (0, 9, 27):
        name, strength = CONDITIONS[row]
        disturbed = distortions.DISTORTIONS[name].apply(pictures, strength)
        assert (right[1 + row] == (run.probabilities(disturbed, data).argmax(1) == labels)).all()
    curve = fare.curves()["shift"]
    assert list(curve.index) == [0, 1, 2, 4, 6] and curve.index.name == "pixels"
    assert curve.loc[0, "none"] == pytest.approx(np.mean([r.correct[fare.places].mean() for r in groups["none"]]))
    assert curve.loc[6, "none"] == pytest.approx(np.mean([bits[4].mean() for bits in fare.right["none"]]))
    assert fare.strongest("none")["shift (6 pixels)"].mean == pytest.approx(curve.loc[6, "none"])


def test_what_is_stored_says_the_same_without_weights(out: Path, data: Dataset, capsys: pytest.CaptureFixture) -> None:
    first = robustness(read(out), data, IMAGES)
    assert "Robustness: 4 runs to ask about 300 test images" in capsys.readouterr().out
    for weights in files(out, "weights.safetensors"):
        weights.unlink()
    again = robustness(read(out), data, IMAGES)
    assert "Robustness" not in capsys.readouterr().out, "it is read"
    assert again.left_out == {} and (again.places == first.places).all()
    for name, runs in first.right.items():
        assert all((one == other).all() for one, other in zip(runs, again.right[name], strict=True))
    fewer = robustness(read(out), data, 50)
    assert (fewer.right["flip"][0] == first.right["flip"][0][:, :50]).all(), (
        "a smaller choice is a part of a larger one"
    )


def test_it_comes_out_with_the_same_bits(out: Path, data: Dataset) -> None:
    robustness(read(out), data, IMAGES)
    before = {path: path.read_bytes() for path in files(out)}
    assert len(before) == 4
    for path in before:
        path.unlink()
    robustness(read(out), data, IMAGES)
    assert {path: path.read_bytes() for path in files(out)} == before


def test_runs_with_neither_are_left_out_and_counted(out: Path, data: Dataset) -> None:
    groups = read(out)
    (out / "runs" / groups["none"][1].key / "weights.safetensors").unlink()
    for run in groups["flip"]:
        (out / "runs" / run.key / "weights.safetensors").unlink()
    fare = robustness(groups, data, IMAGES)
    assert fare.left_out == {"none": 1, "flip": 2}
    assert fare.right.keys() == {"none"} and len(fare.right["none"]) == 1
    robustness({"none": groups["none"][:1]}, data, 20)
    assert robustness(read(out), data, IMAGES).right["none"][0].shape[1] == IMAGES, "the larger result is kept"
    assert robustness({"none": groups["none"][1:]}, data, IMAGES).right == {}


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "list", "key"])
def test_a_damaged_result_is_found_and_measured_again(
    damage: str, out: Path, data: Dataset, capsys: pytest.CaptureFixture
) -> None:
    first = robustness(read(out), data, IMAGES)
    path, other = files(out)[:2]
    content = path.read_bytes()
    place = content.index(b'"right"') + 20
    path.write_bytes(
        {
            "flip": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
            "cut": content[: len(content) // 2],
            "empty": b"",
            "list": b"[]",
            "key": other.read_bytes(),
        }[damage]
    )
    (found,) = [line for line in verify(out) if FILE in line]
    assert found.startswith(f"runs/{path.parent.name}/{FILE}: it")
    again = robustness(read(out), data, IMAGES)
    assert f"{FILE} is damaged" in capsys.readouterr().err and path.with_name(f"{FILE}.damaged").exists()
    assert path.read_bytes() == content and not [line for line in verify(out) if FILE in line]
    assert all(
        (a == b).all() for name in first.right for a, b in zip(first.right[name], again.right[name], strict=True)
    )


def test_verify_mends_it_by_putting_it_aside(out: Path, data: Dataset) -> None:
    robustness(read(out), data, IMAGES)
    path = files(out)[0]
    path.write_text("{", "utf-8")
    verify(out, mend=True)
    assert not path.exists() and not [line for line in verify(out) if FILE in line]


def test_what_another_training_of_the_run_said_is_not_read(out: Path, data: Dataset) -> None:
    groups = read(out)
    robustness(groups, data, IMAGES)
    run = groups["none"][0]
    other = replace(run, test_probabilities=np.roll(run.test_probabilities, 1, axis=1), predictions=np.empty(0, int))
    (out / "runs" / run.key / "weights.safetensors").unlink()
    Store(out).save(other)
    fare = robustness(read(out), data, IMAGES)
    assert fare.left_out == {"none": 1}
    assert not [line for line in verify(out) if FILE in line], "it is old, not damaged"


def test_what_other_weights_with_the_same_predictions_said_is_not_read(out: Path, data: Dataset) -> None:
    run = read(out)["none"][0]
    robustness({"a": [run]}, data, 50)
    other = replace(run, weights={name: value + 0.5 for name, value in run.model().state_dict().items()})
    stored = Store(out).save(other)
    assert (stored.predictions == run.predictions).all()
    assert check(run) is not None and check(stored) is None
    assert check(replace(stored, weights_sha256="")) is not None, "of runs of before nothing is recorded"
    path = out / "runs" / run.key / FILE
    content = json.loads(path.read_text("utf-8"))
    del content["weights"]
    path.write_text(record.written(record.sealed(content)), "utf-8")
    assert check(stored) is not None, "as are results of before"


def test_damaged_weights_are_as_good_as_none(out: Path, data: Dataset, capsys: pytest.CaptureFixture) -> None:
    weights = files(out, "weights.safetensors")[0]
    weights.write_bytes(weights.read_bytes()[:-1])
    everything = run_groups(ARMS, 2, str(out))
    fare = robustness(everything, data, 20)
    assert sum(fare.left_out.values()) == 1
    assert f"run {weights.parent.name}: the weights of run" in capsys.readouterr().err


@pytest.mark.slow
def test_beside_a_published_run_only_a_whole_result_is_kept(
    out: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_utils.runs.robustness.PUBLISHED", out)
    one = {"none": read(out)["none"][:1]}
    assert len(robustness(one, data, 20).right["none"]) == 1 and files(out) == []
    robustness(one, data)
    assert len(files(out)) == 1


def test_nothing_is_kept_beside_a_run_that_is_a_link(out: Path, data: Dataset, tmp_path: Path) -> None:
    groups = read(out)
    links = tmp_path / "links" / "runs"
    links.mkdir(parents=True)
    for run in groups.runs:
        (links / run.key).symlink_to(out / "runs" / run.key)
    assert robustness(read(links.parent), data, 20).right.keys() == groups.keys()
    assert files(out) == []


def test_deleting_a_run_deletes_what_its_net_said(out: Path, data: Dataset) -> None:
    groups = read(out)
    robustness(groups, data, 20)
    Store(out).delete(groups["flip"][0].key)
    assert len(files(out)) == 3


def test_what_other_distortions_gave_is_not_read(out: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read(out)["none"][0]
    robustness({"a": run}, data, 50)
    assert check(run) is not None
    monkeypatch.setitem(sources.RELEASED_DISTORTIONS, "training/distortions.py", "")  # as if the file had been edited
    sources.edited_distortions.cache_clear()
    assert check(run) is None
    robustness({"a": run}, data, 50)
    assert check(run) is not None, "asked with these, it is read as long as they are these"
    monkeypatch.undo()
    sources.edited_distortions.cache_clear()
    assert check(run) is None


def test_an_unknown_group_is_told_with_the_nearest(out: Path, data: Dataset) -> None:
    fare = robustness({"plain": read(out)["none"][0]}, data, 50)
    for ask in (fare.gains, fare.strongest, fare.by_distortion):
        with pytest.raises(UserError, match=r"no group is called 'plan'; did you mean 'plain'\? \(groups: plain\)"):
            ask("plan")


def test_gains_are_means_over_strengths_and_one_family(out: Path, data: Dataset) -> None:
    fare = robustness(run_groups(ARMS, 2, str(out)), data, IMAGES)
    gains = fare.gains("none")
    assert len(gains) == 3 * (1 + len(distortions.DISTORTIONS))
    assert list(gains.index.unique("part")) == [AS_THEY_ARE, *distortions.DISTORTIONS]
    noise = [1 + i for i, (name, _) in enumerate(CONDITIONS) if name == "noise"]
    means = {name: np.mean([right[noise].mean() for right in runs]) for name, runs in fare.right.items()}
    assert gains.loc[("extra", "noise"), "difference"] == pytest.approx(means["extra"] - means["none"])
    assert gains["p_adjusted"].to_numpy() == pytest.approx(metrics.holm(gains["p"]))


# --- the runs of notebook 03 that are finished ---


def test_the_arms_are_found_by_what_they_have_in_common(trained: Path, data: Dataset, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(studies.augmentation, "PUBLISHED", tmp_path / "published")
    assert studies.augmentation.finished(data, tmp_path) == {}
    found = studies.augmentation.finished(data, trained)
    assert list(found)[0] == "none" and sorted(found) == ["extra", "flip", "none", "targeted"]
    assert {name: [run.key for run in group] for name, group in found.items()} == {
        name: [run.key for run in group] for name, group in run_groups(ARMS, 2, str(trained)).items()
    }
    assert studies.augmentation.finished(replace(data, checksum="other"), trained) == {}
    moved = studies.augmentation.finished(replace(data, name="/elsewhere"), trained)
    assert list(moved) == list(found), "the same images in another folder"
    monkeypatch.setattr(studies.augmentation, "PUBLISHED", trained)
    assert len(studies.augmentation.finished(data, tmp_path)) == 4, "published ones go first"


def test_class_weights_alone_are_no_augmentation() -> None:
    assert studies.augmentation.arm(BASE.but(class_weights={"Shirt": 2.0})) == ""
    assert {name: studies.augmentation.arm(item) for name, item in ARMS.items()} == {name: name for name in ARMS}
    assert studies.augmentation.arm(BASE.but(augmentation="flip+translate")) == "flip+translate"


def test_the_published_arms_of_notebook_03_are_all_known(data: Dataset) -> None:
    """A fresh clone, which has no weights of them, says what protects."""
    arms = studies.augmentation.finished(data, "reports/full")
    fare = robustness(arms, data)
    assert set(fare.right) == set(arms) and len(arms) == 12
    assert min(len(runs) for runs in fare.right.values()) >= 3
    assert len(fare.places) == len(data.test_labels) == 10_000


def test_images_that_a_run_was_not_trained_on_are_refused_and_nothing_is_kept(
    out: Path, data: Dataset, tmp_path: Path
) -> None:
    labels = tuple(range(10)) * 3
    other = load_dataset(str(own(tmp_path / "own", train_labels=labels, test_labels=labels, images=len(labels))))
    for stored in (False, True):
        with pytest.raises(UserError, match="was trained on other images than .* holds now"):
            robustness(read(out), other, 20)
        if not stored:
            assert files(out) == []
            robustness(read(out), data, 20)
    for images in (-1, 2.5):
        with pytest.raises(UserError, match=f"images = {images} is not allowed, must be a number of test images; 0"):
            robustness(read(out), data, images)  # type: ignore[arg-type]


def test_an_unknown_device_is_told_in_a_line(out: Path, data: Dataset) -> None:
    with pytest.raises(UserError, match="unknown device 'nowhere'"):
        robustness(read(out), data, 20, device="nowhere")
