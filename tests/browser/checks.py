"""What must hold for every page, as functions of a browser and an address; `visit` comes first."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

AXE = Path(__file__).with_name("axe.min.js")  # axe-core, a test tool under the MPL-2.0: see its first lines


def visit(browser: Chrome, page: Path, theme: str = "light", width: int = 1200) -> None:
    """Open a page as a reader with this system theme and window width (CSS pixels) would."""
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get("about:blank")
    for kind in ("performance", "browser"):
        browser.get_log(kind)  # forget what other pages did
    browser.get(page.resolve().as_uri())


def requests(browser: Chrome, page: Path) -> list[str]:
    """Addresses that the browser asked for since `visit`, the page and embedded data aside."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert page.resolve().as_uri() in asked  # the log works
    return [url for url in asked if not url.startswith(("data:", page.resolve().as_uri()))]


def complaints(browser: Chrome) -> list[str]:
    """Errors and warnings on the browser's console since `visit`."""
    return [entry["message"] for entry in browser.get_log("browser")]


def violations(browser: Chrome) -> list[str]:
    """Run all rules of axe, best practices included, on the page as it now stands."""
    browser.execute_script(AXE.read_text("utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0], error => arguments[0](String(error)))")
    assert isinstance(found, dict) and len(found["passes"]) > 10, found
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def undescribed(browser: Chrome) -> list[str]:
    """Figures whose alternative text says nothing, or was not given by the notebook."""
    images = browser.find_elements(By.TAG_NAME, "img")
    alts = [(image.get_attribute("alt") or "").strip() for image in images]
    missing = browser.find_elements(By.CSS_SELECTOR, "[data-undescribed] img")
    return [alt for alt in alts if len(alt) < 15] + [str(image.get_attribute("alt")) for image in missing]


def overflow(browser: Chrome) -> int:
    """CSS pixels by which the page is wider than the window."""
    script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(browser.execute_script(script))


def dead_links(browser: Chrome, page: Path) -> list[str]:
    """Links within the page, or to files beside it, that lead nowhere."""
    hrefs = [str(link.get_dom_attribute("href")) for link in browser.find_elements(By.CSS_SELECTOR, "a[href]")]
    local = [href for href in hrefs if not href.startswith(("http:", "https:", "mailto:"))]
    here = [href for href in local if href.startswith("#") and not find(browser, href[1:])]
    return here + [href for href in local if not (href.startswith("#") or (page.parent / href.split("#")[0]).is_file())]


def find(browser: Chrome, identity: str) -> list[WebElement]:
    """Elements with this id, at most one in a sound page."""
    return browser.find_elements(By.ID, identity)


def pdf(browser: Chrome) -> bytes:
    """Print the page as the browser's print dialog would."""
    data = browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
    return base64.b64decode(data)


def column(table: WebElement, position: int) -> list[str]:
    """Texts of one column of a table's body."""
    rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
    return [row.find_elements(By.XPATH, "./*")[position].text for row in rows]


def press(browser: Chrome, key: str) -> None:
    """Press a key where the focus is."""
    browser.switch_to.active_element.send_keys(key)


def assert_closed(browser: Chrome, opener: WebElement) -> None:
    """No dialog is left and the focus is back; a browser says `close` a moment after the key, so this waits for it."""
    wait = WebDriverWait(browser, 10)
    wait.until(lambda _: not browser.find_elements(By.TAG_NAME, "dialog"), "the dialog stays open")
    wait.until(lambda _: browser.switch_to.active_element == opener, "the focus does not return")


def assert_sound(browser: Chrome, page: Path) -> None:
    """Everything that holds for reports and index alike, in both themes, from phone to wide screen."""
    for theme in ("light", "dark"):
        visit(browser, page, theme)
        assert requests(browser, page) == []
        assert violations(browser) == []
        assert complaints(browser) == []
    for width in (360, 400, 900, 1600):
        visit(browser, page, width=width)
        assert overflow(browser) <= 0, width
    assert undescribed(browser) == []
    assert dead_links(browser, page) == []
    assert len(pdf(browser)) > 10_000


def assert_report(browser: Chrome, page: Path) -> None:
    """What a report adds to `assert_sound`: folds, contents, figures, size."""
    visit(browser, page)
    assert page.stat().st_size <= 1.5e6
    switch = browser.find_element(By.ID, "code-switch")
    folds = browser.find_elements(By.CSS_SELECTOR, "details.code")
    assert folds and not any(fold.get_attribute("open") for fold in folds)
    switch.click()
    assert all(fold.get_attribute("open") for fold in folds)
    assert violations(browser) == []  # the code's colours, too
    switch.click()
    assert not any(fold.get_attribute("open") for fold in folds)
    entries = browser.find_elements(By.CSS_SELECTOR, "nav.contents a")
    assert len(entries) >= 2
    for entry in entries:
        entry.click()
        heading = find(browser, str(entry.get_dom_attribute("href"))[1:])[0]
        assert heading.text.removesuffix("#").split() == entry.text.split()
        assert 0 <= browser.execute_script("return arguments[0].getBoundingClientRect().top", heading) < 900
    for button in browser.find_elements(By.CSS_SELECTOR, "figure button")[:1]:
        alt = button.find_element(By.TAG_NAME, "img").get_attribute("alt")
        browser.execute_script("arguments[0].focus()", button)
        press(browser, Keys.ENTER)
        dialog = browser.find_element(By.CSS_SELECTOR, "dialog[open]")
        assert dialog.find_element(By.TAG_NAME, "p").text == alt
        assert violations(browser) == []
        press(browser, Keys.ESCAPE)
        assert_closed(browser, button)


def state(browser: Chrome) -> dict[str, Any]:
    """Colours that tell the themes apart."""
    script = "const s = getComputedStyle(document.body); return {ink: s.color, paper: s.backgroundColor}"
    return dict(browser.execute_script(script))
