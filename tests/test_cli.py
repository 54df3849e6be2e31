"""The command line: what it says and does, and that a mistake is one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import COMMON, call, calls, copy_package, write_notebook, write_project

from fmnist_utils import results
from fmnist_utils.__main__ import main
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.data.locate import locate
from fmnist_utils.report import build


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without reports, for tests that do not change it."""
    return copy_package(write_project(tmp_path_factory.mktemp("made")))


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of that project, to change."""
    return shutil.copytree(made, tmp_path / "project")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SET": "'models=[base]"}, 'Error: SET="\'models=[base]": No closing quotation; close every quotation'),
        ({"SET": "data_dir=-1"}, "Error: command line: data_dir: -1 is of type int, must be str"),
        ({"JOBS": "9" * 5000}, f"Error: JOBS={'9' * 30}"),
        ({"FORCE": "no"}, "Error: FORCE=no is not allowed: write 1, or 0 or nothing for no"),
        ({"RETRAIN": "false"}, "Error: RETRAIN=false is not allowed: write 1"),
        ({"PRECISION": "half\nand half"}, "Error: PRECISION=half\\nand half is unknown"),
    ],
)
def test_a_mistake_in_the_environment_is_told_in_one_line(variables: dict[str, str], said: str) -> None:
    code, out, err = call(ROOT, "reports", **variables)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(said) and len(err) < 300


@pytest.mark.parametrize(
    ("typed", "counts"),
    [([], 200), (["--set", "seeds=101"], 101), (["--seeds", "102"], 102), (["--seeds", "300"], 300)],
)
def test_what_is_typed_goes_before_the_environment(
    typed: list[str], counts: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEEDS", "300")
    monkeypatch.setenv("SET", "seeds=200")
    assert main(["reports", "--profile", "smoke", "--only", "02", *typed]) == 2
    assert f"command line: seeds: {counts} is not allowed" in capsys.readouterr().err


@pytest.mark.parametrize("only", [["02", "05"], ["02 05"], ["notebooks/02_baseline.ipynb", "5"]])
def test_notebooks_are_chosen_by_several_words_or_files(
    only: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "dry_run", lambda reports, *more: print(*(report.name for report in reports)))
    assert main(["reports", "--profile", "smoke", "--only", *only, "--dry-run"]) == 0
    assert capsys.readouterr().out == "02_baseline 05_architecture_comparison\n"


def test_the_folder_that_is_meant_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--out", "full"]) == 2
    assert capsys.readouterr().err.endswith("is not a folder: name one of reports; did you mean reports/full?\n")


@pytest.mark.slow
def test_a_mistake_is_one_line_and_status_2(made: Path) -> None:
    mistakes = {
        ("--profile", "qick"): "unknown profile 'qick'; did you mean 'quick'?",
        ("--only", "09"): "unknown notebook '09'",
        ("--set", "epoch=3"): "command line: no selected notebook has a parameter 'epoch'; did you mean 'epochs'?",
        ("--set", "lr=1e-3"): "command line: lr: '1e-3' is of type str",
        ("--set", "lr=-1.0"): "command line: lr: -1.0 is not allowed",
        ("--set", "lr"): "--set lr: write name=value",
        ("--set", "lr=[1"): "--set lr=[1: '[1' is not valid YAML",
        ("--set", "lr\a=\t"): "--set lr\\x07=\\t: '\\t' is not valid YAML",
    }
    found = calls(made, *(["reports", *arguments] for arguments in mistakes))
    for (code, out, err), said in zip(found, mistakes.values(), strict=True):
        assert (code, out) == (2, "")
        assert err.startswith(f"Error: {said}")
        assert all(line.startswith("Error: ") for line in err.splitlines())


def test_params_shows_every_parameter_with_its_value_in_each_profile(made: Path) -> None:
    code, out, _ = call(made, "params", "02")
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert ["name", "type", "default", "quick", "meaning"] in rows
    assert ["epochs", "int", "2", "3", "passes", "over", "the", "training", "images"] in rows
    assert "01_first" not in out


@pytest.mark.slow
def test_check_tells_what_is_wrong_in_every_profile(project: Path) -> None:
    code, out, _ = call(project, "check", PROFILE="")
    assert (code, out) == (0, "params/quick: 3 files are right\n")
    mine = project / "params" / "mine"
    mine.mkdir()
    (mine / "01_first.yaml").write_text("lr: 100.0\n")
    code, out, err = call(project, "check", PROFILE="")
    assert code == 2
    assert "params/quick: 3 files are right" in out
    assert "Error: params/mine/01_first.yaml: lr: 100.0 is not allowed" in err
    assert "Error: params/mine/02_second.yaml is missing" in err


def test_data_says_where_the_data_is(made: Path) -> None:
    code, out, _ = call(made, "data", "--data-dir", str(locate().folder))
    assert code == 0
    assert "fashion-mnist: 60,000 training and 10,000 test images, 10 classes" in out
    assert len(out.splitlines()) <= 3


@pytest.mark.slow
def test_models_lists_sizes(made: Path) -> None:
    code, out, _ = call(made, "models")
    assert code == 0
    sizes = {line.split()[0]: line.split()[1].replace(",", "") for line in out.splitlines()}
    assert sizes["cnn-small"].isdigit()
    published = results(PUBLISHED).query("model == 'sprint' and train_size == 60000")["parameters"]
    assert sizes["sprint"] == str(published.iloc[0]), "the net of the recipe, not of its defaults"


def test_runs_of_an_empty_store(made: Path) -> None:
    assert call(made, "runs")[:2] == (0, "no finished runs in reports/quick\n")


@pytest.mark.slow
def test_a_profile_that_is_not_there_has_no_runs(made: Path) -> None:
    code, out, err = call(made, "runs", "--profile", "qick")
    assert (code, out) == (2, "")
    assert err.startswith("Error: unknown profile 'qick'; did you mean 'quick'?")
    assert call(made, "runs", "--out", "nowhere")[0] == 2


@pytest.mark.slow
def test_hostile_options_are_one_short_line_on_an_ascii_terminal(made: Path) -> None:
    hostile = [
        ["--out", "~nosuchuser/x"],
        ["--out", os.fsdecode(b"reports/\xff")],
        ["--out", "x" * 5000],
        ["--dataset", "~nosuchuser/x"],
        ["--data-dir", "~nosuchuser/x"],
        ["--set", "lr=" + "[" * 3000],
        ["--set", "lr=" + "9" * 5000],
        ["--set", "lr=2020-13-45"],
        ["--set", "é" * 999 + "=1"],
        ["--seeds", "!!int abc"],
        ["--seeds", "3000000000"],
        ["--profile", "ü" * 999],
        ["--only", "ü" * 999],
        ["--only=--"],
    ]
    write_notebook(
        made / "notebooks" / "01_first.ipynb",
        parameters=COMMON + 'seeds: int = 1\ndataset: str = "fashion-mnist"  # data\ndata_dir: str = ""  # place\n',
    )
    begin = ["reports", "--profile", "quick", "--only", "1"]
    ascii = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    for (code, out, err), options in zip(calls(made, *([*begin, *o] for o in hostile), **ascii), hostile, strict=True):
        assert (code, out) == (2, ""), options
        (line,) = err.splitlines()
        assert line.startswith("Error: ") and line.isascii()
        assert len(line.removeprefix("Error: ").replace(str(made), "")) <= 400  # four a letter that is not ASCII


@pytest.mark.parametrize("option", [["runs", "--out"], ["verify"], ["data", "--dataset"], ["check", "--profile"]])
def test_a_path_of_several_lines_or_directions_is_told_in_one_line(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*option, "nowhere/a\nb\u2028c\x85d\u202e"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ") and said[:-1].isprintable()
    assert "a\\nb" in said and "\\u202e" in said


@pytest.mark.slow
@pytest.mark.parametrize("command", ["params", "check"])
def test_output_that_nobody_reads_any_more_ends_a_command_without_a_word(made: Path, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "fmnist_utils", command], cwd=made, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_control_characters_of_an_argument_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "nowhere\x1b[2J\x07"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ") and said[:-1].isprintable() and "nowhere\\x1b[2J\\x07 is not a folder" in said
