"""Augmentations, optimizers and schedules of one's own: what is edited is trained anew, here and on workers."""

from __future__ import annotations

import importlib
import linecache
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import call, copy_package, edit
from training_processes import Worker

from fmnist_utils import Experiment, Run, UserError, results, run_all
from fmnist_utils.basics import own
from fmnist_utils.basics.system import ROOT
from fmnist_utils.training import augmentations, optim

MINE = """
from typing import Literal

import torch
from torch.optim import lr_scheduler

from fmnist_utils.training.augmentations import Change, register
from fmnist_utils.training.optim import OPTIMIZERS, SCHEDULES


@register
class Darken(Change):
    name: Literal["darken"] = "darken"
    factor: float = 0.5

    def transform(self, images):
        return images * self.factor


OPTIMIZERS["nadam"] = lambda weights, to: torch.optim.NAdam(weights, to.lr, weight_decay=to.weight_decay)


def half(optimizer, steps):
    return lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 if step > steps // 2 else 1.0)


SCHEDULES["half"] = half
"""
TRAIN = """
import sys
from fmnist_utils import Experiment, results, run_all
tiny = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1)
wanted = [tiny, *(tiny.but(**{name: value}) for name, value in [
    ("augmentation", "flip+darken"), ("optimizer", "nadam"), ("schedule", "half")])]
runs = run_all(wanted, sys.argv[1])
count = len(results(sys.argv[1]))
print(*(run.key for run in runs))
print(*("fresh" if run.fresh else "stored" for run in runs), count)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_package(tmp_path_factory.mktemp("project"))
    for folder in ("notebooks", "params"):
        (root / folder).symlink_to(ROOT / folder)
    (root / "fmnist_utils" / "training" / "mine.py").write_text(MINE, "utf-8")
    return root


def train(root: Path, out: Path) -> tuple[list[str], str]:
    """Keys of four runs, the first of which has no part of one's own; which are fresh, and how many count."""
    command = [sys.executable, "-c", TRAIN, str(out)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    keys, state = done.stdout.splitlines()[-2:]
    return keys.split(), state


@pytest.mark.slow
def test_what_is_edited_is_trained_anew_and_the_rest_is_not(project: Path, tmp_path: Path) -> None:
    out, mine = tmp_path / "out", project / "fmnist_utils" / "training" / "mine.py"
    keys, state = train(project, out)
    assert state == "fresh fresh fresh fresh 4"
    assert keys[0] == Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1).key(checksum(out, keys[0]))
    edit(mine, "0.5 if step", "0.25 if step")
    others, state = train(project, out)
    assert state == "stored fresh fresh fresh 4", "the former three do not count any more"
    assert others[0] == keys[0] and not set(others[1:]) & set(keys)
    said = call(project, "runs", "--stale", "--yes", "--out", str(out))[1]
    for key, what in zip(keys[1:], ("augmentation 'flip+darken'", "optimizer 'nadam'", "schedule 'half'"), strict=True):
        assert f"{key}: cnn-small, seed 0 ({what} has changed)" in said
    assert said.splitlines()[-1] == "3 runs deleted"
    edit(mine, "0.25 if step", "0.5 if step")
    assert train(project, out) == (keys, "stored fresh fresh fresh 4"), "the former source has its former names"
    mine.unlink()
    said = call(project, "runs", "--stale", "--yes", "--out", str(out))[1]
    assert "(augmentation: unknown augmentation 'darken')" in said and "unknown optimizer 'nadam'" in said
    assert said.splitlines()[-1] == "6 runs deleted"
    mine.write_text(MINE, "utf-8")


def checksum(out: Path, key: str) -> str:
    import json

    return str(json.loads((out / "runs" / key / "record.json").read_text("utf-8"))["provenance"]["dataset_checksum"])


