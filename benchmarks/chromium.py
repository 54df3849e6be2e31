"""Starts a Chromium without a window, which the tests of pages and the explorer's benchmark drive."""

from __future__ import annotations

import shutil
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from fmnist_utils.basics.errors import UserError

FLAGS = [
    *("headless", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
]


def start(profile: Path | str, patience: float = 120) -> Chrome:
    """Start Chromium; whoever calls it ends it with `quit()`.

    Parameters
    ----------
    profile : an empty folder for what the browser keeps
    patience : seconds that a script of a page may take

    Raises
    ------
    UserError
        There is no Chromium, or no driver of it.
    """
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not (chromium and driver):
        raise UserError("no browser: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"user-data-dir={profile}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = Chrome(options, Service(driver))
    browser.set_script_timeout(patience)
    return browser
