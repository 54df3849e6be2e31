from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_project import COMMON, write_notebook

from fmnist_utils import UserError, studies
from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import parameters
from fmnist_utils.report.parameters import Parameter


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "01_first.ipynb"
    more = 'optimizer: str = "adam"  # update rule\nseeds: int = 2\ndevice: str = "auto"\n'
    write_notebook(path, parameters=COMMON + more)
    return path


def test_reads_type_default_and_comment_of_every_parameter(notebook: Path) -> None:
    found = parameters.read(notebook)
    assert list(found) == ["out", "lr", "epochs", "train_size", "models", "optimizer", "seeds", "device"]
    assert found["lr"] == Parameter("float", 0.001, "learning rate")
    assert found["train_size"] == Parameter("int | None", None, "number of training images")
    assert found["models"] == Parameter("list[str]", ["base", "enhanced"], "nets to compare")
    assert found["seeds"].comment == ""


def test_a_second_parameters_cell_which_would_undo_what_is_set_is_refused(notebook: Path) -> None:
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"].append(content["cells"][1])
    notebook.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"01_first.ipynb: 2 cells are tagged 'parameters'"):
        parameters.read(notebook)


def test_a_notebook_without_parameters_cell_has_none(tmp_path: Path) -> None:
    (tmp_path / "01_first.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert parameters.read(tmp_path / "01_first.ipynb") == {}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("lr = 1e-3", "'lr = 0.001'"),
        ("lr: number = 1e-3", "int, float, str"),
        ("lr: float = 1 / 1000", "'lr: float = 1 / 1000'"),
        ("lr: float", "'lr: float'"),
        ("print(1)", "'print(1)'"),
        ("lr: float = 1\nlr float", "line 2"),
    ],
)
def test_refuses_a_cell_that_cannot_be_checked(tmp_path: Path, cell: str, said: str) -> None:
    write_notebook(tmp_path / "01_first.ipynb", parameters=cell)
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        parameters.read(tmp_path / "01_first.ipynb")
    assert "01_first.ipynb" in str(raised.value)


FORM = '{"nbformat": 4, "nbformat_minor": 5, '


@pytest.mark.parametrize(
    "content",
    [
        FORM + '"cells": [',
        "[" * 100_000,
        "[]",
        FORM + '"cells": [1]}',
        '{"nbformat": 3, "nbformat_minor": 0, "cells": []}',
        '{"nbformat": 5, "nbformat_minor": 0, "cells": []}',
        '{"nbformat": 4, "nbformat_minor": "5", "cells": []}',
        FORM + '"cells": [{"cell_type": "code", "source": "\\ud83d"}]}',
        FORM + '"cells": [{"cell_type": "code", "source": "", "metadata": null}]}',
        FORM + '"cells": [{"cell_type": "code", "source": "", "metadata": {"tags": "parameters"}}]}',
        FORM + '"cells": [{"cell_type": "code", "source": "", "metadata": {"tags": ["parameters", 1]}}]}',
        FORM + '"cells": [{"cell_type": "cold", "source": ""}]}',
        FORM + '"cells": [{"source": ""}]}',
    ],
)
def test_a_file_that_is_no_notebook_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "01_first.ipynb").write_text(content)
    with pytest.raises(UserError, match="01_first.ipynb is not a Jupyter notebook"):
        parameters.read(tmp_path / "01_first.ipynb")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("float", 0.1),
        ("float", 1),
        ("int", 3),
        ("int | None", None),
        ("int | None", 5),
        ("bool", False),
        ("list[str]", []),
        ("list[int]", [1, 2]),
        ("list[float]", [1, 0.5]),
        ("dict", {"Shirt": 2.0}),
        ("dict[str, float]", {"Shirt": 2.0}),
    ],
)
def test_accepts_values_of_the_type(annotation: str, value: Any) -> None:
    assert Parameter(annotation, None, "").problem(value) == ""


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        ("int", "10", "'10' is of type str, must be int; write 10 without quotes"),
        ("int", 10.0, "10.0 is of type float, must be int"),
        ("int", True, "True is of type bool, must be int"),
        ("bool", 1, "1 is of type int, must be bool"),
        ("bool", "yes", "'yes' is of type str, must be bool"),
        ("str", 5, "5 is of type int, must be str"),
        ("int", None, "None is of type NoneType, must be int"),
        ("int | None", "all", "'all' is of type str, must be int | None"),
        ("list[str]", "base", "'base' is of type str, must be list[str]"),
        ("list[int]", [1, "two"], "'two' in [1, 'two'] is of type str, must be list[int]"),
        ("dict", [1], "[1] is of type list, must be dict"),
    ],
)
def test_a_wrong_type_is_told_with_the_right_one(annotation: str, value: Any, said: str) -> None:
    assert Parameter(annotation, None, "").problem(value) == said