@pytest.mark.slow
def test_parts_that_a_notebook_defines_are_trained_side_by_side(tmp_path: Path) -> None:
    script = f"""SHARE = 0.5{MINE.replace("images * self.factor", "images * SHARE")}
from fmnist_utils import Experiment, run_all
own = Experiment(
    model="cnn-small", train_size=500, epochs=1, augmentation="darken", optimizer="nadam", schedule="half")
runs = run_all([own, own.but(seed=1)], {str(tmp_path)!r}, jobs=2)
print([run.fresh for run in runs], sorted(name for name in runs[0].provenance if "digest" in name))
print([run.fresh for run in run_all([own, own.but(seed=1)], {str(tmp_path)!r})])
SHARE = 0.25
print([run.fresh for run in run_all([own, own.but(seed=1)], {str(tmp_path)!r})])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["[True, True]"], done.stderr
    assert "\n[False, False]\n" in done.stdout
    told = "[True, True] ['augmentation_digest', 'optimizer_digest', 'schedule_digest']"
    assert told in done.stdout


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_net_that_changes_what_it_reads_keeps_its_run(jobs: int, tmp_path: Path) -> None:
    script = f"""
from torch import nn
from fmnist_utils import Experiment, run_all
from fmnist_utils.models import register
made = []
@register("counting", source="me")
class Counting(nn.Module):
    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        made.append("one")
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))
    def forward(self, images):
        return self.layers(images)
net = Experiment(model="counting", train_size=100, batch_size=50, epochs=1)
runs = run_all([net, net.but(seed=1)], {str(tmp_path)!r}, jobs={jobs})
print(all((run.folder / "record.json").is_file() and run.folder.name == run.key for run in runs))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["True"], done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*") if path.suffix in (".damaged", ".pt")) == []


@pytest.mark.slow
def test_a_notebooks_parts_stay_its_own_when_a_worker_elsewhere_sends_its_run(
    tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    worker()
    (tmp_path / "there").mkdir()  # another folder under that path on another machine
    script = f"""SHARE = 0.5{MINE.replace("images * self.factor", "images * SHARE")}
from dataclasses import replace
from pathlib import Path
from fmnist_utils import Experiment, load_dataset
from fmnist_utils.runs import cluster
from fmnist_utils.runs.runner import Wanted
from fmnist_utils.runs.store import Store
data, store = load_dataset(), Store({str(tmp_path / "here")!r})
own = Experiment(model="cnn-small", train_size=500, epochs=1, augmentation="darken")
key = own.key(data.checksum)
order = cluster.Order.of(key, Wanted(own, own.digests, own.label), data.checksum, store, "cpu", "auto")
order = replace(order, reports=Path({str(tmp_path / "there")!r}))
[run] = cluster.train([order], {{key: 1.0}}, store, {worker.address!r}).values()
print(run.experiment == own, run.key == key, store.load(key) is not None)
SHARE = 0.25
print(own.key(data.checksum) == key)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-2:] == ["True True True", "False"], done.stderr


SHARED = """
import sys
from torch import nn
from fmnist_utils import Experiment, UserError, run_all
from fmnist_utils.models import register
from fmnist_utils.training.optim import OPTIMIZERS
out, scheduler, what = sys.argv[1:]
experiment = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1)
if what == "own optimizer":
    from torch.optim import SGD
    OPTIMIZERS["adam"] = lambda weights, to: SGD(weights, to.lr / 1000)
if what == "own file":
    import shrink
    @register("shrunk", source="me")
    class Shrunk(nn.Module):
        def __init__(self, n_classes: int = 10) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))
        def forward(self, images):
            return self.layers(shrink.by(images))
    experiment = experiment.but(model="shrunk")
try:
    [run] = run_all([experiment], out, scheduler=scheduler)
    print(run.key, run.test_accuracy)
except UserError as error:
    print(error)
