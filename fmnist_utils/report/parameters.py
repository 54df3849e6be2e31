"""Parameters of a notebook: read from its tagged cell, and checked before any kernel starts.

Papermill only warns about an unknown parameter and guesses types; here a mistake is an error with a way out.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from fmnist_utils.errors import UserError, nearest
from fmnist_utils.system import ROOT

TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict, "None": None}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: annotation = default  # comment``."""

    annotation: str
    default: Any
    comment: str

    def problem(self, value: Any) -> str:
        """Say why `value` is not of the annotated type; "" if it is."""
        kind = eval(self.annotation, {"__builtins__": {}}, TYPES)  # noqa: S307  (six names, no builtins)
        try:
            TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
        except ValidationError as error:
            wrong = error.errors()[0]["input"]
            where = repr(wrong) if wrong is value else f"{wrong!r} in {value!r}"
            return f"{where} is of type {type(wrong).__name__}, must be {self.annotation}{_advice(wrong)}"
        return ""


def _advice(value: Any) -> str:
    """Explain the commonest trap: YAML reads a number like ``1e-3`` as text."""
    if not isinstance(value, str):
        return ""
    number = re.fullmatch(r"([+-]?)(\d+)(?:\.(\d*))?(?:e([+-]?)(\d+))?", value.strip(), re.IGNORECASE)
    if number is None:
        return ""
    sign, whole, part, exponent_sign, exponent = number.groups()
    if exponent is None:
        return f"; write {value.strip()} without quotes"
    better = f"{sign}{whole}.{part or '0'}e{exponent_sign or '+'}{exponent}"
    return f"; YAML takes {value} for text: write {better}"


def shown(path: Path) -> str:
    """Write a path for people: from the project root on, if it lies there."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def load_notebook(notebook: Path) -> dict[str, Any]:
    """Read a notebook as plain JSON, several times as fast as nbformat; UserError if it is none."""
    try:
        content: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
        for cell in content["cells"]:
            cell |= {"source": "".join(cell["source"]), "metadata": cell.get("metadata", {})}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{shown(notebook)} is not a Jupyter notebook: {error}") from None
    return content


def first_heading(cells: Iterable[Mapping[str, Any]]) -> str:
    """Text of the first level-1 heading among a notebook's cells, as Markdown; "" without one."""
    prose = (cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    lines = (line for source in prose for line in source.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


def title(notebook: Path) -> str:
    """First level-1 heading of a notebook's file, as Markdown; the file's name without one."""
    return first_heading(load_notebook(notebook)["cells"]) or notebook.stem


def tags(cell: Mapping[str, Any]) -> list[str]:
    """Tags of a notebook cell, sorted."""
    return sorted(cell["metadata"].get("tags", []))


def read(notebook: Path) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares in its cell tagged ``parameters``.

    Returns
    -------
    Parameter by name, in the cell's order; empty without such a cell.

    Raises
    ------
    UserError
        The file is no notebook, or a line of the cell is not ``name: type = literal``.
    """
    cells = [cell for cell in load_notebook(notebook)["cells"] if "parameters" in tags(cell)]
    source = cells[0]["source"] if cells else ""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise UserError(f"{shown(notebook)}: parameters cell, line {error.lineno}: {error.msg}") from None
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for statement in statements:
        try:
            name, parameter = _declaration(statement, comments)
        except ValueError:
            line = ast.unparse(statement).splitlines()[0]
            form = f"'name: type = literal  # meaning' with a type made of {', '.join(TYPES)}"
            raise UserError(f"{shown(notebook)}: {line!r} in its parameters cell must be {form}") from None
        found[name] = parameter
    return found


def _declaration(statement: ast.stmt, comments: Mapping[int, str]) -> tuple[str, Parameter]:
    """Read one statement of a parameters cell; ValueError if it is anything but a declaration."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=ast.expr() as default):
            if all(node.id in TYPES for node in ast.walk(kind) if isinstance(node, ast.Name)):
                comment = comments.get(statement.end_lineno or 0, "")
                return name, Parameter(ast.unparse(kind), ast.literal_eval(default), comment)
    raise ValueError(statement)


def load(file: Path) -> dict[str, Any]:
    """Read a params file, as for `papermill -f` (it may be empty); UserError names file and line."""
    try:
        values = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown(file)}:{mark.line + 1}" if mark else shown(file)
        raise UserError(f"{where}: not valid YAML: {getattr(error, 'problem', None) or error}") from None
    if values is not None and not isinstance(values, dict):
        raise UserError(f"{shown(file)}: must be lines of 'name: value', but is a {type(values).__name__}")
    return {str(name): value for name, value in (values or {}).items()}


def check(notebook: Path, values: Mapping[str, Any], source: str) -> None:
    """Raise UserError with all that `problems` finds, one a line."""
    if found := problems(notebook, values, source):
        raise UserError("\n".join(found))


def problems(notebook: Path, values: Mapping[str, Any], source: str, ranges: bool = True) -> list[str]:
    """Hold values against the parameters that a notebook declares.

    Parameters
    ----------
    notebook : the notebook's file
    values : parameter values by name
    source : where the values come from, for the messages ("params/quick/02_baseline.yaml")
    ranges : look for values that no experiment can have, too (this imports torch)

    Returns
    -------
    One line a problem: unknown names with the nearest match, wrong types, values out of range.
    """
    declared = read(notebook)
    found = []
    for name, value in values.items():
        if name not in declared:
            hint = nearest(name, declared)
            found.append(f"unknown parameter {name!r}{hint} ({notebook.stem} has: {', '.join(declared)})")
        elif problem := declared[name].problem(value):
            found.append(f"{name}: {problem}")
        elif ranges and not (name == "epochs" and value == 0 and "recipe" in declared):  # 0: the recipe's own
            found += _out_of_range(name, value)
    return [f"{source}: {problem}" for problem in found]


def _out_of_range(name: str, value: Any) -> list[str]:
    """Hold a value, or each element of a plural such as ``models``, against the field of Experiment."""
    from fmnist_utils.studies import claims, recipes
    from fmnist_utils.training.device import choose_device
    from fmnist_utils.training.experiment import Experiment

    # A model's options can be judged only together with the model, when the notebook makes the experiment.
    fields = Experiment.model_fields.keys() - {"model_options"}
    singular = name.removesuffix("s")
    try:
        if name == "device":
            choose_device(value)
        elif name == "recipe":
            recipes.find(value)
        elif name == "recipes":
            recipes.experiments(value)
        elif name == "claims":
            claims.find(value)
        elif name in fields:
            Experiment.check_value(name, value)
        elif singular in fields and isinstance(value, list):
            if not value:
                raise UserError(f"{name}: [] is empty; name at least one")
            return [problem for item in value for problem in _out_of_range(singular, item)]
        elif singular in fields and isinstance(value, int) and value < 1:
            raise UserError(f"{name}: {value} is not allowed, must be a count of at least 1")
    except UserError as error:
        return [str(error)]
    return []