@pytest.mark.parametrize("text", ["1e-3", "1e3", "-2E-4", "+3e+05", "1.5e3", "2.e3"])
def test_a_number_that_yaml_takes_for_text_is_told_how_to_write_it(text: str) -> None:
    value = yaml.safe_load(text)
    assert isinstance(value, str), "YAML reads this as a number: the case is not one"
    said = Parameter("list[float]", [], "").problem([0.1, value])
    assert "YAML" in said
    better = yaml.safe_load(said.split("write ")[1])
    assert better == float(text)
    assert Parameter("float", 0.0, "").problem(better) == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epoch": 3}, "unknown parameter 'epoch'; did you mean 'epochs'?"),
        ({"lr": "1e-3"}, "write 1.0e-3"),
        ({"lr": -0.1}, "lr: -0.1 is not allowed"),
        ({"epochs": 0}, "epochs: 0 is not allowed"),
        ({"seeds": 0}, "seeds: 0 is not allowed"),
        ({"optimizer": "adm"}, "did you mean 'adam'?"),
        ({"models": ["base", "enhansed"]}, "did you mean 'enhanced'?"),
        ({"models": []}, "models: [] is empty"),
        ({"device": "cudda"}, "did you mean 'cuda'?"),
    ],
)
def test_check_names_source_and_value(notebook: Path, values: dict[str, Any], said: str) -> None:
    [line] = parameters.problems(notebook, values, "params/mine/01_first.yaml")
    assert line.startswith("params/mine/01_first.yaml: ")
    assert said in line


def test_no_epochs_are_allowed_where_a_recipe_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "01_first.ipynb"
    write_notebook(path, parameters=COMMON + 'recipe: str = "sprint"\n')
    assert parameters.problems(path, {"epochs": 0}, "here") == []
    [line] = parameters.problems(path, {"epochs": -1}, "here")
    assert "epochs: -1 is not allowed" in line


def test_check_lists_all_problems(notebook: Path) -> None:
    lines = parameters.problems(notebook, {"lr": "fast", "epochs": 0, "lrr": 1, "train_size": 100}, "here")
    assert [line.split()[1] for line in lines] == ["lr:", "epochs:", "unknown"]


def test_check_accepts_good_values(notebook: Path) -> None:
    good = {"lr": 0.5, "models": ["cnn-small"], "seeds": 3, "train_size": None}
    assert parameters.problems(notebook, good, "here") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: 0.1\nepochs: [1, 2\nseeds: 3\n", "01_first.yaml:3: not valid YAML"),
        ("lr: 0.1\n\tepochs: 2\n", "01_first.yaml:2: not valid YAML"),
        ("- lr\n- epochs\n", "01_first.yaml: must be lines of 'name: value', but is a list"),
        ("!!python/object/apply:os.system ['true']", "01_first.yaml:1: not valid YAML"),
    ],
)
def test_a_broken_params_file_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "01_first.yaml").write_text(text)
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        parameters.load(tmp_path / "01_first.yaml")
    assert len(str(raised.value).splitlines()) == 1


def test_bytes_that_are_not_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "01_first.yaml").write_bytes(b"lr: \xff\xfe")
    with pytest.raises(UserError, match="not valid YAML"):
        parameters.load(tmp_path / "01_first.yaml")


def test_an_empty_params_file_sets_nothing(tmp_path: Path) -> None:
    (tmp_path / "01_first.yaml").write_text("# all as in the notebook\n")
    assert parameters.load(tmp_path / "01_first.yaml") == {}


# --- nothing is executed, and nothing takes long ---


