"""Reports and index in a real browser, made from a small series that is full of hostile names."""

from __future__ import annotations

import re
from pathlib import Path

import checks
import pytest
from sample_report import EVIL
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.parametrize("page", ["01_first.html", "02_second.html", "index.html"])
def test_pages_are_self_contained_accessible_and_fit_every_screen(browser: Chrome, series: Path, page: str) -> None:
    # An alert would make every further command fail.
    checks.assert_sound(browser, series / page)


def test_report_folds_code_links_its_contents_and_enlarges_figures(browser: Chrome, series: Path) -> None:
    checks.assert_report(browser, series / "01_first.html")


def test_markup_in_names_is_text_on_every_page(browser: Chrome, series: Path) -> None:
    expected = {"01_first.html": 8, "02_second.html": 1, "index.html": 3}
    for page, times in expected.items():
        checks.visit(browser, series / page)
        assert browser.find_element(By.TAG_NAME, "body").text.count("<script>alert(") >= times, page
        assert len(browser.find_elements(By.TAG_NAME, "script")) == 1


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        (0, [EVIL, "Ankle boot", "T-shirt/top", "Trouser"]),
        (1, ["9.8 % ± 0.2", "92.3 %", "100.0 %", "nan"]),
        (2, ["7", "20", "999", "1000"]),
        (3, ["98", "1,200", "12.5k", "1.1M"]),
        (4, ["9.4 s on cpu", "3 min 08 s", "3 min 20 s", "1 h 05 min on cpu"]),
        (5, ["−1.03 points", "−0.77 points", "0.00 points", "+0.02 points"]),
    ],
)
def test_a_click_sorts_by_value(browser: Chrome, series: Path, column: int, ascending: list[str]) -> None:
    checks.visit(browser, series / "01_first.html")
    table = browser.find_element(By.CSS_SELECTOR, "main table")
    head = table.find_elements(By.CSS_SELECTOR, "thead th")[column]
    button = head.find_element(By.TAG_NAME, "button")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert checks.column(table, column) == ascending
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    valued = [text for text in reversed(ascending) if text != "nan"]
    assert checks.column(table, column) == valued + ["nan"] * (len(ascending) - len(valued))  # no value: last both ways


def test_leaderboard_sorts(browser: Chrome, series: Path) -> None:
    checks.visit(browser, series / "index.html")
    heads = browser.find_elements(By.CSS_SELECTOR, "#leaderboard ~ .table thead th")
    position = [head.text.rstrip("↕ ") for head in heads].index("parameters")
    heads[position].find_element(By.TAG_NAME, "button").click()
    table = browser.find_element(By.CSS_SELECTOR, "#leaderboard ~ .table table")
    values = [int(text.replace(",", "")) for text in checks.column(table, position)]
    assert len(values) >= 2 and values == sorted(values)


def test_theme_follows_the_system_until_switched(browser: Chrome, series: Path) -> None:
    checks.visit(browser, series / "01_first.html", "dark")
    dark = checks.state(browser)
    checks.visit(browser, series / "01_first.html", "light")
    light = checks.state(browser)
    assert dark["ink"] != light["ink"] and dark["paper"] != light["paper"]
    button = browser.find_element(By.ID, "theme-switch")
    button.click()
    try:
        assert checks.state(browser) == dark
        assert button.accessible_name == "Light theme"
        checks.visit(browser, series / "01_first.html", "light")
        assert checks.state(browser) == dark  # it is remembered
        assert not checks.violations(browser)
    finally:
        browser.execute_script("localStorage.clear()")


def test_contents_are_folded_on_a_phone_and_open_beside_the_text(browser: Chrome, series: Path) -> None:
    for width, is_open in ((400, False), (1600, True)):
        checks.visit(browser, series / "01_first.html", width=width)
        fold = browser.find_element(By.CSS_SELECTOR, "nav.contents details")
        assert bool(fold.get_attribute("open")) == is_open


def test_a_number_stays_on_a_line_with_its_unit_and_its_margin(browser: Chrome, series: Path) -> None:
    texts = []
    for page in sorted(series.glob("*.html")):
        checks.visit(browser, page)
        texts += [element.get_attribute("textContent") for element in browser.find_elements(By.CSS_SELECTOR, "p, li")]
    assert any(re.search(r"\d\u00a0%", text) for text in texts)
    assert not [text for text in texts if re.search(r"\d %|\d points?\b|± \d", text)]


def test_without_scripts_all_text_is_there(browser: Chrome, series: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        checks.visit(browser, series / "01_first.html")
        buttons = browser.find_elements(By.TAG_NAME, "button")
        assert buttons and not any(button.is_displayed() for button in buttons)
        fold = browser.find_element(By.CSS_SELECTOR, "details.code")
        fold.find_element(By.TAG_NAME, "summary").click()
        assert fold.find_element(By.TAG_NAME, "pre").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
