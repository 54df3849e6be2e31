"""Reports 05 and 06 in smoke, looked at in a real browser."""

from __future__ import annotations

from pathlib import Path

import checks
import pytest
from selenium.webdriver import Chrome
from smoke import NAMES, reports

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("smoke")
    reports(out, "--only", "05 06")
    return out


@pytest.mark.parametrize("name", NAMES[4:6])
def test_every_report_is_sound(browser: Chrome, smoke: Path, name: str) -> None:
    checks.assert_sound(browser, smoke / f"{name}.html")
    checks.assert_report(browser, smoke / f"{name}.html")
