"""Report 06 in smoke, looked at in a real browser."""

from __future__ import annotations

from pathlib import Path

import checks
import pytest
from selenium.webdriver import Chrome
from smoke import NAMES, beside_published

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return beside_published(tmp_path_factory.mktemp("smoke"), *NAMES[5:6])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES[5:6])
def test_every_report_is_sound(browser: Chrome, smoke: Path, name: str) -> None:
    checks.assert_sound(browser, smoke / f"{name}.html")
    checks.assert_report(browser, smoke / f"{name}.html")
