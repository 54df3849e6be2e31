"""Reports 01 and 02, a second call, and papermill by hand in smoke, looked at in a real browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import checks
import pytest
from selenium.webdriver import Chrome
from smoke import NAMES, beside_published, reports

from fmnist_utils import results
from fmnist_utils.basics.system import PUBLISHED, ROOT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return beside_published(tmp_path_factory.mktemp("smoke"), *NAMES[0:2])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[0:2])
def test_every_report_is_sound(browser: Chrome, smoke: Path, name: str) -> None:
    checks.assert_sound(browser, smoke / f"{name}.html")
    checks.assert_report(browser, smoke / f"{name}.html")


def test_the_index_is_sound_and_has_an_answer_from_every_report(browser: Chrome, smoke: Path) -> None:
    checks.assert_sound(browser, smoke / "index.html")
    cards = browser.find_elements("css selector", ".card")
    assert [len(card.find_elements("css selector", "img, .value")) for card in cards] == [2, 2, 0, 0, 0, 0]
    browser.get((ROOT / PUBLISHED / "index.html").as_uri())
    cards = browser.find_elements("css selector", ".card")
    assert [len(card.find_elements("css selector", "img, .value")) for card in cards] == [2] * 6


def test_a_second_call_executes_nothing(smoke: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in smoke.rglob("*") if path.name != ".lock" and path.is_file()}
    said = reports(smoke, "--only", "01 02")
    assert said.splitlines()[:2] == [f"{name}: unchanged" for name in NAMES[:2]]
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
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
