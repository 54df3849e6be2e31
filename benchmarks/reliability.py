"""Attacks on the project, with a count of each: kills, Ctrl-C, parameter files, data sets, damaged files, full disks.

``make bench ARGS=reliability`` runs them all in moderate sizes; ``python -m benchmarks.reliability --help`` lists the
sizes and the parts. Whatever an attack brings to light is printed with all that is needed to repeat it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.system import ROOT

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

LONGEST = 300  # characters of an error
NOTEBOOK = "02"  # of the smoke profile: two trainings, a page, an index
# What the series writes while it trains a run, and then for readers.
RUN_FILES = ("checkpoint.pt", "weights.safetensors", "test.npz", "record.json")
PAGES = ("02_baseline.html", "02_baseline.ipynb", "results.csv", "index.html", ".fmnist-reports.json")


class Tally:
    """Counts outcomes of one attack; those that are failures are shown one by one."""

    def __init__(self, what: str) -> None:
        self.what, self.counts, self.failed = what, Counter[str](), 0

    def add(self, outcome: str, failure: str = "") -> None:
        """Count an outcome, and a failure if it is one."""
        self.counts[outcome] += 1
        if failure:
            self.failed += 1
            print(f"  FAILED, {outcome}: {failure}", flush=True)

    def show(self) -> int:
        """Print the counts; returns the number of failures."""
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.counts.items()))
        print(f"{self.what}: {self.counts.total()} in all: {told}; {self.failed} failures", flush=True)
        return self.failed


# --- processes that die ---


def series(out: Path, *options: str) -> subprocess.Popen[str]:
    """Start the smoke series' second notebook in a folder of its own; one training at a time if no option is given."""
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", "smoke", "--only", NOTEBOOK]
    clean = {name: value for name, value in os.environ.items() if name not in ("PROFILE", "ONLY", "OUT", "FORCE")}
    return subprocess.Popen(
        [*command, "--out", str(out), *(options or ("--jobs", "1"))], cwd=ROOT, env=clean, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def undisturbed(out: Path, *options: str) -> tuple[float, dict[str, bytes]]:
    """Let the series run to its end: how long it takes, and what it leaves (`finished`)."""
    start = time.monotonic()
    said, err = series(out, *options).communicate()
    if not (found := finished(out)):
        raise SystemExit(f"the undisturbed series failed: {said}{err}")
    return time.monotonic() - start, found


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """A process and all below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    return []


def finished(out: Path) -> dict[str, bytes]:
    """Weights and predictions of the finished runs below `out`, by their places."""
    folders = [path.parent for path in out.glob("runs/*/record.json")]
    files = [folder / name for folder in folders for name in ("weights.safetensors", "test.npz")]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def written(out: Path, name: str) -> set[tuple[str, int]]:
    """List the files below `out` of that name, or being written under it, with the times of their change."""
    found = set()
    with contextlib.suppress(FileNotFoundError):  # a folder or a file that was there a moment ago
        for path in out.rglob(f"{name}*"):
            found.add((str(path), path.stat().st_mtime_ns))
    return found


def await_moment(process: subprocess.Popen[str], seconds: float, out: Path, name: str = "") -> None:
    """Wait until a file of that name is being written below `out`, or so many seconds, or for the end."""
    before, until = written(out, name) if name else set(), time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until and not (name and written(out, name) != before):
        time.sleep(0.001)


def kills(n: int, draw: random.Random) -> Iterator[Tally]:
    """Kill the series, or a worker that trains for it, at any moment and at every kind of write: it ends the same."""
    third = n // 3
    yield killed_series(n - 2 * third, "1", draw)
    yield killed_series(third, "2", draw)
    yield killed_workers(third, draw)


def killed_series(n: int, jobs: str, draw: random.Random) -> Tally:
    """Kill all processes of the series again and again, go on, and hold the end against an undisturbed one."""
    tally = Tally(f"SIGKILL of all processes, {jobs} at a time")
    with tempfile.TemporaryDirectory() as folder:
        length, expected = undisturbed(Path(folder, "whole"), "--jobs", jobs)
        attempt = 0
        for number in range(n):
            out = Path(folder, f"killed-{attempt}")
            before, awaited = finished(out), draw.choice(RUN_FILES + PAGES) if number % 2 else ""
            process = series(out, "--jobs", jobs)
            await_moment(process, 2 * length if awaited else draw.uniform(0.05, length), out, awaited)
            if process.poll() is None:
                for one in family(process):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.kill()
            process.communicate()
            lost = [name for name, content in before.items() if finished(out).get(name) != content]
            how = f"killed at a write of {awaited}" if awaited else "killed at any moment"
            if process.returncode == 0:  # it was faster than the kill: the next ones go into a new folder
                attempt, how = attempt + 1, "finished before the kill"
            tally.add(how, f"lost or changed: {lost}" if lost else "")
        for place in sorted(Path(folder).glob("killed-*")):
            process = series(place, "--jobs", jobs)
            said, err = process.communicate()
            tally.add("folders carried to the end", what_is_wrong(place, expected, process.returncode, said + err))
    return tally


def what_is_wrong(out: Path, expected: dict[str, bytes], status: int, said: str) -> str:
    """Say how a series that was carried to its end differs from an undisturbed one; "" if it does not."""
    from fmnist_utils.report.verify import verify

    problems = ["other bits"] if finished(out) != expected else []
    return "; ".join([*problems, *verify(out), *([f"status {status}: {said}"] if status else [])])


def killed_workers(n: int, draw: random.Random) -> Tally:
    """Kill the Dask worker that trains for a series: another one takes over, and the series itself goes on."""
    tally = Tally("SIGKILL of a Dask worker of another process")
    port = free_port()
    to = f"tcp://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder, dask("scheduler", "--host", "127.0.0.1", "--port", port):
        with dask("worker", to, *ONE):
            length, expected = undisturbed(Path(folder, "whole"), "--scheduler", to)
        for number in range(n):
            out, awaited = Path(folder, str(number)), draw.choice(RUN_FILES) if number % 2 else ""
            with dask("worker", to, *ONE):
                process = series(out, "--scheduler", to)
                await_moment(process, 2 * length if awaited else draw.uniform(0.05, length), out, awaited)
            how = f"killed at a write of {awaited}" if awaited else "killed at any moment"
            how = how if process.poll() is None else "series was finished before the kill"
            with dask("worker", to, *ONE):
                said, err = process.communicate()
            tally.add(how, what_is_wrong(out, expected, process.returncode, said + err))
    return tally


ONE = ("--nthreads", "1", "--no-nanny")  # one process, which nothing starts again


@contextlib.contextmanager
def dask(*arguments: str) -> Iterator[None]:
    """Run a scheduler or a worker of Dask in a process of its own, and kill it at the end."""
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def free_port() -> str:
    """Name a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def interrupts(n: int, draw: random.Random) -> Iterator[Tally]:
    """Press Ctrl-C at any moment, half of the times in the first four seconds."""
    tally = Tally("Ctrl-C")
    with tempfile.TemporaryDirectory() as folder:
        length, _ = undisturbed(Path(folder, "whole"))
        slowest = 0.0
        for number in range(n):
            process = series(Path(folder, f"stopped-{number}"))
            moment = draw.uniform(0.5, 4.0 if number % 2 else length)  # Python itself starts first
            try:
                process.communicate(timeout=moment)
                tally.add("was finished before")
                continue
            except subprocess.TimeoutExpired:
                below = family(process)[1:]
            pressed = time.monotonic()
            process.send_signal(signal.SIGINT)
            try:
                _, err = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                tally.add("ignored", f"after {moment:.2f} s")
                continue
            if process.returncode == 0 and not err:  # all was done, and Python was about to end
                tally.add("was finished before")
                continue
            took = time.monotonic() - pressed
            slowest = max(slowest, took)
            lines = err.strip().splitlines()
            right = process.returncode == 130 and len(lines) == 1 and took < 5
            _, alive = psutil.wait_procs(below, timeout=10)
            said = f"status {process.returncode} after {took:.1f} s at {moment:.2f} s, {len(lines)} lines: {err[-300:]}"
            tally.add("stopped", "" if right and not alive else f"{said}; {len(alive)} processes left")
        tally.what += f" (the slowest stopped after {slowest:.1f} s)"
    yield tally


# --- what users write ---

SCALARS: tuple[str, ...] = (
    "1", "0", "-1", "3", "10", "0.5", "1e-3", "1.0e-3", ".nan", ".inf", "true", "null", "~", "yes", "''", "x", "base",
    "[]", "[1]", "[base]", "{}", "{a: 1}", "0b_", "0x_", "2020-13-45", "2020-01-01", "!!int abc", "!!float abc",
    "!!bool maybe", "!!binary aGk=", "!!timestamp x", "!!python/object/apply:os.system [false]", "&a [1]", "*a",
    "[[[[]]]]", '"\\0"', '"\\ud800"', "9" * 400, "9" * 5000, "0x" + "f" * 5000, "[" * 500 + "]" * 500, "flip",
    "[flip, translate]", "adam", "[adam]", "cosine", "cpu", "cpu:x", "cpu:-1", "cuda:99", "~nosuchuser/x", "reports/x",
    "é", "x" * 3000, "3000000000", "[all]", "[sprint]", "1:30", "1_000", "+.5", "-0", "=",
    "|\n  text", ">\n  text", "\t", "- 1", "? a",
)  # fmt: skip


# What the options of `reports` may say, some of it right; a parameter of the notebooks takes any value of theirs.
OPTIONS: dict[str, tuple[str, ...]] = {
    "profile": ("smoke", "quick", "full", "mine", "../smoke", ""),
    "only": ("02 05", "1,2", "06_error_analysis", "7", ""),
    "dataset": ("fashion-mnist", "MNIST", "nothing/there", "notebooks", ""),
    "data-dir": ("data", "nothing/there", "README.md"),
    "out": ("reports/made-up", "notebooks", "README.md", "/", "x" * 300),
    "jobs": ("auto", "2", "0", "-1", "1.5"),
    "precision": ("auto", "fp32", "bf16", "fp64"),
    "scheduler": ("", "tcp://127.0.0.1:1", "127.0.0.1", "tcp://:x"),
    "seeds": ("2", "1", "0", "101"),
}
FLAGS = ("force", "retrain", "dry-run")


def variable(option: str) -> str:
    """Name the environment variable that is an option's default."""
    return option.upper().replace("-", "_")


def value_texts(known: list[Any]) -> SearchStrategy[str]:
    """Make values up as YAML: known ones, those that once were trouble, nested ones of any kind, any text at all."""
    from hypothesis import strategies as st

    leaves = st.none() | st.booleans() | st.integers() | st.integers(0, 9) | st.floats() | st.text(max_size=20)
    nested = st.recursive(
        leaves, lambda items: st.lists(items, max_size=3) | st.dictionaries(st.text(max_size=5), items, max_size=3),
        max_leaves=6,
    )  # fmt: skip
    right = st.sampled_from(known).map(json.dumps)
    return right | right | st.sampled_from(SCALARS) | nested.map(json.dumps) | st.text()


def settings_of(notebook: Path) -> SearchStrategy[tuple[str, str]]:
    """Make names and values of a notebook's parameters up: nearly right names among them, and nobody's."""
    from hypothesis import strategies as st

    from fmnist_utils.report.parameters import read

    declared = read(notebook)
    names = st.sampled_from(list(declared))
    odd = names.map(lambda name: name[:-1]) | st.sampled_from(["nothing", "<<", "1", "'a b'", ""]) | st.text()
    values = value_texts([parameter.default for parameter in declared.values()])
    own = names.flatmap(lambda name: st.tuples(st.just(name), st.just(json.dumps(declared[name].default)) | values))
    return own | own | own | st.tuples(odd, values)


def params_files(notebook: Path) -> SearchStrategy[bytes]:
    """Make params files up: lines that are nearly right, or not at all; some with a byte changed."""
    from hypothesis import strategies as st

    lines = st.lists(settings_of(notebook).map(": ".join), max_size=5)
    whole = lines.map(lambda some: "".join(f"{line}\n" for line in some).encode("utf-8", "surrogatepass"))
    bent = st.builds(
        lambda content, place, byte: content[:place] + byte + content[place + 1 :],
        whole, st.integers(0, 100), st.binary(min_size=1, max_size=1),
    )  # fmt: skip
    return whole | whole | whole | bent | st.binary()


def command_lines(notebook: Path) -> SearchStrategy[tuple[list[str], dict[str, str]]]:
    """Make calls of `reports` up: its arguments, and what make passes in environment variables."""
    from hypothesis import strategies as st

    # What a process can be given: bytes without a NUL.
    words = st.binary(max_size=20).map(lambda content: os.fsdecode(content.replace(b"\0", b"")))
    values = words | value_texts(["auto"]).filter(lambda text: "\0" not in text)
    option = st.sampled_from(list(OPTIONS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(OPTIONS[name]) | values)
    )
    options = st.lists(option, max_size=2).map(dict)
    setting = settings_of(notebook).map("=".join).filter(lambda text: "\0" not in text)
    sets = st.lists(setting | setting | words, max_size=3)

    def call(
        given: dict[str, str], passed: dict[str, str], flags: set[str], sets: list[str], more: list[str], cut: int
    ) -> tuple[list[str], dict[str, str]]:
        arguments = [f"--{name}={value}" for name, value in ({"only": notebook.stem} | given).items()]
        arguments += [f"--{name}" for name in sorted(flags)]
        quoted = shlex.join(more)
        variables = {variable(name): value for name, value in passed.items()}
        variables["SET"] = quoted[: len(quoted) - cut]  # cut short, a quotation lacks its end
        return ["reports", *arguments, *(["--set", *sets] if sets else [])], variables

    return st.builds(call, options, options, st.sets(st.sampled_from(FLAGS), max_size=1), sets, sets, st.integers(0, 1))


def parameters(n: int, draw: random.Random) -> Iterator[Tally]:
    """Check params files and command lines of the six notebooks, made up by hypothesis: right, or short lines, soon."""
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    refusals_of_a_file(notebooks[0], b"lr: 1.0\ndevice: cpu\n")  # the first check imports torch
    attacks = (
        ("parameter files", n - n // 2, params_files, refusals_of_a_file),
        ("command lines", n // 2, command_lines, refusals_of_a_call),
    )
    for what, size, made_up, refusals in attacks:
        tally = Tally(f"{what}, made up by hypothesis")
        for notebook in notebooks:
            share = size // len(notebooks) + (notebooks.index(notebook) < size % len(notebooks))
            call_with_examples(
                partial(judge, tally, refusals, notebook), made_up(notebook), share, draw.getrandbits(64)
            )
        yield tally


def call_with_examples(attack: Callable[[Any], None], made_up: SearchStrategy[Any], n: int, number: int) -> None:
    """Call a function with `n` things that hypothesis makes up; `number` is their random seed."""
    from hypothesis import HealthCheck, Phase, given, seed, settings

    if n:
        checks, phases = list(HealthCheck), [Phase.generate]
        how = settings(max_examples=n, phases=phases, database=None, deadline=None, suppress_health_check=checks)
        seed(number)(how(given(made_up)(lambda case: attack(case))))()


def judge(tally: Tally, refusals: Callable[[Path, Any], list[str]], notebook: Path, case: Any) -> None:
    """Count whether what was made up is right or refused; a failure if it raises, takes long, or is told at length."""
    start, told = time.monotonic(), f"for {notebook.stem}: {case!r:.600}"
    try:
        lines = refusals(notebook, case)
    except Exception as error:
        tally.add("raised", f"{type(error).__name__}: {str(error)[:100]} {told}")
        return
    wrong = [line for line in lines if len(line) > LONGEST or not line.isprintable()]
    slow = time.monotonic() - start > 5
    tally.add("refused" if lines else "right", f"{wrong} slow: {slow} {told}" if wrong or slow else "")


def refusals_of_a_file(notebook: Path, content: bytes) -> list[str]:
    """What is wrong with a params file, a line each."""
    from fmnist_utils.report import parameters as checked

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "made-up.yaml")
        file.write_bytes(content)
        try:
            return checked.problems(notebook, checked.load(file), "made-up.yaml")
        except UserError as error:
            return str(error).replace(folder, "").splitlines()


def refusals_of_a_call(notebook: Path, call: tuple[list[str], dict[str, str]]) -> list[str]:
    """What the command line says to a call that it refuses, a line each; a right one ends where it would execute."""
    from unittest import mock

    from fmnist_utils import __main__ as cli
    from fmnist_utils.report import build

    arguments, variables = call
    names = {variable(name) for name in (*OPTIONS, *FLAGS, "set")}
    clean = {name: value for name, value in os.environ.items() if name not in names}
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {"PROFILE": "smoke", **clean, **variables}, clear=True),
        mock.patch.multiple(build, build=lambda *_: [], dry_run=lambda *_: []),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
    ):  # fmt: skip
        try:
            status = cli.main(arguments)
        except SystemExit as error:  # argparse shows the usage, and what it makes of the arguments
            assert error.code == 2
            return ["usage"]
    lines = err.getvalue().splitlines()
    assert (status, bool(lines)) in ((0, False), (2, True)), f"status {status}: {lines}"
    return lines


