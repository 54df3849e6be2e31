"""Store and runner: a run is trained once, survives kill -9, and is never taken from a damaged file."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from data_files import own
from made_up_runs import run_with
from safetensors.torch import load_file

from fmnist_utils import (
    Experiment,
    Groups,
    UserError,
    explore,
    load_dataset,
    load_run,
    models,
    results,
    run_all,
    summary,
)
from fmnist_utils.basics.system import ROOT
from fmnist_utils.runs.finished import Finished
from fmnist_utils.runs.resources import Resources
from fmnist_utils.runs.runner import DryRun
from fmnist_utils.runs.store import Store
from fmnist_utils.training.trainer import Trainer, read_checkpoint

TINY = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=2)
SCRIPT = """
import sys
from fmnist_utils import Experiment, run_all
[run] = run_all([Experiment(**eval(sys.argv[2]))], sys.argv[1])
print("fresh" if run.fresh else "stored")
"""


def start(out: Path, **changes: object) -> subprocess.Popen[str]:
    experiment = TINY.but(**changes).model_dump()
    command = [sys.executable, "-c", SCRIPT, str(out), repr(experiment)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def weights(out: Path) -> dict:
    [file] = out.glob("runs/*/weights.safetensors")
    return load_file(file)


def test_a_finished_run_is_read_not_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = run_all([TINY, TINY.but(seed=1)], tmp_path)
    assert first.fresh and second.fresh
    again, other = run_all([TINY.but(dataset="Fashion-MNIST"), TINY.but(seed=1)], tmp_path)
    assert not again.fresh and not other.fresh
    assert again.key == first.key != other.key
    assert (again.test_probabilities == first.test_probabilities).all()
    assert "2 in the store, 0 to train" in capsys.readouterr().out


def test_equal_experiments_are_trained_once(tmp_path: Path) -> None:
    first, second = run_all([TINY, TINY.but()], tmp_path)
    assert first is second
    assert len(results(tmp_path)) == 1


def test_the_stored_model_predicts_what_was_stored(tmp_path: Path, data) -> None:  # type: ignore[no-untyped-def]
    from fmnist_utils.training.trainer import normalization

    [run] = run_all([TINY], tmp_path)
    mean, std = normalization(data.train_images)
    images = (data.test_images[:500].unsqueeze(1).float() / 255 - mean) / std
    assert (run.model()(images).argmax(1).numpy() == run.predictions[:500]).mean() > 0.99


@pytest.mark.slow
def test_killed_training_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    long = {"epochs": 6, "train_size": 2000, "augmentation": "flip+erasing"}
    process = start(killed, **long)
    deadline = time.monotonic() + 120
    while not list(killed.glob("runs/*/checkpoint.pt")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(killed.glob("runs/*/record.json")), "killed too late to mean anything"
    output, errors = start(killed, **long).communicate(timeout=120)
    assert "goes on after epoch" in output, errors
    assert start(undisturbed, **long).wait(timeout=120) == 0
    first, second = weights(killed), weights(undisturbed)
    assert first.keys() == second.keys()
    assert all(value.equal(second[name]) for name, value in first.items())


@pytest.mark.slow
def test_two_processes_train_a_run_once(tmp_path: Path) -> None:
    both = [start(tmp_path, epochs=4, train_size=3000) for _ in range(2)]
    said = [process.communicate(timeout=180)[0].split()[-1] for process in both]
    assert sorted(said) == ["fresh", "stored"]


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path) -> None:
    key = "0123456789abcdef"
    script = f"""
from fmnist_utils.runs.store import Store
with Store({str(tmp_path)!r}).lock({key!r}):
    print("held", flush=True)
    input()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with Store(tmp_path).lock(key):
        pass