@pytest.mark.parametrize(
    "annotation",
    [
        "().__class__.__base__.__subclasses__()",
        "[x for x in ()]",
        "9**9**9",
        "print('executed')",
        "__import__('os').system('touch executed')",
        "'int'",
        "int.real",
        "int & str",
        "tuple[int]",
        "list[int, str]",
        "dict[str]",
        "int | 3",
        "lambda: 0",
    ],
)
def test_an_annotation_is_read_and_never_executed(
    annotation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_notebook(tmp_path / "01_first.ipynb", parameters=f"x: {annotation} = 1")
    with pytest.raises(UserError, match="in its parameters cell must be"):
        parameters.problems(tmp_path / "01_first.ipynb", {"x": 2}, "here")
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["01_first.ipynb"]


def test_types_nest(tmp_path: Path) -> None:
    write_notebook(tmp_path / "01_first.ipynb", parameters="x: dict[str, list[int | None]] | None = None")
    assert parameters.problems(tmp_path / "01_first.ipynb", {"x": {"a": [1, None]}}, "here") == []
    [line] = parameters.problems(tmp_path / "01_first.ipynb", {"x": {"a": ["b"]}}, "here")
    assert "'b' in " in line


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: 0b_", "'0b_' is no int"),
        ("model_options: {widths: 32,64,160}", "the name '64' is no text: put quotes around it, or around the whole"),
        ("lr: 0764", "'0764' is not read by all in the same way: write a plain number"),
        ("lr: 1:40", "'1:40' is not read by all in the same way: write a plain number"),
        ("lr: 0x_", "'0x_' is no int"),
        ("lr: " + "9" * 5000, "is no int"),
        ("lr: 0x" + "f" * 5000, "of less than 64 bits"),
        ("lr: 2020-13-45", "a value of type timestamp is not taken"),
        ("lr: !!int abc", "'abc' is no int"),
        ("lr: !!float abc", "'abc' is no float"),
        ("lr: !!bool maybe", "'maybe' is no bool"),
        ("lr: !!timestamp x", "of type timestamp is not taken"),
        ("lr: !!binary aGk=", "of type binary is not taken"),
        ("lr: !!map x", "expected a mapping node"),
        ("lr: !!seq x", "expected a sequence node"),
        ("lr: " + "[" * 3000 + "]" * 3000, "nested"),
        ("lr: " + "{a: " * 3000 + "}" * 3000, "nested"),
        (BOMB, "aliases such as *'a' are not taken"),
        ("lr: 0.1\nlr: 0.2\n", "'lr' is set twice"),
        ('out: "a\\0b"', "a character that text may not have"),
        ('out: "\\ud800"', "a character that text may not have"),
        ("lr: \0", "special characters are not allowed"),
        ("lr: 1\n---\nlr: 2", "another document"),
        ("? [1, 2]\n: 3", "unhashable"),
        ("x" * 200_000, "longer than 100,000 characters"),
    ],
)
def test_hostile_yaml_is_one_short_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "01_first.yaml").write_text(text)
    with pytest.raises(UserError) as raised:
        parameters.load(tmp_path / "01_first.yaml")
    line = str(raised.value).removeprefix(str(tmp_path))
    assert said in line
    assert len(line) <= 300 and line.isprintable()