"""


def shared(out: Path, scheduler: str, what: str, **environment: str) -> str:
    """Train with a part of one's own, or none, on a worker that others use, too; returns the last line that is said."""
    done = subprocess.run(
        [sys.executable, "-c", SHARED, str(out), scheduler, what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_worker_keeps_no_part_of_one_call_for_the_next(tmp_path: Path, worker: Worker) -> None:
    worker("from fmnist_utils.training import optim; optim.OPTIMIZERS['adam'] = optim.OPTIMIZERS['adamax']")
    plain, *others = (
        shared(tmp_path / str(number), address, what)
        for number, (address, what) in enumerate([("", ""), (worker.address, "own optimizer"), (worker.address, "")])
    )
    assert others[0].split()[0] != plain.split()[0] and others[1] == plain


@pytest.mark.slow
def test_a_file_that_a_notebooks_part_uses_is_held_against_the_workers(
    tmp_path: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, share in (("here", 1), ("there", 0)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "shrink.py").write_text(f"def by(images):\n    return {share} * images\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "there"))
    worker()
    for folder, refused in (("here", True), ("there", False)):
        said = shared(tmp_path / "out", worker.address, "own file", PYTHONPATH=str(tmp_path / folder))
        assert said.endswith("has another shrink: give both the same files") == refused, said


@pytest.mark.slow
def test_an_exception_of_a_notebook_stays_its_own_when_a_training_side_by_side_raises_it(tmp_path: Path) -> None:
    script = f"""
import os
from typing import Literal
from fmnist_utils import Experiment, UserError, run_all
from fmnist_utils.training.augmentations import Change, register
SHARE, HERE = 0.5, os.getpid()
class TooDark(Exception):
    def share(self):
        return SHARE
@register
class Darken(Change):
    name: Literal["darken"] = "darken"
    def transform(self, images):
        if os.getpid() != HERE:
            raise TooDark("it is dark")
        return images * SHARE
own = Experiment(model="cnn-small", train_size=500, epochs=1, augmentation="darken")
try:
    run_all([own, own.but(seed=1)], {str(tmp_path / "out")!r}, jobs=2)
except UserError as error:
    print("TooDark: it is dark" in str(error))
print(TooDark.share.__globals__ is globals(), Darken.transform.__globals__ is globals())
"""
    (tmp_path / "mine.py").write_text(f"if __name__ == '__main__':{textwrap.indent(script, '    ')}", "utf-8")
    done = subprocess.run([sys.executable, tmp_path / "mine.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-2:] == ["True", "True True"], done.stdout + done.stderr


def test_a_file_that_was_edited_after_it_was_imported_is_not_taken_for_what_runs(project: Path, tmp_path: Path) -> None:
    script = """
import importlib, pathlib, sys
from fmnist_utils import Experiment, UserError
mine = pathlib.Path(sys.argv[1])
before = Experiment(optimizer="nadam").key("data")
mine.write_text(mine.read_text("utf-8").replace("to.lr,", "to.lr / 2,"), "utf-8")
try:
    Experiment(optimizer="nadam").key("data")
except UserError as error:
    print(error)
print(Experiment().key("data") == Experiment(optimizer="adam").key("data"))
importlib.reload(sys.modules["fmnist_utils.training.mine"])
print(before == Experiment(optimizer="nadam").key("data"), Experiment(augmentation="darken").key("data") != before)
"""
    mine = project / "fmnist_utils" / "training" / "mine.py"
    done = subprocess.run(
        [sys.executable, "-c", script, str(mine)], cwd=project, capture_output=True, text=True, check=False
    )
    mine.write_text(MINE, "utf-8")
    assert done.returncode == 0, done.stderr
    error, same, reloaded = done.stdout.splitlines()
    assert error == f"{mine} was edited after it was imported here: restart this Python (the kernel, or the worker)"
    assert (same, reloaded) == ("True", "False True")


def test_the_packages_own_parts_have_no_digest() -> None:
    for name in augmentations.AUGMENTATIONS:
        assert Experiment(augmentation=name).digests == {}
    for name in optim.OPTIMIZERS:
        assert Experiment(optimizer=name).digests == {}
    for name in optim.SCHEDULES:
        assert Experiment(schedule=name).digests == {}


def test_every_committed_file_of_the_open_folders_is_pinned() -> None:
    for folder, names in own.OPEN.items():
        place = folder.replace(".", "/")
        listed = subprocess.check_output(["git", "ls-files", "--", f"{place}/*.py"], cwd=ROOT, text=True).split()
        assert {Path(name).stem for name in listed} - {"__init__"} == set(names)


def test_a_name_of_the_package_is_not_given_away() -> None:
    class Flip(augmentations.Change):
        name: str = "flip"

    with pytest.raises(ValueError, match="Flip: its field `name` must have a default, and not one of the package's"):
        augmentations.register(Flip)
    with pytest.raises(UserError, match=re.escape("augmentation.mixup.alpha: -1.0 is not allowed")):
        Experiment(augmentation=[{"name": "mixup", "alpha": -1.0}])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of one's own modules; what was imported of it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(own, "_imported", {})
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def part_with(**sources: str) -> str:
    """Digest of `half` of the module `half_of_mine`, as a process has it that was started now."""
    for name, source in sources.items():
        path = Path(sys.path[0], *name.split("__")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, "utf-8")
    for name in {"half_of_mine", "my_settings", "my_pack", "my_pack.inner", "my_pack.words"} & set(sys.modules):
        del sys.modules[name]
    importlib.invalidate_caches()
    return own.digest(importlib.import_module("half_of_mine").half)


@pytest.mark.parametrize(
    "source",
    [
        "from my_settings import WIDTH\ndef half(): return WIDTH",
        "from my_settings import *\ndef half(): return WIDTH",
        "try:\n    from os import path; from my_settings import WIDTH\nexcept ImportError: WIDTH = 1\ndef half(): ...",
        "def half():\n    from my_settings import WIDTH\n    return WIDTH",
        "def half():\n    import sys, my_settings as settings\n    return settings.WIDTH",
        "from my_pack.inner import WIDTH\ndef half(): return WIDTH",
        "def half():\n    from my_pack import inner\n    return inner.WIDTH",
    ],
)
def test_a_constant_that_is_imported_counts(source: str, folder: Path) -> None:
    inner = "from . import words\nfrom my_settings import WIDTH"
    digests = [
        part_with(half_of_mine=source, my_settings=settings, my_pack____init__="", my_pack__inner=inner,
                  my_pack__words=word)
        for settings, word in [("WIDTH = 8", ""), ("WIDTH = 256", ""), ("WIDTH = 256", "edited = 1"), ("WIDTH = 8", "")]
    ]  # fmt: skip
    assert digests[0] == digests[3] != digests[1]
    assert (digests[1] != digests[2]) == ("my_pack" in source)


def test_a_default_that_is_changed_and_changed_back_loses_no_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ((augmentations.AUGMENTATIONS, "darken"), (optim.OPTIMIZERS, "nadam"), (optim.SCHEDULES, "half"))
    for registry, name in names:
        monkeypatch.setitem(registry, name, None)  # gone after the test
    out = folder / "out"

    def imported(source: str) -> None:
        monkeypatch.setattr(own, "_imported", {})
        part_with(half_of_mine=source)

    def trained() -> Run:
        return run_all(Experiment(model="cnn-small", train_size=500, epochs=1, augmentation="darken"), out, jobs=1)[0]

    imported(MINE)
    first = trained().key
    imported(MINE.replace("factor: float = 0.5", "factor: float = 0.6  # more"))
    assert results(out).empty
    said = capsys.readouterr()
    assert "Left out of the results, 1 run: augmentation 'darken' has changed" in said.out and said.err == ""
    assert trained().key != first
    assert len(results(out)) == 1
    imported(MINE)
    again = trained()
    assert (again.key, again.fresh) == (first, False)
    assert not list(out.rglob("*.damaged"))


def test_an_import_within_a_function_is_held_to_what_was_imported(folder: Path) -> None:
    source = "def half():\n    from my_settings import WIDTH\n    return WIDTH"
    first = part_with(half_of_mine=source, my_settings="WIDTH = 8")
    half = sys.modules["half_of_mine"].half
    (folder / "my_settings.py").write_text("WIDTH = 16", "utf-8")
    assert own.digest(half) != first, "nothing has imported it so far"
    assert half() == 16
    (folder / "my_settings.py").write_text("WIDTH = 256", "utf-8")
    with pytest.raises(UserError, match=r"my_settings.py was edited after it was imported here"):
        own.digest(half)


CELLS = """
import functools
from types import SimpleNamespace

WIDTH, SIZES, COLOURS = 16, {"one": [1, 2.5]}, {"red", "green", "blue", "grey"}
OPTIONS, half_of = SimpleNamespace(depth=3), functools.partial(max, 0.5)
unused = 1

class Base:
    share = 0.25
    @property
    def rate(self): return 0.125

class Block(Base):
    def __init__(self, a): self.a = a

@functools.cache
def head(a, more=7): return deeper(a)

def deeper(a): return a in {"b", "c", "d"} or (lambda: SIZES)

class Net:
    kind = "mine"
    def __init__(self): count(); self.layers = Block(WIDTH), head(WIDTH), half_of(OPTIONS.depth), COLOURS
    @staticmethod
    def unused(): return [LENGTH for _ in SIZES]

calls, LENGTH = 0, 9

def count():
    global calls
    calls += 1
"""


def cells(old: str = "", new: str = "") -> str:
    """Digest of a net of notebook cells, edited in one place."""
    assert old in CELLS
    notebook: dict[str, object] = {"__name__": "__main__"}
    exec(CELLS.replace(old, new), notebook)
    before = own.digest(notebook["Net"])
    notebook["Net"]()  # type: ignore[operator]
    assert own.digest(notebook["Net"]) == before, "what it counts itself is no part of it"
    return before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("WIDTH, SIZES, COLOURS = 16", "WIDTH, SIZES, COLOURS = 128"),
        ("2.5", "2.75"),
        ('"grey"', '"black"'),
        ("depth=3", "depth=4"),
        ("max, 0.5", "max, 0.75"),
        ("max, 0.5", "min, 0.5"),
        ("share = 0.25", "share = 0.5"),
        ("0.125", "0.25"),
        ("self.a = a", "self.a = -a"),
        ("more=7", "more=8"),
        ("return deeper(a)", "return deeper(-a)"),
        ('a in {"b", "c", "d"}', 'a in {"b", "c", "e"}'),
        ('kind = "mine"', 'kind = "yours"'),
        ("LENGTH = 0, 9", "LENGTH = 0, 10"),
    ],
)
def test_what_a_net_of_a_notebook_uses_counts(old: str, new: str) -> None:
    assert cells() == cells("unused = 1", "unused = 2") != cells(old, new)


@pytest.mark.parametrize(
    "value",
    [
        "argparse.Namespace(scale={})", "torch.nn.LeakyReLU({})", "[torch.nn.Dropout({} / 10)]", "Fraction({}, 7)",
        "deque([{}])", "bytearray({})", "Path('{}')", "operator.itemgetter({})", "[[[[[[[[[[{}]]]]]]]]]]",
        "pd.DataFrame([[{}] * 40] * 40)", "np.random.default_rng({})", "Slots({})", "Options({})",
        "pd.DataFrame([[0.1234567 + {} * 1e-12]])", "pd.Series([1, 2], [{}, 7])", "pd.Series([3, {}])", "PCA({})",
        "torch.distributions.Beta({}.0, 2.0)", "torch.tensor([1], dtype=torch.int{0}6 if {0} == 1 else torch.int32)",
        "transforms.Compose([transforms.Lambda(lambda x: x * {})])", "transforms.RandomPerspective({} / 10)",
        "torch.nn.CrossEntropyLoss(label_smoothing={} / 10)", "Scale({})", "defaultdict(lambda: {})", "Noted({})",
        "np.vectorize(lambda x: x + {})", "functools.partialmethod(max, {})", "re.compile('a{}')",
        "[itself := [{}], itself.append(itself)]",
    ],
)  # fmt: skip
def test_values_of_any_kind_count(value: str) -> None:
    head = """
import argparse, functools, operator, re
from collections import defaultdict, deque
from dataclasses import make_dataclass
from fractions import Fraction
from pathlib import Path
import numpy as np, pandas as pd, torch
from sklearn.decomposition import PCA
from torchvision import transforms
Options = make_dataclass("Options", ["size"])
Options.__module__ = "elsewhere"
class Slots:
    __slots__ = ("a",)
    def __init__(self, a): self.a = a
class Noted(dict):
    def __init__(self, a): self.a = a
class Scale(torch.nn.Module):
    def __init__(self, a): super().__init__(); self.a = a
"""
    digests = []
    for number in (1, 2, 1):
        notebook: dict[str, object] = {"__name__": "__main__"}
        exec(f"{head}A = {value.format(number)}\ndef f(): return A", notebook)
        digests.append(own.digest(notebook["f"]))
    assert digests[0] == digests[2] != digests[1]


AROUND = """
import functools
from typing import Annotated

from pydantic import AfterValidator, Field

from fmnist_utils.training.augmentations import Change

def scaled(f):
    @functools.wraps(f)
    def inner(*given): return f(*given) * 1
    return inner

class Meta(type):
    def part(kind): return 2

@functools.singledispatch
def chosen(value): return 3

@chosen.register
def _(value: int): return 4

def noted(): return noted.k
noted.k = 5

class Net(metaclass=Meta):
    @scaled
    def forward(self, a): return chosen(a) + noted() + self.held()
    held = functools.partialmethod(lambda self, a: a, 6)

def checked(value): return value + 0.125

class Dark(Change):
    name: str = "dark"
    made: float = Field(default_factory=lambda: 0.5)
    given: Annotated[float, AfterValidator(checked)] = 0.25
    _floor: float = 7.5
    def transform(self, images): return images * self._floor * Net().forward(1)
"""


def around(old: str = "", new: str = "") -> str:
    """Digest of an augmentation of notebook cells, edited in one place; Python finds their sources."""
    assert old in AROUND
    source, notebook = AROUND.replace(old, new), {"__name__": "__main__"}
    linecache.cache["<cells>"] = len(source), None, source.splitlines(keepends=True), "<cells>"
    exec(compile(source, "<cells>", "exec", dont_inherit=True), notebook)
    return own.digest(notebook["Dark"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("* 1", "* 50"), ("return 2", "return 3"), ("return 3", "return 2"), ("return 4", "return 5"),
        ("k = 5", "k = 6"), ("a, 6", "a, 7"), ("0.125", "0.375"), ("lambda: 0.5", "lambda: 0.05"),
        ("= 0.25", "= 0.75"), ("7.5", "0.05"),
    ],
)  # fmt: skip
def test_what_surrounds_a_part_counts(old: str, new: str) -> None:
    assert around() == around() != around(old, new)


def test_a_partial_of_functions_is_the_same_in_every_process() -> None:
    script = "import functools, sys\nfrom fmnist_utils.basics import own\nexec(sys.argv[1])\n"
    script += "print(own.digest(functools.partial(deeper, head, more=[head])))"
    command = [sys.executable, "-c", script]
    said = [subprocess.check_output([*command, CELLS], cwd=ROOT, text=True) for _ in range(2)]
    edited = subprocess.check_output([*command, CELLS.replace("more=7", "more=8")], cwd=ROOT, text=True)
    assert said[0] == said[1] != edited


def test_a_net_of_a_notebook_is_called_the_same_in_every_process() -> None:
    script = "from fmnist_utils.basics import own\nimport sys\nexec(sys.argv[1])\nprint(own.digest(Net))"
    command = [sys.executable, "-c", script, CELLS]
    digests = {
        subprocess.check_output(command, cwd=ROOT, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2", "3")
    }
    assert digests == {cells() + "\n"}


def test_own_files_that_a_notebook_takes_from_count(folder: Path) -> None:
    digests = set()
    for source in ("W = 1", "W = 2000"):
        (folder / "my_settings.py").write_text(source, "utf-8")
        sys.modules.pop("my_settings", None)
        importlib.invalidate_caches()
        notebook: dict[str, object] = {"__name__": "__main__"}
        exec("import my_settings\ndef f(): return my_settings.W", notebook)
        digests.add(own.digest(notebook["f"]))
    assert len(digests) == 2