def test_data_that_change_under_a_process_are_read_again(tmp_path: Path) -> None:
    folder, out = own(tmp_path / "data", [0, 1, 2] * 12, images=36), tmp_path / "out"
    tiny = Experiment(dataset=str(folder), model="cnn-small", batch_size=10, epochs=1)
    [before] = run_all(tiny, out)
    own(folder, [2, 1, 0] * 12, images=36)
    [after] = run_all(tiny, out)
    assert after.fresh and after.key != before.key
    assert after.provenance["dataset_checksum"] == load_dataset(str(folder)).checksum
    assert sorted(results(out)["dataset"]) == sorted(
        f"data ({run.provenance['dataset_checksum'][:8]})" for run in (before, after)
    )


def test_a_retraining_writes_nothing_through_a_link_and_goes_on_with_no_older_one(tmp_path: Path) -> None:
    [theirs] = run_all(TINY, tmp_path / "theirs")
    link = tmp_path / "mine" / "runs" / theirs.key
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "theirs" / "runs" / theirs.key)
    record = link / "record.json"
    os.utime(record, (0, 0))
    before = record.read_bytes()
    assert not run_all(TINY, tmp_path / "mine")[0].fresh and link.is_symlink()
    assert run_all(TINY, tmp_path / "mine", retrain=True)[0].fresh and not link.is_symlink()
    record = tmp_path / "theirs" / "runs" / theirs.key / "record.json"
    assert (record.read_bytes(), record.stat().st_mtime) == (before, 0)
    checkpoint = Store(tmp_path / "mine").checkpoint(theirs.key)
    checkpoint.write_text("of an earlier try")
    os.utime(checkpoint, (0, 0))
    os.utime(link / "record.json", (0, 0))
    assert run_all(TINY, tmp_path / "mine", retrain=True)[0].fresh
    assert not list(link.glob("*.damaged")), "it was not even looked at"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "runs" / "0123456789abcdef" / "run.lock"
    lock.parent.mkdir(parents=True)
    os.mkfifo(lock)
    with pytest.raises(UserError, match="run.lock: it is no file"), Store(tmp_path).lock(lock.parent.name):
        pass


def test_a_run_that_somebody_begins_while_it_is_deleted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    keys = [store.save(run_with(0.9, TINY.but(seed=seed))).key for seed in range(2)]
    store.delete(keys[0])
    assert store.names() == keys[1:]
    lock, checkpoint = Store.lock, store.checkpoint(keys[1])

    @contextlib.contextmanager
    def waited_for(self: Store, key: str) -> Iterator[None]:
        with lock(self, key):
            yield
        checkpoint.touch()

    monkeypatch.setattr(Store, "lock", waited_for)
    store.delete(keys[1])
    assert checkpoint.exists() and store.records() == []


def damage_record(folder: Path) -> None:
    (folder / "record.json").write_text("{")


def damage_experiment(folder: Path) -> None:
    record = json.loads((folder / "record.json").read_text())
    record["experiment"]["lr"] = -1
    (folder / "record.json").write_text(json.dumps(record))


def damage_results(folder: Path) -> None:
    content = bytearray((folder / "test.npz").read_bytes())
    content[200] ^= 1
    (folder / "test.npz").write_bytes(content)


def lose_results(folder: Path) -> None:
    (folder / "test.npz").unlink()


