"""A real Chromium for the pages, and the pages themselves, made once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sample_report
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from fmnist_utils import Experiment, run_all
from fmnist_utils.report.html import render
from fmnist_utils.report.index import write_index

pytest.register_assert_rewrite("checks")
FLAGS = [
    *("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if os.environ.get("FMNIST_NO_BROWSER") == "1":
        pytest.skip("FMNIST_NO_BROWSER=1")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.fail("no browser: apt-get install chromium chromium-driver (or set FMNIST_NO_BROWSER=1)", pytrace=False)
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = Chrome(options, Service(chromedriver))
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reports folder with two reports, one that failed, one that never ran, and the index."""
    root = tmp_path_factory.mktemp("series")
    out = root / "reports"
    sample_report.make_series(out, root / "notebooks")
    tiny = Experiment(model="cnn-small", train_size=100, batch_size=50, epochs=1)
    run_all([tiny, tiny.but(seed=1), tiny.but(model="base")], out)
    links = [("01_first.html", "How good is a small net?"), ("02_second.html", "Second question")]
    render(out / "notebooks" / "01_first.ipynb", out / "01_first.html", None, links[1])
    render(out / "notebooks" / "02_second.ipynb", out / "02_second.html", links[0], None)
    write_index(out, root / "notebooks")
    return out
