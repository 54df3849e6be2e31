"""What is the user's own, in a file or in a notebook: it is known by its source.

The package's models, augmentations, optimizers and schedules are pinned by TRAINING_VERSION. What a user adds has a
digest of its source instead: edited, it is something else, and what was trained with it is trained anew. So is a file
of the package that decides results, once it is not as it was released.
"""

from __future__ import annotations

import ast
import contextlib
import copyreg
import dis
import functools
import hashlib
import importlib.util
import inspect
import linecache
import pickle
import pkgutil
import sys
import sysconfig
import textwrap
import traceback
import warnings
from collections.abc import Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from types import CodeType, MappingProxyType, NoneType
from typing import Any

from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.system import ROOT

PACKAGE = __name__.partition(".")[0]
# The folders that a user may add files to, and what the package itself has in them.
OPEN = {
    f"{PACKAGE}.models": ("airbench", "layers", "projects", "registry"),
    f"{PACKAGE}.training": (
        "attribution", "augmentations", "batches", "device", "distortions", "evaluate", "experiment", "optim",
        "progress", "run", "trainer", "tryout",
    ),
}  # fmt: skip
# The files that decide results, and the beginning of their SHA-256 as they were released. Who changes one and no bit of
# any result (the golden tests tell) writes its new one here; else TRAINING_VERSION rises as well.
RELEASED = {
    "basics/randomness.py": "149eea6985f59e8e",
    "data/dataset.py": "16026f0471e61814",
    "models/airbench.py": "16ad1f87cf3e3688",
    "models/layers.py": "4a0623c69e0287bb",
    "models/projects.py": "d470c0e2b4516532",
    "models/registry.py": "2ceb1e8f1b240ac5",
    "training/augmentations.py": "822632714396c66e",
    "training/batches.py": "6395eb892dd12875",
    "training/device.py": "f232dcb287aac350",
    "training/evaluate.py": "54056fcba7385652",
    "training/experiment.py": "45d9f66c04b4d8ed",
    "training/optim.py": "1be06e0067e34a8c",
    "training/trainer.py": "40fc691e1f695e16",
}
# And the one that decides what nets are asked about disturbed pictures (`runs/robustness.py`), in the same way.
RELEASED_DISTORTIONS = {"training/distortions.py": "18fe75292b3adc3f"}
PINNED = {f"{folder}.{name}" for folder, names in OPEN.items() for name in names}
PLAIN = (NoneType, bool, int, float, complex, str, bytes, range, slice, type(...))  # told by their repr
DEEPEST = 100  # a part of a part of … a value that is looked at
# module -> its spec, which a reload replaces (None before it is imported), and its source
_imported: dict[str, tuple[Any, str]] = {}


@functools.cache
def edited() -> str:
    """Digest of the package's files that decide results and are not as they were released; "" if all are."""
    return _digest(_edited(RELEASED))


@functools.cache
def edited_distortions() -> str:
    """Digest of the package's distortions where they are not as they were released; "" if they are."""
    return _digest(_edited(RELEASED_DISTORTIONS))


def edited_files() -> str:
    """Name the package's files that decide results and are not as they were released."""
    return ", ".join(_edited(RELEASED))


def _edited(released: Mapping[str, str]) -> dict[str, str]:
    """Texts of those files that are not as they were released, by their names."""
    now = {file: (ROOT / PACKAGE / file).read_text("utf-8") for file in released}
    return {file: text for file, text in now.items() if _sha256(text)[:16] != released[file]}


def _digest(texts: Mapping[str, str]) -> str:
    return _sha256(repr(sorted(texts.items()))) if texts else ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def load(folder: str) -> None:
    """Import the files that a user has added to a folder of the package, ``"fmnist_utils.models"``.

    Raises
    ------
    UserError
        One of them cannot be imported; it names the line.
    """
    edited()  # as the files are when they are imported
    for module in pkgutil.iter_modules(sys.modules[folder].__path__):
        if (name := f"{folder}.{module.name}") not in PINNED:
            try:
                importlib.import_module(name)
            except Exception as error:  # whatever a user's file may raise
                raise UserError(_complaint(error, name)) from error
            _modules(name)  # as they are now: a later edit is not what was imported