@pytest.mark.parametrize("damage", [damage_record, damage_experiment, damage_results, lose_results])
def test_a_damaged_run_is_put_aside_and_trained_again(
    damage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    [run] = run_all([TINY], tmp_path)
    damage(run.folder)
    [again] = run_all([TINY], tmp_path)
    assert again.fresh
    assert again.test_accuracy == run.test_accuracy
    assert (run.folder / "record.json.damaged").exists()
    assert "put aside" in capsys.readouterr().err


def test_a_dry_run_says_the_cost_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_all([TINY], tmp_path)
    monkeypatch.setenv("DRY_RUN", "1")
    with pytest.raises(DryRun, match="1 run to train, about .* s on this machine"):
        run_all([TINY, TINY.but(seed=1)], tmp_path)
    said = f"cnn-small, seed 1, 2 epochs of {TINY.train_size} images ({TINY.recipe}): about"
    assert said in capsys.readouterr().out
    assert len(results(tmp_path)) == 1
    [again] = run_all([TINY], tmp_path)
    assert not again.fresh


def test_a_run_of_a_model_that_is_gone_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    store.save(run_with(0.9, TINY))
    with monkeypatch.context() as patch:
        patch.setitem(models.REGISTRY, "cnn-mine", models.entry("cnn-small"))
        mine = TINY.but(model="cnn-mine", seed=1)
        store.save(run_with(0.9, mine))
    assert len(results(tmp_path)) == 1
    said = "Left out of the results, 1 run: unknown model 'cnn-mine' (python -m fmnist_utils runs"
    assert capsys.readouterr().out.startswith(said)
    assert len(Finished(tmp_path).group(TINY)) == 1


def test_results_table_has_one_row_a_run(tmp_path: Path) -> None:
    runs = run_all([TINY, TINY.but(augmentation="flip")], tmp_path)
    table = results(tmp_path).set_index("key")
    assert len(table) == 2
    for run in runs:
        assert table.test_accuracy[run.key] == pytest.approx(run.test_accuracy)
    assert set(table.augmentation) == {"none", "flip"}
    assert set(table.train_size) == {500}


def test_a_folder_that_cannot_be_written_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write .* choose another OUT"):
        run_all([TINY], tmp_path / "file" / "out")


@pytest.mark.slow
def test_runs_come_back_from_a_dask_cluster(tmp_path: Path) -> None:
    from dask.distributed import LocalCluster

    wanted = [TINY, TINY.but(seed=1)]
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None) as cluster:
        there = run_all(wanted, tmp_path / "there", scheduler=cluster.scheduler_address)
        with pytest.raises(UserError, match="did you mean 'Shirt'"):
            run_all([TINY.but(class_weights={"Shirts": 2.0})], tmp_path / "there", scheduler=cluster.scheduler_address)
    here = run_all(wanted, tmp_path / "here")
    assert [run.key for run in there] == [run.key for run in here]
    assert [run.test_accuracy for run in there] == pytest.approx([run.test_accuracy for run in here], abs=0.01)
    assert all(run.fresh for run in there)
    assert not any(run.fresh for run in run_all(wanted, tmp_path / "there", scheduler="tcp://127.0.0.1:1"))


def test_no_scheduler_at_the_address_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SCHEDULER=nonsense: no Dask scheduler answers there"):
        run_all([TINY], tmp_path, scheduler="nonsense")


@pytest.mark.parametrize(
    "address",
    ["tcp://[::1", "tcp://[x]:1", "tcp://h:99999", "tcp://h:x", "tcp://127.0.0.1:0", "tcp://", "tcp://:8786", ":8786",
     "http://127.0.0.1:1", "inproc://x", "x" * 3000, "x" * 3000 + "://h:1", "tcp://h\n:x"],
)  # fmt: skip
def test_what_is_no_address_of_a_scheduler_is_told_in_a_line(address: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="SCHEDULER=.*(: no Dask scheduler answers there|is no address)") as caught:
        run_all([TINY], tmp_path, scheduler=address)
    said = str(caught.value)
    assert len(said) < 300 and "\n" not in said


def test_retrain_trains_what_is_stored_and_keeps_the_old_run_until_the_new_one_is_whole(tmp_path: Path) -> None:
    [old] = run_all(TINY, tmp_path)
    assert old.folder is not None
    record = old.folder / "record.json"
    before = json.loads(record.read_text("utf-8"))
    os.utime(record, (0, 0))  # as of long ago

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("fmnist_utils.runs.runner.train", interrupt)
        run_all(TINY, tmp_path, retrain=True)
    assert json.loads(record.read_text("utf-8")) == before
    [new] = run_all(TINY, tmp_path, retrain=True)
    assert new.fresh
    assert json.loads(record.read_text("utf-8"))["history"][0]["seconds"] != before["history"][0]["seconds"]
    [again] = run_all(TINY, tmp_path)
    assert not again.fresh
    assert (again.test_probabilities == old.test_probabilities).all()


