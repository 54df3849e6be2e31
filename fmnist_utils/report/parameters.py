"""Parameters of a notebook: read from its tagged cell, and checked before any kernel starts.

Papermill only warns about an unknown parameter and guesses types; here a mistake is an error with a way out.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import tokenize
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from fmnist_utils.basics.errors import UserError, bare, brief, listed, nearest
from fmnist_utils.basics.system import ROOT

# The seven names that a type in a parameters cell is made of, with ``|`` and ``[]``.
TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict, "None": None}
LONGEST = 100_000  # characters of a params file
# By a parameter's name: refuses, by a UserError, what it may not be. Such are names that only a study knows.
Checks = Mapping[str, Callable[[Any], object]]


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: annotation = default  # comment``."""

    annotation: str
    default: Any
    comment: str

    def problem(self, value: Any) -> str:
        """Say why `value` is not of the annotated type; "" if it is."""
        kind = _type(ast.parse(self.annotation, mode="eval").body)
        try:
            TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
        except ValidationError as error:
            wrong = error.errors()[0]["input"]
            where = brief(wrong) if wrong is value else f"{brief(wrong)} in {brief(value)}"
            advice = _advice(wrong, self.annotation)
            return f"{where} is of type {type(wrong).__name__}, must be {self.annotation}{advice}"
        return ""


def _type(node: ast.expr) -> Any:
    """Make the type that an annotation's syntax tree describes, evaluating nothing; ValueError for any other tree."""
    match node:
        case ast.Name(id=name) if name in TYPES:
            return TYPES[name]
        case ast.Constant(value=None):
            return None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            kinds = _type(left), _type(right)
            return kinds[0] if kinds[0] is kinds[1] else kinds[0] | kinds[1]
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return list[_type(item)]  # type: ignore[misc]
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, item])):
            return dict[_type(key), _type(item)]  # type: ignore[misc]
    raise ValueError(node)


def _advice(value: Any, annotation: str) -> str:
    """Explain the commonest trap: YAML reads a number like ``1e-3`` as text."""
    if not isinstance(value, str) or len(value) > 40:
        return ""
    number = re.fullmatch(r"([+-]?)(\d+)(?:\.(\d*))?(?:e([+-]?)(\d+))?", value.strip(), re.IGNORECASE | re.ASCII)
    if number is None:
        return ""
    sign, whole, part, exponent_sign, exponent = number.groups()
    if exponent is None:
        return f"; write {value.strip()} without quotes"
    better = f"{sign}{whole}.{part or '0'}e{exponent_sign or '+'}{exponent}"
    if "int" in annotation and "float" not in annotation:
        number_meant = Decimal(value.strip())
        if len(exponent) > 2 or number_meant != number_meant.to_integral_value():
            return ""
        better = str(int(number_meant))
    return f"; YAML takes {value} for text: write {better}"


