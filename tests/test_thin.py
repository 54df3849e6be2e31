"""Thin runs: what they keep, what they say of the rest, and that making a run thin loses nothing on the way."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fmnist_utils import UserError, load_dataset, metrics, results
from fmnist_utils.__main__ import main
from fmnist_utils.basics import system
from fmnist_utils.runs import mistakes
from fmnist_utils.runs.groups import Group
from fmnist_utils.runs.store import Store

PUBLISHED = Path(__file__).parents[1] / "reports" / "full" / "runs"
KEY = "0127e17314307b24"  # cnn-big on a sixth of the images
FILES = ("record.json", "answers.npz", "labels.npy")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A reports folder with one published run."""
    shutil.copytree(PUBLISHED / KEY, tmp_path / "out" / "runs" / KEY)
    return Store(tmp_path / "out")


def test_a_thin_run_has_the_same_answers_in_a_tenth_of_the_room(store: Store) -> None:
    whole, table = store.check(KEY), results(store.folder.parent)
    before = (store.folder / KEY / "test.npz").stat().st_size
    saved = store.thin(KEY)
    thin = store.load(KEY)
    assert thin is not None and (thin.predictions == whole.predictions).all()
    assert (thin.test_labels == whole.test_labels).all() and thin.classes == whole.classes == 10
    assert np.abs(thin.confidence - whole.confidence).max() < 0.02  # (not divided by the sum of all, nearly 1)
    assert results(store.folder.parent).equals(table)
    assert saved > 0.85 * before
    assert sorted(path.name for path in (store.folder / KEY).iterdir() if path.name != "run.lock") == sorted(FILES)
    assert store.thin(KEY) == 0, "it is thin already"


def test_comparisons_and_lists_of_mistakes_do_with_it(store: Store) -> None:
    data, whole = load_dataset(), store.check(KEY)
    store.thin(KEY)
    thin = store.check(KEY)
    assert metrics.compare([whole.correct], [thin.correct]).difference == 0
    listed = Group([thin]).mistakes(data)
    assert (listed.predictions == Group([whole]).mistakes(data).predictions).all()


def test_its_list_of_mistakes_has_the_confidence_alone(store: Store) -> None:
    data, whole = load_dataset(), mistakes.table(store.check(KEY), load_dataset())
    store.thin(KEY)
    thin = mistakes.table(store.check(KEY), data)
    assert list(thin) == ["index", "label", "prediction", "confidence"]
    assert thin[["index", "label", "prediction"]].equals(whole[["index", "label", "prediction"]])
    assert main(["errors", KEY, "--out", str(store.folder.parent)]) == 0
    assert (store.folder / KEY / "errors.csv").read_text("utf-8").count("\n") == len(whole) + 1


def test_a_link_is_left_as_it_is_and_so_is_what_it_leads_to(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine" / "runs").mkdir(parents=True)
    (tmp_path / "mine" / "runs" / KEY).symlink_to(store.folder / KEY)
    assert Store(tmp_path / "mine").thin(KEY) == 0
    assert not store.check(KEY).is_thin


def test_what_a_process_left_that_died_before_its_last_step_goes(store: Store) -> None:
    before = (store.folder / KEY / "test.npz").read_bytes()
    store.thin(KEY)
    (store.folder / KEY / "test.npz").write_bytes(before)
    store.thin(KEY)
    assert not (store.folder / KEY / "test.npz").exists() and store.check(KEY).is_thin


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_run_is_told_and_the_others_are_made_thin(
    store: Store, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    other = next(path.name for path in sorted(PUBLISHED.iterdir()) if path.name > KEY and (path / "test.npz").exists())
    shutil.copytree(PUBLISHED / other, store.folder / other)
    test = store.folder / KEY / "test.npz"
    test.write_bytes(test.read_bytes()[:-9]) if damage == "cut" else test.unlink()
    assert main(["runs", "--thin", KEY, other, "--yes", "--out", str(store.folder.parent)]) == 2
    assert store.check(other).is_thin
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: run {KEY} is damaged and left as it is: ") and line.endswith("puts it aside")


def test_who_asks_for_the_other_probabilities_is_told_what_to_do(store: Store) -> None:
    store.thin(KEY)
    why = f"run {KEY} is thin: of its probabilities only those of its predictions were kept"
    why += "; train it again with RETRAIN=1"
    with pytest.raises(UserError) as error:
        print(store.check(KEY).test_probabilities)
    assert str(error.value) == why


@pytest.mark.parametrize("writes", range(5))
def test_a_process_that_dies_on_the_way_leaves_the_run_whole_or_thin(
    store: Store, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """It dies before each of the writes, or before the old file is removed."""
    whole, left = store.check(KEY), iter(range(writes))

    def dying(*arguments: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        system.write_whole(*arguments)  # type: ignore[arg-type]

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("fmnist_utils.runs.store.write_whole", dying)
        if writes >= 3:
            patched.setattr(Path, "unlink", unlink)
        store.thin(KEY)
    run = store.load(KEY)
    assert run is not None and (run.predictions == whole.predictions).all()
    store.thin(KEY)
    assert (store.check(KEY).predictions == whole.predictions).all()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["flip", "cut", "missing"])
def test_damage_is_found(store: Store, name: str, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    store.thin(KEY)
    path = store.folder / KEY / name
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-1])
    assert store.load(KEY) is None
    if (name, damage) != ("record.json", "missing"):
        assert "put aside" in capsys.readouterr().err
        assert (store.folder / KEY / "record.json.damaged").exists()


def test_a_run_that_is_trained_again_is_whole_again(store: Store) -> None:
    whole = store.check(KEY)
    store.thin(KEY)
    store.save(whole)
    again = store.check(KEY)
    assert np.abs(again.test_probabilities - whole.test_probabilities).max() < 0.05
    assert not (store.folder / KEY / "answers.npz").exists()


def test_the_answers_to_test_time_views_are_kept(store: Store) -> None:
    run = store.check(KEY)
    viewed = np.where(np.arange(len(run.predictions)) % 7 == 0, run.test_labels, run.predictions)
    run.view_probabilities, run.view_predictions = np.eye(10, dtype=np.float32)[viewed], viewed
    store.save(run)
    assert store.thin(KEY) > 100_000
    thin = store.check(KEY)
    assert (thin.view_predictions == viewed).all() and (thin.predictions == run.predictions).all()
    assert thin.view_probabilities is None


def test_a_run_with_a_held_out_fold_stays_as_it_is(store: Store) -> None:
    run = store.check(KEY)
    run.held_out_probabilities = run.test_probabilities
    store.save(run)
    assert store.thin(KEY) == 0
    assert store.check(KEY).held_out_probabilities is not None


def test_the_command_says_what_it_does(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(store.folder.parent)
    assert main(["runs", "--out", out, "--thin", KEY, "--stale"]) != 0
    assert capsys.readouterr().err == "Error: --thin beside --delete or --stale: one at a time\n"
    assert main(["runs", "--out", out, "--thin", KEY[:6], "--yes"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{KEY}: cnn-big, seed 0", "1 run thinned out, 0.1 MB less"]
    assert main(["runs", "--out", out, "--thin", KEY, "--yes"]) == 0
    assert capsys.readouterr().out.endswith("0 runs thinned out, 0.0 MB less; 1 run left as they are\n")