def _complaint(error: Exception, name: str) -> str:
    """Say in a line why an own module could not be imported, and in which line of its file."""
    spec = importlib.util.find_spec(name)
    file = str(spec.origin) if spec else name
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line, said = lines[-1] if lines else None, str(error)
    if isinstance(error, SyntaxError):
        file, line, said = error.filename or file, error.lineno, error.msg
    if Path(file).is_relative_to(ROOT):
        file = Path(file).relative_to(ROOT).as_posix()
    kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
    what = f"{kind}{said}".partition("\n")[0][:200]
    return f"{file}, line {line}: {what}; mend it, or move the file elsewhere" if line else f"{file}: {what}; mend it"


def line(error: Exception) -> str:
    """Say in which line of the user's code an error arose, ``"mine.py, line 7"``; "" if in none of it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_users(frame.filename)]
    if not own:
        return ""
    cell = "ipykernel_" in own[-1].filename or own[-1].filename.startswith("<")
    return f"{'its cell' if cell else Path(own[-1].filename).name}, line {own[-1].lineno}"


def _is_users(file: str) -> bool:
    """Whether a file, or a cell, is neither a library's nor the package's as it comes."""
    if Path(file).is_relative_to(ROOT / PACKAGE):
        return Path(file) in files()
    return file.startswith(("<ipython", "<stdin")) or (not file.startswith("<") and _is_own("", file))


def files() -> list[Path]:
    """Return the files that a user has added to the package."""
    found = []
    for folder, names in OPEN.items():
        place = ROOT.joinpath(*folder.split("."))
        own = [path for path in place.glob("*") if path.stem not in (*names, "__init__", "__pycache__")]
        found += [file for path in own for file in ([path] if path.suffix == ".py" else path.rglob("*.py"))]
    return sorted(found)


def digest(thing: Any, more: str = "") -> str:
    """What results depend on that were got with a class or function of one's own: SHA-256 (hex) of its source.

    Where a file of the package that decides results is not as it was released, that is a part of it, too.

    Parameters
    ----------
    thing : a class, a function, or a `functools.partial` of one; of the package's own ones the digest is "", as long as
        the package is as it was released
    more : what else they depend on

    Raises
    ------
    UserError
        Its file was edited after it was imported.
    """
    settings = []
    while isinstance(thing, functools.partial):
        given = thing.args, sorted(thing.keywords.items())
        if all(isinstance(value, PLAIN) for value in (*thing.args, *thing.keywords.values())):
            settings.append(repr(given))
        else:  # functions and objects, whose repr has addresses
            used = list[Any]()
            settings.append(repr([_value(given, used), _cells(*used)[0]]))
        thing = thing.func
    if home(thing) in PINNED and not settings:
        return edited()
    return _sha256("|".join([_sources(thing), *settings, more, *([edited()] if edited() else [])]))


def modules(thing: Any) -> dict[str, str]:
    """Digests of the files of one's own that a class, a function or a `functools.partial` uses, by the modules' names.

    They are those of a notebook's part, which travels to a worker as it is, that the worker must have for itself.
    """
    used = list[Any]()
    _value(thing, used)
    return {name: _sha256(source) for name, source in _cells(*used)[1].items()}


def source_digest(name: str) -> str:
    """Digest of the file of a module of one's own, as `modules` gives it; "" if there is none of that name."""
    return _sha256(found[name]) if name in (found := _modules(name)) else ""


