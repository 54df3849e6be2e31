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
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.system import ROOT

LONGEST = 300  # characters of an error
NOTEBOOK = "02"  # of the smoke profile: two trainings, a page, an index


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


def series(out: Path, jobs: str = "1") -> subprocess.Popen[str]:
    """Start the smoke series' second notebook in a folder of its own."""
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", "smoke", "--only", NOTEBOOK]
    clean = {name: value for name, value in os.environ.items() if name not in ("PROFILE", "ONLY", "OUT", "FORCE")}
    return subprocess.Popen(
        [*command, "--out", str(out), "--jobs", jobs], cwd=ROOT, env=clean, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


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


def kills(n: int, draw: random.Random) -> Iterator[Tally]:
    """Kill the series and all its processes at any moment, go on, and hold the end against an undisturbed one."""
    from fmnist_utils.report.verify import verify

    for jobs in ("1", "2"):
        tally = Tally(f"SIGKILL, {jobs} at a time")
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder, "whole")
            start = time.monotonic()
            said, err = series(whole, jobs).communicate()
            length, expected = time.monotonic() - start, finished(whole)
            if not expected:
                raise SystemExit(f"the undisturbed series failed: {said}{err}")
            attempt = 0
            out = Path(folder, "killed-0")
            for _ in range(n // 2):
                before = finished(out)
                process = series(out, jobs)
                try:
                    process.communicate(timeout=draw.uniform(0.05, length))
                except subprocess.TimeoutExpired:
                    for one in family(process):
                        with contextlib.suppress(psutil.NoSuchProcess):
                            one.kill()
                    process.communicate()
                lost = [name for name, content in before.items() if finished(out).get(name) != content]
                tally.add("killed", f"lost or changed: {lost}" if lost else "")
                if process.returncode == 0:  # it was faster than the kill: the next ones go into a new folder
                    attempt += 1
                    out = Path(folder, f"killed-{attempt}")
            for place in sorted(Path(folder).glob("killed-*")):
                process = series(place, jobs)
                said, err = process.communicate()
                found = verify(place)
                wrong = "other bits" if finished(place) != expected else "; ".join(found)
                wrong += f"status {process.returncode}: {said}{err}" if process.returncode else ""
                tally.add("carried to the end", wrong)
        yield tally


def interrupts(n: int, draw: random.Random) -> Iterator[Tally]:
    """Press Ctrl-C at any moment, half of the times in the first four seconds."""
    tally = Tally("Ctrl-C")
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        series(Path(folder, "whole")).communicate()
        length = time.monotonic() - start
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


def parameter_file(names: list[str], draw: random.Random) -> str:
    """Make a params file up: lines that are nearly right, or not at all."""
    lines = []
    for _ in range(draw.randint(0, 5)):
        name = draw.choice([*names, draw.choice(names)[:-1], "nothing", "<<", "1", "'a b'"])
        lines.append(f"{name}: {draw.choice(SCALARS)}")
    text = "\n".join(lines) + "\n"
    if draw.random() < 0.2:  # any character in any place
        place = draw.randrange(len(text))
        text = text[:place] + draw.choice("\0\t:{}[]&*!|>'\"%@`\ud7ff#,-?") + text[place + 1 :]
    return text


def parameters(n: int, draw: random.Random) -> Iterator[Tally]:
    """Check made-up params files and options against the six notebooks: right, or short lines, and soon."""
    from fmnist_utils.report import parameters as checked

    tally = Tally("parameter files")
    notebooks = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    checked.problems(notebooks[0], {"lr": 1.0, "device": "cpu"}, "")  # the first check imports torch
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(n):
            notebook = draw.choice(notebooks)
            text = parameter_file(list(checked.read(notebook)), draw)
            file, start = Path(folder, "made-up.yaml"), time.monotonic()
            file.write_text(text, "utf-8")
            try:
                lines = checked.problems(notebook, checked.load(file), "made-up.yaml")
            except UserError as error:
                lines = str(error).replace(folder, "").splitlines()
            except Exception as error:
                tally.add("raised", f"{type(error).__name__}: {str(error)[:100]} for {text!r:.300}")
                continue
            wrong = [line for line in lines if len(line) > LONGEST or not line.isprintable()]
            slow = time.monotonic() - start > 5
            tally.add(
                "refused" if lines else "right", f"{wrong} slow: {slow} for {text!r:.300}" if wrong or slow else ""
            )
    yield tally


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
        series(out).communicate()
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