def test_retrain_trains_a_run_once_for_all_notebooks_of_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [old] = run_all(TINY, tmp_path)
    assert old.folder is not None
    os.utime(old.folder / "record.json", (0, 0))
    for name, value in Resources.of(retrain=True).as_environment().items():
        monkeypatch.setenv(name, value)
    assert [run_all(TINY, tmp_path)[0].fresh for _ in range(2)] == [True, False]
    monkeypatch.setenv("RETRAIN", "yes")
    with pytest.raises(UserError, match="RETRAIN=yes is not allowed: write 1"):
        run_all(TINY, tmp_path)


@pytest.mark.parametrize("wrong", ["base", [TINY, "base"], {"plain": TINY}])
def test_what_is_no_experiment_is_named_in_a_line(wrong: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="^run_all takes an Experiment, or a list of them, not '"):
        run_all(wrong, tmp_path)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_stop_button_of_a_notebook_gives_one_line(tmp_path: Path) -> None:
    """What the button does: the kernel is interrupted while a cell trains."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
    try:
        long = TINY.but(model="cnn-big", epochs=500, train_size=2000).model_dump()
        code = f"from fmnist_utils import Experiment, run_all\nrun_all(Experiment(**{long}), {str(tmp_path)!r})"
        client.execute(code)
        shown = []
        while True:
            message = client.get_iopub_msg(timeout=120)
            if message["msg_type"] == "stream" and "epoch 1/" in message["content"]["text"]:
                manager.interrupt_kernel()
            if message["msg_type"] == "error":
                shown = message["content"]["traceback"]
                break
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert shown == ["Stopped. What is finished is kept: the same cell goes on from there."]


@pytest.mark.parametrize("out", ["notebooks", "notebooks/new", "params/mine", "fmnist_utils", "data/mine"])
def test_runs_are_never_stored_among_the_projects_own_files(out: str) -> None:
    there = (ROOT / out).exists()
    with pytest.raises(UserError, match="OUT=.* lies in .*, which reports must not change: choose another"):
        run_all(TINY, out)
    assert (ROOT / out).exists() == there and not list((ROOT / out).glob("*.part"))


def test_what_the_data_forbid_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    data = own(tmp_path / "data", [0, 1, 2] * 12, images=36)
    tiny = Experiment(dataset=str(data), model="cnn-small", batch_size=10, epochs=1)
    for bad, said in (
        ({"train_size": 36}, "train_size = 36 is out of range"),
        ({"class_weights": {"nix": 2.0}}, "class_weights: unknown class 'nix'"),
        ({"augmentation": [{"name": "flip", "classes": ["nix"]}]}, "augmentation 'flip .*': unknown class 'nix'"),
        ({"folds": 40, "fold": 38}, "folds = 40 is not allowed, must be at most one for each of 36"),
    ):
        with pytest.raises(UserError, match=said):
            run_all([tiny, tiny.but(**bad)], tmp_path / "out", jobs=1)
    wrong = [tiny.but(class_weights={name: 2.0}, seed=seed) for name in ("nix", "nil") for seed in range(2)]
    with pytest.raises(UserError, match="unknown class 'nix'.*\n.*unknown class 'nil'.*$") as caught:
        run_all([tiny, *wrong], tmp_path / "out", jobs=1)
    assert len(str(caught.value).splitlines()) == 2, "each is said once"
    assert not (tmp_path / "out").exists()


def test_a_summary_tells_what_was_trained_here_though_it_was_read_since(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = TINY.but(train_size=100, epochs=1)
    run_all(short, tmp_path)
    [again] = run_all(short, tmp_path)
    assert not again.fresh
    summary("What?", "That.", runs=Groups({"a": [again]}))
    with pytest.raises(UserError, match="a summary has 'x' among its runs, which is none"):
        summary("What?", "That.", runs=["x"])  # type: ignore[list-item]
    assert "1 run, " in (said := capsys.readouterr().out) and "all trained for this report" in said


def test_runs_are_not_stored_in_the_project_itself() -> None:
    with pytest.raises(UserError, match="OUT is the project itself: choose a folder in it, such as reports/mine"):
        run_all(TINY, "")
    assert not (ROOT / "runs").exists()


def test_slips_are_told_in_a_line(tmp_path: Path) -> None:
    for given, said in (
        ({"scheduler": 8786}, "SCHEDULER=8786 is no address"),
        ({"retrain": "yes"}, "RETRAIN=yes is not"),
    ):
        with pytest.raises(UserError, match=said):
            run_all(TINY, tmp_path, **given)
    with pytest.raises(UserError, match="cuda:99|unknown device"):
        run_all(TINY, tmp_path, device=torch.device("cuda:99"))  # type: ignore[arg-type]
    for odd in (None, 5, "base", [TINY, "base"]):
        with pytest.raises(UserError, match="run_all takes an Experiment, or a list of them, not "):
            run_all(odd, tmp_path)  # type: ignore[arg-type]
    for names in (5, "one"):
        with pytest.raises(UserError, match="names = .* is no list: give one name for each experiment"):
            run_all(TINY, tmp_path, names=names)  # type: ignore[arg-type]
    for ask in (results, lambda out: run_all(TINY, out), lambda out: load_run("base", out), explore):
        for out in ("x" * 5000, None, []):
            with pytest.raises(UserError, match="cannot be a path|explore takes runs|no runs to look at"):
                ask(out)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", [{"class_weights": {"a": 9}}, {"augmentation": [{"name": "flip", "classes": ["a"]}]}])
def test_a_run_that_names_classes_is_refused_when_the_names_mean_others(named: dict, tmp_path: Path) -> None:
    folder, out = tmp_path / "data", tmp_path / "out"
    names = own(folder, [0, 1, 2] * 12, images=36) / "classes.txt"
    names.write_text("a\nb\nc\n", "utf-8")
    tiny = Experiment(dataset=str(folder), model="cnn-small", batch_size=10, epochs=1)
    [plain, run] = run_all([tiny, tiny.but(**named)], out)
    assert run.provenance["labels"] == {"a": 0} and "labels" not in plain.provenance
    names.write_text("a\nc\nb\n", "utf-8")
    assert not run_all(run.experiment, out)[0].fresh, "what it names is what it was"
    names.write_text("b\na\nc\n", "utf-8")
    assert not run_all(tiny, out)[0].fresh
    with pytest.raises(UserError, match=r"trained when 'a' was the name of class 0 \(from 0\) of .*RETRAIN=1"):
        run_all(run.experiment, out)
    os.utime(out / "runs" / run.key / "record.json", (0, 0))
    [again] = run_all(run.experiment, out, retrain=True)
    assert again.fresh and again.key == run.key and again.provenance["labels"] == {"a": 1}
    del again.provenance["labels"]
    again.check_classes(load_dataset(str(folder)))  # of runs of before nothing is recorded


def test_a_checkpoint_of_classes_that_were_called_otherwise_is_put_aside(tmp_path: Path) -> None:
    own(tmp_path / "data", [0, 1, 2] * 12, images=36).joinpath("classes.txt").write_text("a\nb\nc\n", "utf-8")
    data, path = load_dataset(str(tmp_path / "data")), tmp_path / "checkpoint.pt"
    experiment = Experiment(dataset=data.source, model="cnn-small", class_weights={"a": 9}, epochs=1)
    cpu = torch.device("cpu")
    Trainer(experiment, data, cpu, "fp32").save(path)
    assert read_checkpoint(path, experiment, cpu, {"a": 0}) is not None
    assert read_checkpoint(path, experiment, cpu, {"a": 1}) is None and not path.exists()