def home(thing: Any) -> str:
    """Name of the module that a class or function is from; "__main__" for a notebook."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    return str(getattr(thing, "__module__", type(thing).__module__))


def _sources(thing: Any) -> str:
    """Source of the module of a class or function and of all own modules that it uses, or what a notebook has of it."""
    return repr(sorted(_modules(home(thing)).items()) if home(thing) != "__main__" else _cells(thing)[0])


def _cells(*things: Any) -> tuple[list[Any], dict[str, str]]:
    """Sources of classes or functions of a notebook and of all of it that they use, and the values that they read.

    They are the same in every process: neither addresses nor the order of a set are part of them. The own modules among
    them, which are in the list, too, are returned once more by name.
    """
    told, modules, seen, wanted = list[Any](), dict[str, str](), set[int](), list(things)
    for item in wanted:  # which grows meanwhile
        if id(item) in seen:
            continue
        seen.add(id(item))
        if inspect.ismodule(item) or home(item) != "__main__":
            own = _modules(item.__name__ if inspect.ismodule(item) else home(item))
            told += sorted(own.items())
            modules |= own
        elif inspect.isclass(item):
            told += [_text(item), _value(_attributes(item), wanted)]
            wanted += [*item.__bases__, type(item)]
        elif inspect.isfunction(item):
            told += [text := _text(item), _value(_around(item), wanted)]
            if vars(item):  # what was noted of it, such as the function that a decorator has replaced by it
                told.append(_value(vars(item), wanted))
            for name in sorted(_imports(textwrap.dedent(text), "")):
                told.append(own := _modules(name))
                modules |= own
        else:
            told.append(_value(item, wanted))
    return told, modules


def _text(thing: Any) -> str:
    """Source of a notebook's function or class; where Python finds none, as of most classes, the code has to do."""
    try:
        return inspect.getsource(getattr(thing, "__code__", thing))  # (a function may pass for another)
    except (OSError, TypeError):
        return repr(_code(thing.__code__)) if inspect.isfunction(thing) else ""


def _attributes(kind: type) -> dict[str, Any]:
    """What a class has of its own, apart from what Python and libraries note of it; of pydantic's ones their fields."""
    members = sorted(vars(kind).items())
    own = {name: member for name, member in members if inspect.isroutine(member) or not name.startswith("__")}
    fields = {name: getattr(kind, name, None) for name in ("model_fields", "__private_attributes__")}
    return own | {name: dict(found) for name, found in fields.items() if found}


