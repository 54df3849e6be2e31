"""What is seen of trainings: a line an epoch in a log, bars where somebody watches, a line that stays after each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fmnist_utils import Experiment, UserError, cross_validate, run_all, run_groups
from fmnist_utils.basics.system import ROOT
from fmnist_utils.training.progress import Board, Log

TINY = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=2)
GROUPS = """
from fmnist_utils import Experiment, run_groups
plain = Experiment(model="cnn-mid", train_size=20000, batch_size=50, epochs=4)
run_groups({{"plain": plain, "erasing": plain.but(augmentation="erasing")}}, 1, {out!r})
"""
OUTCOME = r"\d+\.\d\d % of the test images, (\d+ min )?[\d.]+ s"


def finished(names: list[str]) -> list[str]:
    """Patterns of the lines that stay."""
    return [rf"{name} \({number} of {len(names)}\): {OUTCOME}" for number, name in enumerate(names, 1)]


def test_a_log_has_a_line_an_epoch_and_one_after_each_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_groups({"plain": TINY, "flipped": TINY.but(augmentation="flip")}, 1, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    first, second = finished(["plain, seed 0", "flipped, seed 0"])
    epoch = r"{} \({} of 2\): epoch {}/2, loss \d\.\d+, training \d+\.\d\d %, validation \d+\.\d\d %, [\d.]+ s"
    wanted = [
        "2 runs: 0 in the store, 2 to train",
        *(epoch.format("plain, seed 0", 1, number) for number in (1, 2)),
        first,
        r"1 of 2 runs done, about \d+ s left",
        *(epoch.format("flipped, seed 0", 2, number) for number in (1, 2)),
        second,
    ]
    assert len(lines) == len(wanted)
    assert [line for line, pattern in zip(lines, wanted, strict=True) if not re.fullmatch(pattern, line)] == []


def test_one_run_has_no_number_and_equal_ones_the_first_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_all([TINY, TINY], tmp_path, names=["first", "second"])
    assert re.fullmatch(rf"first: {OUTCOME}", capsys.readouterr().out.splitlines()[-1])
    run_all(TINY.but(seed=1), tmp_path)
    assert re.fullmatch(rf"cnn-small, seed 1: {OUTCOME}", capsys.readouterr().out.splitlines()[-1])
    with pytest.raises(UserError, match="run_all has 1 name for 2 experiments: give one each"):
        run_all([TINY, TINY.but(seed=1)], tmp_path, names=["first"])


def test_nothing_is_said_of_the_time_left_before_anything_has_begun(capsys: pytest.CaptureFixture[str]) -> None:
    with Board({"one": "one", "two": "two"}, {"one": 1.0, "two": 1.0}) as board:
        board.runs["one"].failed()
    assert capsys.readouterr().out.splitlines() == ["one (1 of 2): failed", "0 of 2 runs done, 1 failed"]


def test_bars_go_on_where_epochs_are_too_short_for_batches_to_be_told() -> None:
    class Watched(Log):
        live = True
        bars: list[str] = []

        def show(self, lines: list[str]) -> None:
            self.bars = lines

    board = Board({"one": "one"}, {"one": 1.0})
    board.screen = Watched()  # type: ignore[misc]
    run = board.runs["one"]
    run.begin(epochs=10, steps=5)
    board.drawn = 0.0  # the last look was long ago
    run.epoch({"epoch": 4, "train_loss": 0.5, "train_accuracy": 0.8, "validation_accuracy": None, "seconds": 0.1})
    assert board.screen.bars == ["one [########------------] loss 0.500, training 80.00 %"]


def test_folds_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cross_validate(TINY.but(epochs=1), 2, tmp_path)
    assert re.search(finished(["cnn-small, fold 1", "cnn-small, fold 2"])[1], capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_terminal_has_bars_that_go_and_lines_that_stay(tmp_path: Path, jobs: str) -> None:
    import termios

    ours, its = os.openpty()
    termios.tcsetwinsize(its, (30, 120))
    process = subprocess.Popen(
        [sys.executable, "-c", GROUPS.format(out=str(tmp_path))], cwd=ROOT, stdout=its, stderr=its,
        env={**os.environ, "JOBS": jobs, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    os.close(its)
    said = bytearray()

    def read() -> None:
        try:
            while part := os.read(ours, 65536):
                said.extend(part)
        except OSError:  # Linux says so of a terminal whose other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    assert process.wait(timeout=240) == 0, said.decode()
    reader.join()
    os.close(ours)
    text = said.decode()
    assert re.search(r"(plain|erasing), seed \d \(\d of 2\), about \d+ s left \[#*-*\]", text), "a bar for a run"
    assert re.search(r"[01] of 2 runs done, about \d+ s left \[#+-+\]", text), "one for all"
    lines = [line.strip() for line in on_the_screen(text)]
    kept = [line for line in lines if re.fullmatch(rf"(plain|erasing), seed \d \(\d of 2\): {OUTCOME}", line)]
    assert len(set(kept)) == 2
    assert not [line for line in lines if "left" in line], "bars are gone in the end"


def on_the_screen(text: str) -> list[str]:
    """Lines that a terminal shows in the end, of what was written to it."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[A|\x1b\[[\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\x1b[A":
            row = max(0, row - 1)
        elif part == "\r":
            column = 0
        elif part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif not part.startswith("\x1b"):
            before = lines[row].ljust(column)
            lines[row] = before[:column] + part + before[column + len(part) :]
            column += len(part)
    return lines


@pytest.mark.slow
def test_a_cell_of_jupyterlab_has_one_output_which_ends_as_a_line_a_run(tmp_path: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    variables = {**os.environ, "JPY_SESSION_NAME": "a.ipynb", "JOBS": "1"}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT), env=variables)
    shown: list[dict[str, Any]] = []
    try:
        reply = client.execute_interactive(
            GROUPS.format(out=str(tmp_path)), timeout=240, output_hook=lambda message: shown.append(message)
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok", shown[-1]
    drawn = [message for message in shown if message["msg_type"].endswith("display_data")]
    assert {message["content"]["transient"]["display_id"] for message in drawn} == {
        drawn[0]["content"]["transient"]["display_id"]
    }
    assert [message["msg_type"] for message in drawn].count("display_data") == 1
    texts = [message["content"]["data"]["text/plain"] for message in drawn]
    assert any(re.search(r"plain, seed 0 \(1 of 2\), about \d+ s left \[#+-*\] loss", text) for text in texts)
    last = texts[-1].splitlines()
    wanted = finished(["plain, seed 0", "erasing, seed 0"])
    assert len(last) == 2
    assert [line for line, pattern in zip(last, wanted, strict=True) if not re.fullmatch(pattern, line)] == []