# --- limits, by the name that the user wrote ---


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("recipe: dict = {}", {}),
        ('recipe: list[str] = ["a"]', ["a"]),
        ("device: str | None = None", None),
        ("claims: int = 3", 3),
        ('recipes: str = "sprint"', "sprint"),
        ("claims: list[int] = [3]", [3]),
    ],
)
def test_a_name_of_the_series_with_another_type_is_refused_in_a_line(declared: str, value: Any, tmp_path: Path) -> None:
    write_notebook(tmp_path / "08_own.ipynb", parameters=declared)
    name = declared.partition(":")[0]
    (line,) = parameters.problems(tmp_path / "08_own.ipynb", {name: value}, "params", checks=studies.CHECKS)
    assert line.startswith(f"params: {name}: ") and line.endswith("as in the series: call yours otherwise")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("03_augmentation", {"long_epochs": 0}, "long_epochs: 0 is not allowed"),
        ("03_augmentation", {"augmentations": ["flipp"]}, "augmentations: unknown augmentation 'flipp'; did you mean"),
        ("03_augmentation", {"augmentations": ["flip+none"]}, 'augmentations: "none" stands alone: leave it out'),
        ("03_augmentation", {"augmentations": ["flip+" * 999]}, "augmentations: unknown augmentation"),
        (
            "05_architecture_comparison",
            {"headline_epochs": -1},
            "headline_epochs: -1 is not allowed, must be greater than or equal to 1, or 0",
        ),
        (
            "06_error_analysis",
            {"fold_epochs": 2001},
            "fold_epochs: 2001 is not allowed, must be less than or equal to 2",
        ),
        (
            "06_error_analysis",
            {"fold_epochs": -1},
            "fold_epochs: -1 is not allowed, must be greater than or equal to 1, or 0",
        ),
        ("06_error_analysis", {"folds": 0}, "folds: 0 is not allowed, must be from 2 to 100"),
        ("06_error_analysis", {"folds": 1}, "folds: 1 is not allowed, must be from 2 to 100"),
        ("06_error_analysis", {"folds": 101}, "folds: 101 is not allowed, must be from 2 to 100"),
        ("06_error_analysis", {"epochs": -1}, "epochs: -1 is not allowed, must be greater than or equal to 1, or 0"),
        ("01_data_exploration", {"train_size": -1}, "train_size: -1 is not allowed, must be 10 or more, or 0"),
        ("05_architecture_comparison", {"headline_epochs": 2001}, "headline_epochs: 2001 is not allowed"),
        ("05_architecture_comparison", {"claims": ["al"]}, "claims: unknown claim 'al'"),
        (
            "05_architecture_comparison",
            {"recipes": ["sprnt"]},
            "recipes: unknown recipe 'sprnt'; did you mean 'sprint'?",
        ),
        ("05_architecture_comparison", {"models": ["bas"]}, "models: unknown model 'bas'; did you mean 'base'?"),
        ("05_architecture_comparison", {"models": ["x" * 9999]}, "models: unknown model 'xxx"),
        ("01_data_exploration", {"neighbours": 0}, "neighbours: 0 is not allowed, must be from 1 to"),
        ("01_data_exploration", {"linear_steps": 0}, "linear_steps: 0 is not allowed"),
        ("01_data_exploration", {"train_size": 3}, "train_size: 3 is not allowed"),
        ("01_data_exploration", {"device": "cpu:x"}, "device: unknown device 'cpu:x'"),
        ("01_data_exploration", {"device": "cpu:-1"}, "device: unknown device 'cpu:-1'"),
        ("01_data_exploration", {"device": "cpu:7"}, "device: device 'cpu:7' is not available"),
        ("02_baseline", {"seeds": 3_000_000_000}, "seeds: 3000000000 is not allowed, must be from 1 to 100"),
        (
            "02_baseline",
            {"epochs": "1e2"},
            "epochs: '1e2' is of type str, must be int; YAML takes 1e2 for text: write 100",
        ),
        ("02_baseline", {"lr": float("nan")}, "lr: nan is not allowed"),
        ("02_baseline", {"x" * 9999: 1}, "unknown parameter 'xxx"),
    ],
)
def test_limits_are_told_in_one_short_line_by_the_parameters_own_name(
    name: str, values: dict[str, Any], said: str
) -> None:
    notebook, source = ROOT / "notebooks" / f"{name}.ipynb", f"params/quick/{name}.yaml"
    (line,) = parameters.problems(notebook, values, source, checks=studies.CHECKS)
    assert line.startswith(f"params/quick/{name}.yaml: {said}")
    assert len(line) <= 300


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("05_architecture_comparison", {"headline_epochs": 0, "claims": ["all"], "recipes": ["sprint"]}),
        ("06_error_analysis", {"fold_epochs": 0, "folds": 2, "epochs": 0}),
        ("03_augmentation", {"long_epochs": 1, "augmentations": ["flip+translate"]}),
        ("01_data_exploration", {"train_size": 0, "neighbours": 1, "device": "cpu:0"}),
    ],
)
def test_what_is_within_the_limits_is_taken(name: str, values: dict[str, Any]) -> None:
    notebook = ROOT / "notebooks" / f"{name}.ipynb"
    assert parameters.problems(notebook, values, "here", checks=studies.CHECKS) == []
