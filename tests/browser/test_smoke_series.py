"""The six real notebooks, executed and rendered by the command that users run, in a real browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import checks
import pytest
from selenium.webdriver import Chrome

from fmnist_utils import results
from fmnist_utils.basics.system import ROOT

pytestmark = pytest.mark.browser
NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def reports(out: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", "smoke", "--out", str(out), *arguments]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-2000:]
    return process.stdout


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("smoke")
    reports(out)
    return out


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_sound(browser: Chrome, smoke: Path, name: str) -> None:
    checks.assert_sound(browser, smoke / f"{name}.html")
    checks.assert_report(browser, smoke / f"{name}.html")


def test_the_index_is_sound_and_has_an_answer_from_every_report(browser: Chrome, smoke: Path) -> None:
    checks.assert_sound(browser, smoke / "index.html")
    cards = browser.find_elements("css selector", ".card")
    assert len(cards) == len(NAMES) == 6
    assert all(len(card.find_elements("css selector", "img, .value")) == 2 for card in cards)


def test_a_second_call_executes_nothing(smoke: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*") if path.name != ".lock" and path.is_file()}
    said = reports(smoke)
    assert said.splitlines()[:6] == [f"{name}: unchanged" for name in NAMES]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_papermill_works_by_hand_and_finds_the_same_runs(smoke: Path, tmp_path: Path) -> None:
    runs, params = len(results(smoke)), "params/smoke/02_baseline.yaml"
    command = [sys.executable, "-m", "papermill", "notebooks/02_baseline.ipynb", str(tmp_path / "out.ipynb")]
    process = subprocess.run(
        [*command, "-f", params, "-p", "out", str(smoke)], capture_output=True, text=True, cwd=ROOT
    )
    assert process.returncode == 0, process.stderr
    assert "unknown parameter" not in process.stderr
    assert "2 in the store, 0 to train" in (tmp_path / "out.ipynb").read_text("utf-8")
    assert len(results(smoke)) == runs
