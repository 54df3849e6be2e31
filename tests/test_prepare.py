"""What is asked of the reports is checked, and what it would cost said, before anything is executed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_project import COMMON, TOKEN, animals, make, prepare, write_notebook

from fmnist_utils import UserError
from fmnist_utils.basics import system
from fmnist_utils.data import locate
from fmnist_utils.report import build, series


def test_parameters_go_from_defaults_to_params_file_to_command_line(project: Path) -> None:
    first, second, third = prepare(project, overrides={"lr": 0.5})
    assert (first.name, second.name, third.name) == ("01_first", "02_second", "03_third")
    assert second.effective["epochs"] == 3
    assert first.effective["epochs"] == 2
    assert first.effective["lr"] == 0.5
    assert first.effective["out"] == str(project / "out")


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("", ["01_first", "02_second", "03_third"]),
        ("03 01", ["01_first", "03_third"]),
        ("2", ["02_second"]),
        ("02_second,03_third.ipynb", ["02_second", "03_third"]),
    ],
)
def test_only_selects_by_number_or_name_in_the_order_of_the_series(project: Path, only: str, names: list[str]) -> None:
    assert [report.name for report in prepare(project, only=only)] == names


def test_all_problems_are_told_at_once_and_nothing_is_made(project: Path) -> None:
    params = project / "params" / "quick"
    (params / "01_first.yaml").write_text("lr: 1e-3\nepoch: 3\n")
    (params / "02_second.yaml").write_text("epochs: [1, 2\n")
    (params / "03_third.yaml").unlink()
    with pytest.raises(UserError) as raised:
        make(project, overrides={"seeds": 3})
    lines = str(raised.value).splitlines()
    told = ["write 1.0e-3", "unknown parameter 'epoch'", "02_second.yaml:2", "03_third.yaml is missing", "'seeds'"]
    assert len(lines) == len(told)
    for line, said in zip(lines, told, strict=True):
        assert said in line
    assert not (project / "out").exists()


def test_out_in_a_params_file_is_that_of_its_profile(project: Path) -> None:
    file = project / "params" / "quick" / "01_first.yaml"
    file.write_text("out: elsewhere\n")
    with pytest.raises(UserError, match="01_first.yaml: out: 'elsewhere' must be reports/quick, or OUT=folder"):
        prepare(project)
    file.write_text("out: reports/quick\n")
    assert prepare(project)[0].effective["out"] == str(project / "out"), "OUT goes before it"


def test_out_is_not_set_past_the_check_of_it(project: Path) -> None:
    with pytest.raises(UserError, match="^command line: out is not set so: write OUT=folder, or --out folder$"):
        prepare(project, overrides={"out": "elsewhere"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"profile": "quik"}, "unknown profile 'quik'; did you mean 'quick'?"),
        ({"profile": "quick", "only": "02 7"}, "unknown notebook '7'"),
        ({"profile": "quick", "only": "02_secnd"}, "did you mean '02_second'?"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(project: Path, arguments: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        series.prepare(**arguments, notebooks=project / "notebooks", params=project / "params")
    assert said in str(raised.value)


def test_a_params_file_without_its_notebook_is_an_error(project: Path) -> None:
    (project / "params" / "quick" / "02_secnd.yaml").write_text("")
    with pytest.raises(UserError, match="02_secnd.yaml has no notebook; did you mean '02_second'?"):
        prepare(project)


def test_an_out_of_range_value_is_found_before_any_kernel_starts(project: Path) -> None:
    with pytest.raises(UserError, match="command line: lr: -1.0 is not allowed"):
        make(project, overrides={"lr": -1.0})
    assert not (project / "out").exists()


@pytest.mark.slow
def test_damaged_data_are_told_once_by_a_dry_run_too(project: Path) -> None:
    (project / "animals").mkdir()
    declared = f'dataset: str = "{project / "animals"}"  # name or folder\nout: str = ""  # folder\n'
    for name in ("01_first", "02_second"):
        write_notebook(project / "notebooks" / f"{name}.ipynb", TOKEN, parameters=declared)
        (project / "params" / "quick" / f"{name}.yaml").write_text("", "utf-8")
    with pytest.raises(UserError, match=f"^{project / 'animals'} holds no data set"):
        build.dry_run(prepare(project))


def test_more_images_than_there_are_is_told_before_any_kernel_starts(project: Path) -> None:
    folder = animals(project)
    data = f'dataset: str = "{folder}"  # name or folder\ndata_dir: str = ""  # its place\nout: str = ""  # folder\n'
    for size, comment in ((15, "training images"), (14, "0 for all that validation leaves")):
        declared = f"{data}train_size: int = {size}  # {comment}\n"
        write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, parameters=declared)
        with pytest.raises(UserError, match=f"01_first: train_size: {size} is more than the 1[24] images"):
            make(project, only="01")
        assert not (project / "out").exists()


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_trained_and_changes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = "from fmnist_utils import Experiment, run_all\nmodel = dict(model='cnn-small', train_size=500, epochs=1)\n"
    write_notebook(project / "notebooks" / "01_first.ipynb", train + "run_all([Experiment(**model)], out)", "1 / 0")
    write_notebook(project / "notebooks" / "02_second.ipynb", "raise ValueError('before any training')\nrun_all([])")
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook")
    ours = ("JPY_SESSION_NAME", "DRY_RUN", "DRY_RUN_FILE", "PRECISION", "JOBS", "SCHEDULER")
    before = [os.environ.get(name) for name in ours]
    (failure,) = build.dry_run(prepare(project, only="1 2"))
    assert failure == "FAILED 02_second, cell 3: ValueError: before any training"
    assert "01_first: new; 1 run to train, about " in capsys.readouterr().out
    assert [os.environ.get(name) for name in ours] == before
    assert not (project / "out" / "notebooks").exists()


@pytest.mark.slow
def test_a_dry_run_executes_nothing_beyond_the_last_training(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (report.notebook for report in prepare(project))
    names, heavy = "from fmnist_utils import Experiment, run_all\n", "raise SystemError('hours of work')"
    write_notebook(first, names, heavy)
    write_notebook(second, names, "run_all([], out)", heavy)
    function = f"{names}def fit(**options):\n    run_all(Experiment(**options), out)"
    write_notebook(third, function, "fit(model='cnn-small', train_size=500, epochs=1)", heavy)
    assert build.dry_run(prepare(project)) == []
    told = capsys.readouterr().out
    assert "01_first: new; nothing to train" in told
    assert "02_second: new; nothing to train" in told
    assert "03_third: new; 1 run to train" in told


@pytest.mark.slow
def test_a_dry_run_counts_a_cross_validation_after_what_is_trained(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "from fmnist_utils import Experiment, cross_validate, fold_experiments, run_groups\n"
    checker = f"{names}checker = Experiment(model='cnn-small', train_size=500, epochs=1)"
    done, folds = "groups = run_groups({}, 1, out)", "unseen = cross_validate(checker, 2, out)"
    notebook = prepare(project, only="01")[0].notebook
    write_notebook(notebook, checker, done, folds, "1 / 0")
    assert build.dry_run(prepare(project, only="01")) == []
    assert "01_first: new; 2 runs to train" in capsys.readouterr().out
    together = "run_groups({'all': checker}, 1, out, also=fold_experiments(checker, 3))"
    write_notebook(notebook, checker, together, folds)
    assert build.dry_run(prepare(project, only="01")) == []
    assert "01_first: new; 4 runs to train" in capsys.readouterr().out


def test_a_dry_run_does_not_fetch_data(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "ROOT", tmp_path / "elsewhere")
    monkeypatch.setattr(locate, "SYSTEM", tmp_path / "system")
    declared = f'{COMMON}dataset: str = "fashion-mnist"  # name or folder\ndata_dir: str = ""  # its place\n'
    write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, parameters=declared)
    assert build.dry_run(prepare(project, only="01")) == []
    assert "01_first: new; its data would be fetched first" in capsys.readouterr().out
    assert not (tmp_path / "elsewhere").exists()