def _around(function: Any) -> dict[str, Any]:
    """What a function takes from around it, by name: defaults, enclosing variables and globals."""
    names = _globals(function.__code__)
    around = {name: function.__globals__[name] for name in sorted(names) if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # it is empty so far
            around[name] = cell.cell_contents
    return {**around, "": (function.__defaults__, function.__kwdefaults__)}


def _globals(code: CodeType) -> set[str]:
    """Names of the globals that code reads, that of inner functions, too; but not of those that it sets itself."""
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    read = {name for step, name in steps if step in {"LOAD_GLOBAL", "LOAD_NAME"}}
    names = {name for name in read if ("STORE_GLOBAL", name) not in steps}
    return names.union(*(_globals(item) for item in code.co_consts if isinstance(item, CodeType)))


def _value(value: Any, used: list[Any], depth: int = 0, known: dict[int, Any] | None = None) -> Any:
    """Describe a value by strings and lists of them; classes, functions and modules by name, which `used` is given.

    `known` has the objects that were described before it, or are being described: it may be a part of itself.
    """
    if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
        used.append(value)
        return value.__name__
    if isinstance(value, PLAIN):
        return repr(value)
    if hasattr(value, "tolist") and not hasattr(value, "to_frame"):  # a tensor or an array, not of pandas
        return f"{value.dtype} {value.tolist()!r}"
    known = {} if known is None else known
    if id(value) in known:
        return known[id(value)][1]
    kind: Any = type(value)
    used.append(kind)
    name = getattr(value, "__name__", kind.__name__)
    known[id(value)] = value, name  # (with the value itself, so that no other one gets its address)
    parts: Any = _parts(value) if depth < DEEPEST else None
    if parts is None:
        described = [_whole(value)]
    else:
        described = [_value(part, used, depth + 1, known) for part in parts]
        described = sorted(described, key=repr) if isinstance(value, set | frozenset) else described
    # By its digest, for many may have it as a part.
    known[id(value)] = value, _sha256(repr([name, *described]))
    return known[id(value)][1]


def _whole(value: Any) -> str:
    """Describe a value whose parts are not known: by its repr if that says all and no address, else by its pickle."""
    with contextlib.suppress(Exception):  # whatever its class may raise
        if len(said := repr(value)) < 1000 and " at 0x" not in said and "..." not in said:
            return said
        return hashlib.sha256(pickle.dumps(value, protocol=5)).hexdigest()
    return ""


def _parts(value: Any) -> Iterable[Any] | None:
    """What a value consists of; None if that is not known."""
    if type(value) in (dict, MappingProxyType):
        return value.items()
    if type(value) in (list, tuple, set, frozenset):
        return value
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    if isinstance(value, property):
        return value.fget, value.fset
    if isinstance(value, functools.cached_property):
        return (value.func,)
    if inspect.ismethod(value):
        return value.__func__, value.__self__
    if hasattr(value, "__wrapped__"):  # a static or class method, what functools.cache returns
        return (value.__wrapped__,)
    if inspect.isroutine(value) and type(value).__module__ == "builtins":  # of C: it is known by its name
        return ()
    with contextlib.suppress(Exception):  # whatever its class may raise
        # What it would be made of anew: a function, its arguments, and what is set, appended and stored then.
        made = copyreg.dispatch_table.get(type(value), lambda value: value.__reduce_ex__(2))(value)
        return [made] if isinstance(made, str) else [*made[:3], *(list(items) for items in made[3:5] if items)]
    return None


@functools.cache
def imports(source: str, package: str = "") -> frozenset[str]:
    """Names of what a source imports anywhere in it: of modules, of their packages, and of what else may be a module.

    Parameters
    ----------
    source : Python code; SyntaxError or ValueError if it is none
    package : what ``from . import`` refers to; without it such imports are left out
    """
    names = set[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of invalid escapes
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (not node.level or package):
            above = package.split(".")[: 1 - node.level or None] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    return frozenset(".".join(part[: i + 1]) for part in parts for i in range(len(part)))


def _modules(name: str) -> dict[str, str]:
    """Sources by name: of an own module, and of all own modules that it takes anything from."""
    found: dict[str, str] = {}
    wanted = [name]
    while wanted:
        file = _file(name := wanted.pop())
        if name in found or file is None or not _is_own(name, file):
            continue
        found[name] = _source(name, file)
        wanted += _imports(found[name], name if Path(file).stem == "__init__" else name.rpartition(".")[0])
        values = vars(sys.modules[name]).values() if name in sys.modules else ()
        wanted += [
            value.__name__ if inspect.ismodule(value) else str(getattr(value, "__module__", "")) for value in values
        ]
    return found


def _imports(source: str, package: str) -> frozenset[str]:
    try:
        return imports(source, package)
    except (SyntaxError, ValueError):  # not imported so far
        return frozenset()


def _file(name: str) -> str | None:
    """File of a module, imported or not, which is not imported for that; None if there is none."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None)
    parts, path, spec = name.split("."), None, None
    for i in range(len(parts)):
        if (spec := PathFinder.find_spec(".".join(parts[: i + 1]), path)) is None:
            return None
        if (path := spec.submodule_search_locations) is None and i + 1 < len(parts):
            return None
    return spec.origin if spec and spec.has_location else None


def _source(name: str, file: str) -> str:
    """Source of a module, which must be what was imported if it was."""
    linecache.checkcache(file)
    source, spec = "".join(linecache.getlines(file)), getattr(sys.modules.get(name), "__spec__", None)
    if not source:  # it is compiled, or empty
        source = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    before = _imported.get(name, (None, source))
    if before[1] != source and spec is not None and (before[0] is None or before[0] is spec):
        raise UserError(
            f"{file} was edited after it was imported here: restart this Python (the kernel, or the worker)"
        )
    _imported[name] = spec, source
    return source


def _is_own(name: str, file: str) -> bool:
    """Whether a module is the user's: neither an installed library nor a part of the package as it comes."""
    if any(name.startswith(f"{folder}.") for folder in OPEN):
        return name not in PINNED
    if name.partition(".")[0] == PACKAGE or {"site-packages", "dist-packages"} & set(Path(file).parts):
        return False  # (an environment may take libraries from another one)
    installed = {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not any(file.startswith(str(path)) for path in installed)


def _code(code: CodeType) -> tuple[Any, ...]:
    constants = [_code(item) if isinstance(item, CodeType) else _value(item, []) for item in code.co_consts]
    return code.co_code, code.co_names, constants