def shown(path: Path) -> str:
    """Write a path for people: from the project root on, if it lies there."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def load_notebook(notebook: Path) -> dict[str, Any]:
    """Read a notebook as plain JSON, several times as fast as nbformat; UserError if it is none, or not there."""
    if not notebook.exists():
        raise UserError(f"{shown(notebook)} is not there")
    try:
        if not notebook.is_file() and notebook.exists():  # a pipe or a device may never end
            raise ValueError("it is no file")
        content: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
        major, minor = content.get("nbformat"), content.get("nbformat_minor")
        if major != 4 or type(minor) is not int:
            raise ValueError(f"it is of nbformat {brief(major, 20)}, minor {brief(minor, 20)}, and must be of 4")
        for number, cell in enumerate(content["cells"], 1):
            cell |= {"source": "".join(cell["source"]), "metadata": cell.get("metadata", {})}
            if cell["cell_type"] not in ("code", "markdown", "raw"):
                raise ValueError(f"cell {number} is of type {brief(cell['cell_type'], 40)}")
            if not isinstance(words := cell["metadata"].get("tags", []), list) or set(map(type, words)) - {str}:
                raise ValueError(f"cell {number} has tags {brief(words, 40)}: they must be a list of words")
            "".join((cell["source"], *words)).encode()  # ValueError for half of a pair of surrogates
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{shown(notebook)} is not a Jupyter notebook: {error}") from None
    return content


def first_heading(cells: Iterable[Mapping[str, Any]]) -> str:
    """Text of the first level-1 heading among a notebook's cells, as Markdown; "" without one."""
    prose = (cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    lines = (line for source in prose for line in source.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


def title(notebook: Path) -> str:
    """First level-1 heading of a notebook's file, as Markdown; the file's name without one, or if it is damaged."""
    with contextlib.suppress(UserError):
        return first_heading(load_notebook(notebook)["cells"]) or notebook.stem
    return notebook.stem


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
    if len(cells) > 1:  # papermill injects values after the first: the others would undo them
        raise UserError(f"{shown(notebook)}: {len(cells)} cells are tagged 'parameters': put all into the first one")
    source = cells[0]["source"] if cells else ""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise UserError(f"{shown(notebook)}: parameters cell, line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{shown(notebook)}: parameters cell: {brief(str(error))}") from None
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
            line = ast.unparse(statement).splitlines()[0][:80]
            form = f"'name: type = literal  # meaning' with a type made of {', '.join(TYPES)}"
            raise UserError(f"{shown(notebook)}: {line!r} in its parameters cell must be {form}") from None
        found[name] = parameter
    return found


def defaults(notebook: Path) -> dict[str, Any]:
    """Read the values that a notebook gives its parameters, by name; raises UserError as `read` does."""
    return {name: parameter.default for name, parameter in read(notebook).items()}


def _declaration(statement: ast.stmt, comments: Mapping[int, str]) -> tuple[str, Parameter]:
    """Read one statement of a parameters cell; ValueError if it is anything but a declaration."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=ast.expr() as default):
            _type(kind)
            comment = comments.get(statement.end_lineno or 0, "")
            return name, Parameter(ast.unparse(kind), ast.literal_eval(default), comment)
    raise ValueError(statement)


class _Loader(yaml.SafeLoader):
    """YAML of the plain kind: no aliases, no other types than JSON's, no key twice, nothing deep or endless.

    Whatever PyYAML's own constructors raise becomes an error with a line.
    """

    depth = 0
    PLAIN = ("null", "bool", "int", "float", "str", "seq", "map", "merge")

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _refusal(f"aliases such as *{brief(event.anchor, 30)} are not taken: write the value out", event)
        self.depth += 1
        if self.depth > 20:
            raise _refusal("it is nested more than 20 deep", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if node.tag not in {f"tag:yaml.org,2002:{name}" for name in self.PLAIN}:
            kind = bare(node.tag.removeprefix("tag:yaml.org,2002:"), 40)
            raise _refusal(f"a value of type {kind} is not taken; put quotes around text", node)
        if node.tag.endswith((":int", ":float")) and re.match(r"[-+]?0\d|[^:]+:", node.value):
            raise _refusal(f"{brief(node.value)} is not read by all in the same way: write a plain number", node)
        try:
            value = super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except Exception as error:  # int(), float() and others, of what looks like a number and is none
            kind = node.tag.rpartition(":")[2]
            raise _refusal(f"{brief(node.value)} is no {kind}; put quotes around text", node) from error
        if isinstance(value, str) and ("\0" in value or not value.isascii() and _half_pairs(value)):
            raise _refusal(f"{brief(value)} holds a character that text may not have", node)
        if isinstance(value, int) and abs(value) >= 2**63:
            raise _refusal("a whole number must be of less than 64 bits", node)
        return value

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():  # (what is none is refused below)
            scalar = isinstance(key, yaml.ScalarNode)  # (others are refused below)
            if scalar and key.tag.rpartition(":")[2] not in ("str", "merge"):  # papermill would make text of it
                raise _refusal(
                    f"the name {brief(key.value)} is no text: put quotes around it, or around the whole", key
                )
            if (name := (key.tag, str(key.value))) in seen:
                raise _refusal(f"{brief(key.value)} is set twice: remove one of the lines", key)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _half_pairs(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _refusal(problem: str, where: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=where.start_mark)


def parse(text: str) -> Any:
    """Read a value or a file's content as YAML; YAMLError, whatever is wrong with it, and that in a moment."""
    if len(text) > LONGEST:
        raise yaml.YAMLError(f"it is longer than {LONGEST:,} characters")
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except RecursionError:
        raise yaml.YAMLError("it is nested too deep") from None
    finally:
        loader.dispose()


def complaint(error: Exception) -> str:
    """Say what YAMLError found, in a few words on one line."""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return " ".join(str(said).split())[:160]


def load(file: Path) -> dict[str, Any]:
    """Read a params file, as for `papermill -f` (it may be empty); UserError names file and line."""
    try:
        values = parse(file.read_text("utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{shown(file)}:{mark.line + 1}" if mark else shown(file)
        raise UserError(f"{where}: not valid YAML: {complaint(error)}") from None
    if values is not None and not isinstance(values, dict):
        raise UserError(f"{shown(file)}: must be lines of 'name: value', but is a {type(values).__name__}")
    return {str(name): value for name, value in (values or {}).items()}


def problems(
    notebook: Path, values: Mapping[str, Any], source: str, ranges: bool = True, checks: Checks | None = None
) -> list[str]:
    """Hold values against the parameters that a notebook declares.

    Parameters
    ----------
    notebook : the notebook's file
    values : parameter values by name
    source : where the values come from, for the messages ("params/quick/02_baseline.yaml")
    ranges : look for values that no experiment can have, too (this imports torch)
    checks : what else holds for parameters of these names, if `ranges` does

    Returns
    -------
    One line a problem: unknown names with the nearest match, wrong types, values out of range.
    """
    declared = read(notebook)
    found = []
    for name, value in values.items():
        if name not in declared:
            hint = nearest(name, declared)
            found.append(f"unknown parameter {brief(name, 40)}{hint} ({notebook.stem} has: {listed(declared)})")
        elif problem := declared[name].problem(value):
            found.append(f"{name}: {problem}")
        elif ranges:
            zero = name in MAY_BE_ZERO or (name == "epochs" and "recipe" in declared)  # 0: the recipe's own
            if not (zero and value == 0):
                found += [f"{told}, or 0" if zero else told for told in _out_of_range(name, value, checks or {})]
    return [f"{source}: {problem}" for problem in found]


# What no field of Experiment says: by name, the least and the greatest count. No run is worth a hundred seeds.
COUNTS = {
    "seeds": (1, 100), "linear_steps": (1, 10_000), "neighbours": (1, 1_000), "robustness_images": (0, 1_000_000),
    "folds": (2, 100),  # an experiment may have none, a cross-validation not
}  # fmt: skip
# Parameters that are a field of Experiment under another name; those that may be 0, "to leave it out".
FIELDS = {"long_epochs": "epochs", "headline_epochs": "epochs", "fold_epochs": "epochs"}
MAY_BE_ZERO = ("headline_epochs", "fold_epochs")
# What is a name, and what a list of them, wherever it is a parameter.
NAMES, LISTS = ("device", "recipe"), ("claims", "recipes")


def _out_of_range(name: str, value: Any, checks: Checks, field: str = "") -> list[str]:
    """Hold a value, or each element of a plural such as ``models``, against what its name allows.

    The problem is told under the name that the user wrote, whatever the field of Experiment is called.
    """
    from fmnist_utils.training.device import choose_device
    from fmnist_utils.training.experiment import Experiment

    # These can be judged only together with others, when the notebook makes the experiment.
    fields = Experiment.model_fields.keys() - {"model_options", "low_resolution", "fold"}
    field = field or FIELDS.get(name, name)
    singular = name.removesuffix("s")
    try:
        if name in COUNTS and isinstance(value, int):
            low, high = COUNTS[name]
            if not low <= value <= high:
                raise UserError(f"{brief(value)} is not allowed, must be from {low} to {high:,}")
        elif name in NAMES and not isinstance(value, str):
            raise UserError(f"{brief(value)} is no text, as in the series: call yours otherwise")
        elif name in LISTS and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise UserError(f"{brief(value)} is no list of names, as in the series: call yours otherwise")
        elif name == "device":
            choose_device(value)
        elif name in checks:
            checks[name](value)
        elif field in fields:
            Experiment.check_value(field, value)
        elif singular in fields and isinstance(value, list):
            if not value:
                raise UserError("[] is empty; name at least one")
            return [problem for item in value for problem in _out_of_range(name, item, checks, singular)]
    except UserError as error:
        return [f"{name}: {str(error).removeprefix(f'{field}: ').removeprefix(f'{name}: ')}"]
    return []