def picture(draw: random.Random) -> Any:
    """An image of any mode, size and ground."""
    from PIL import Image

    size = draw.choice([(28, 28), (2, 3), (3, 200), (64, 48)])
    numbers = np.random.default_rng(draw.randrange(2**31))
    mode = draw.choice(["L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "I;16", "I", "F"])
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        high = draw.choice({"I;16": [40_000, 65_535], "I": [255, 65_535], "F": [1, 255]}[mode])
        return Image.fromarray((numbers.random(size[::-1]) * high).astype(kind))
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = numbers.integers(0, 256, (*size[::-1], 4), dtype=np.uint8)
    if draw.random() < 0.005:
        pixels[:] = draw.choice([0, 255, 77])  # without contrast
    if mode in ("P", "1"):
        return Image.fromarray(pixels[..., 0]).convert(mode)
    bands = [Image.fromarray(np.ascontiguousarray(pixels[..., band])) for band in range(channels)]
    return bands[0] if channels == 1 else Image.merge(mode, bands)


def made_up_data(folder: Path, draw: random.Random) -> None:
    """Write a data set that may be right: class-named folders of images, or IDX files."""
    from fmnist_utils.data.locate import FILES

    if draw.random() < 0.35:
        n, classes = draw.choice([2, 10, 40, 40]), draw.choice([1, 2, 3, 10])
        for number, stem in enumerate(FILES):
            shape = (n, *draw.choice([(28, 28)] * 30 + [(32, 32)])) if number % 2 == 0 else (n,)
            values = np.random.default_rng(number).integers(
                0, 256 if number % 2 == 0 else classes, shape, dtype=np.uint8
            )
            head = bytes((0, 0, 8, values.ndim)) + b"".join(size.to_bytes(4, "big") for size in shape)
            content = head + values.tobytes()
            if draw.random() < 0.03:
                content = content[: draw.randrange(len(content))]
            if draw.random() > 0.01:
                (folder / stem).write_bytes(content)
        if draw.random() < 0.3:
            (folder / "classes.txt").write_bytes(draw.choice([b"a\nb\nc\n", b"", b"a\na\n", b"\xff\n\xfe\nc\n"]))
        return
    names = [b"a", b"=1+1", b"caf\xe9", b"{x}", b"<b>", "日本".encode(), b"a b"]
    names = draw.sample(names, draw.choice([1, 2, 2, 3, 3, 3, 3]))
    for part in draw.choice([("",)] * 5 + [("train", "test")] * 4 + [("train",)]):
        for name in names:
            place = os.fsencode(folder / part) + b"/" + name
            os.makedirs(place, exist_ok=True)
            for number in range(draw.choice([3, 4, 6] + [12] * 9 + [draw.choice([0, 1])])):
                image = picture(draw)
                suffix = "tif" if image.mode in ("I", "F", "CMYK") else "png"
                file = os.fsdecode(place + f"/{number}.{suffix}".encode())
                image.save(file)
                if draw.random() < 0.002:
                    Path(file).write_bytes(Path(file).read_bytes()[:40])


def data_sets(n: int, draw: random.Random) -> Iterator[Tally]:
    """Read made-up data sets and train on those that are taken: each is trained on, or refused in one line before."""
    from fmnist_utils import Experiment
    from fmnist_utils.data.dataset import load_dataset
    from fmnist_utils.training.trainer import train

    tally = Tally("data sets")
    for number in range(n):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            place = Path(folder, "data")
            place.mkdir()
            outcome, failure = "refused", ""
            try:
                made_up_data(place, draw)
                data = load_dataset(str(place))
                outcome = "trained on"
                recipe = Experiment(dataset=str(place), model="cnn-small", epochs=1, batch_size=8, schedule="one-cycle")
                run = train(recipe, data, "cpu")
                if not 0 <= run.test_accuracy <= 1 or not np.isfinite(run.test_probabilities).all():
                    failure = "no accuracy"
            except UserError as error:
                line = str(error).replace(folder, "")
                if outcome != "refused" or "\n" in line or len(line) > LONGEST:
                    failure = line
            except Exception as error:
                outcome, failure = "raised", f"{type(error).__name__}: {str(error)[:200]}"
        tally.add(outcome, failure and f"number {number}: {failure}")
    yield tally


# --- files that change ---


def shown(out: Path) -> list[Any]:
    """All that readers of a reports folder see: pages and index, the table of runs, the notebooks' outputs."""
    from fmnist_utils import results

    pages = {path.name: path.read_bytes() for path in sorted(out.glob("*.html"))}
    books = {path.name: json.loads(path.read_text("utf-8")) for path in sorted(out.glob("notebooks/*.ipynb"))}
    return [pages, books, results(out).to_csv()]


def damages(n: int, draw: random.Random) -> Iterator[Tally]:
    """Flip a bit of any stored file, cut it short or delete it: found by `verify`, or nobody sees a difference."""
    from fmnist_utils.report.verify import verify

    tally = Tally("damaged files")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        undisturbed(out)
        whole = shown(out)
        names = (".html", ".csv", ".ipynb", ".json", ".npz", ".safetensors")
        files = sorted(path for path in out.rglob("*") if path.suffix in names)
        for _ in range(n):
            copy = shutil.copytree(out, Path(folder, "copy"))
            path = copy / draw.choice(files).relative_to(out)
            content = bytearray(path.read_bytes())
            what = draw.choice(["flip", "flip", "cut", "delete"])
            if what == "flip":
                content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
            if what == "delete":
                path.unlink()
            else:
                path.write_bytes(content[: draw.randrange(len(content))] if what == "cut" else content)
            with contextlib.redirect_stderr(io.StringIO()):
                found = verify(copy)
                # What is not there misleads nobody, and is made again when it is wanted.
                harmless = what == "delete" or (not found and shown(copy) == whole)
            kind = path.suffix.lstrip(".")
            outcome = "found" if found else "harmless" if harmless else "missed"
            tally.add(f"{kind} {outcome}", f"{what} of {path.relative_to(copy)}" if outcome == "missed" else "")
            shutil.rmtree(copy)
    yield tally


def checkpoints(n: int, draw: random.Random) -> Iterator[Tally]:
    """Flip a bit of a checkpoint, or cut it short: it is never gone on from."""
    import torch

    from fmnist_utils import Experiment, load_dataset
    from fmnist_utils.training.trainer import read_checkpoint, train

    tally = Tally("damaged checkpoints")
    experiment = Experiment(model="cnn-small", train_size=200, epochs=1)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        path = Path(folder, "checkpoint.pt")
        with contextlib.redirect_stdout(io.StringIO()):
            train(experiment, load_dataset(), "cpu", path)
        content = path.read_bytes()
        for _ in range(n):
            changed = bytearray(content)
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
            path.write_bytes(changed[: draw.randrange(len(changed))] if draw.random() < 0.2 else changed)
            state = read_checkpoint(path, experiment, torch.device("cpu"))
            tally.add("put aside" if state is None else "believed", "" if state is None else "see above")
    yield tally


def disks(n: int, draw: random.Random) -> Iterator[Tally]:
    """Run the series where no file may grow beyond some size, as on a full disk, and then where there is room."""
    import resource

    tally = Tally("full disks (by a limit on the size of files)")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        for _ in range(n):
            limit = draw.choice([100, 2_000, 20_000, 60_000, 200_000])
            limited = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
            status, said = told(out, preexec_fn=limited)
            named = status in (1, 2) and str(out) in said and len(said.splitlines()) == 1
            tally.add("told in a line that names the file", "" if named else f"{limit}: {said}")
        process = series(out)
        _, err = process.communicate()
        tally.add("carried to the end when there was room", err if process.returncode else "")
    yield tally


@contextlib.contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """Mount a file system in memory that has this much room; only root may."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def told(out: Path, *options: str, through: tuple[str, ...] = (), **how: Any) -> tuple[int, str]:
    """Run the smoke series' second notebook; its status, and what it says of errors or else of the notebook."""
    series = ("-B", "-m", "fmnist_utils", "reports", "--profile", "smoke", "--only", NOTEBOOK, "--out", str(out))
    command = [*through, sys.executable, *series, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **how)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("Error", "FAILED"))]
    return done.returncode, "\n".join(lines or [line for line in done.stdout.splitlines() if line.startswith("02")])


def places(n: int, draw: random.Random) -> Iterator[Tally]:
    """Run the series on full file systems, without room for temporary files, under another clock and as another user.

    Only root may do so: it mounts small file systems, and becomes nobody.
    """
    if os.geteuid() != 0:
        print("places: left out, since only root may mount file systems and become another user")
        return
    tally = Tally("full file systems, full temporary folders, clocks set back, other users")
    for _ in range(n):
        with small_disk(f"{draw.choice([64, 256, 1024, 1536])}k") as disk:
            status, said = told(disk / "out")
            named = status in (1, 2) and str(disk) in said and len(said.splitlines()) == 1
            tally.add("full: told in a line that names the file", "" if named else said)
            subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
            status, said = told(disk / "out")
            before = finished(disk / "out")
            tally.add("full: carried to the end when there was room", said if status else "")
            for path in (disk / "out").rglob("*"):  # an hour ahead, as if the clock had been set back since
                os.utime(path, (time.time() + 3600,) * 2)
            status, said = told(disk / "out")
            tally.add("clock set back: nothing executed again", "" if said == "02_baseline: unchanged" else said)
            with small_disk("64k") as full:
                (full / "filler").write_bytes(bytes(64 * 1024))
                status, said = told(disk / "out", "--force", env={**os.environ, "TMPDIR": str(full)})
            same = status == 0 and finished(disk / "out") == before
            tally.add("no room for temporary files: executed in another folder", "" if same else said)
            nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
            status, said = told(disk / "out", through=nobody, env={**os.environ, "HOME": "/nonexistent"})
            refused = status == 2 and "Permission denied" in said and finished(disk / "out") == before
            tally.add("read-only as another user: told in a line", "" if refused else said)
    yield tally


PARTS: dict[str, tuple[Callable[[int, random.Random], Iterator[Tally]], int]] = {
    "parameters": (parameters, 200),
    "data": (data_sets, 60),
    "checkpoints": (checkpoints, 200),
    "damage": (damages, 200),
    "kills": (kills, 20),
    "interrupts": (interrupts, 20),
    "disks": (disks, 5),
    "places": (places, 3),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the attacks and print their counts; returns the number of failures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (0)")
    for name, (_, size) in PARTS.items():
        parser.add_argument(f"--{name}", type=int, default=size, metavar="N", help=f"how many ({size})")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"unknown part {', '.join(sorted(unknown))} (parts: {', '.join(PARTS)})")
    failures = 0
    for name in options.parts or PARTS:
        for tally in PARTS[name][0](getattr(options, name), random.Random(options.seed)):
            failures += tally.show()
    return failures


if __name__ == "__main__":
    sys.exit(min(main(), 1))
