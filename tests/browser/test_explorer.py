"""The confusion matrix of a report in a real browser: each number opens its images; class names are hostile."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import checks
import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from sample_report import EVIL
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from fmnist_utils import Dataset, Group, plots
from fmnist_utils.basics.system import PUBLISHED
from fmnist_utils.report.html import render
from fmnist_utils.runs.store import Store

pytestmark = pytest.mark.browser
HOSTILE = {2: EVIL, 4: "\"><img src=x onerror=alert('2')>", 6: "Shirt & \\ &quot;'"}
SHIRT, TSHIRT = 6, 0


@pytest.fixture(scope="module")
def named(data: Dataset) -> Dataset:
    """Fashion-MNIST with hostile names for some of its classes."""
    return replace(data, class_names=tuple(HOSTILE.get(i, name) for i, name in enumerate(data.class_names)))


@pytest.fixture(scope="module")
def group() -> Group:
    """Published runs: three seeds of one experiment."""
    store = Store(PUBLISHED)
    records = [record for record in store.records() if record["experiment"]["model"] == "base"]
    keys = {r["experiment"]["seed"]: r["key"] for r in records if len(r["history"]) == 6}
    runs = [store.load(keys[seed]) for seed in (0, 1, 2)]
    return Group(run for run in runs if run)


@pytest.fixture(scope="module")
def page(named: Dataset, group: Group, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with two matrices: of three seeds, and of one, turned."""
    InteractiveShell.instance()
    with capture_output() as captured:
        plots.mistakes(group.mistakes(named), f"Mistakes of {EVIL}")
        plots.mistakes(Group(group[:1]).mistakes(named), "One seed", turned=True)
    outputs = [new_output("display_data", data=shown.data, metadata=shown.metadata) for shown in captured.outputs]
    cells = [new_markdown_cell("# Which?\n\n## What is confused?\n\nThis."), new_code_cell("show()", outputs=outputs)]
    folder = tmp_path_factory.mktemp("explorer")
    nbformat.write(new_notebook(cells=cells), folder / "02_page.ipynb")
    render(folder / "02_page.ipynb", folder / "02_page.html")
    (folder / "index.html").touch()  # what the page links to
    return folder / "02_page.html"


def cells_of(group: Group, labels: np.ndarray) -> dict[tuple[int, int], set[int]]:
    """Images of each cell, counted one by one."""
    found: dict[tuple[int, int], set[int]] = {}
    for run in group:
        for image in np.flatnonzero(run.predictions != labels):
            found.setdefault((int(labels[image]), int(run.predictions[image])), set()).add(int(image))
    return found


def buttons(browser: Chrome, matrix: int = 0) -> dict[tuple[int, int], WebElement]:
    """Buttons of a matrix, by true and predicted class."""
    boxes = By.CSS_SELECTOR, ".explorer"
    WebDriverWait(browser, 30).until(lambda _: len(browser.find_elements(*boxes)) == 2)  # a busy machine reads on
    box = browser.find_elements(*boxes)[matrix]
    found = box.find_elements(By.CSS_SELECTOR, "button[data-count]")
    return {(number(button, "true"), number(button, "predicted")): button for button in found}


def number(element: WebElement, name: str) -> int:
    """The number in an attribute ``data-…``."""
    return int(str(element.get_dom_attribute(f"data-{name}")))


def click(browser: Chrome, button: WebElement) -> None:
    browser.execute_script("arguments[0].click()", button)


def panel(browser: Chrome) -> WebElement:
    """The one panel that is open."""
    (found,) = browser.find_elements(By.CSS_SELECTOR, "[data-explorer]:not([hidden])")
    assert found.is_displayed()
    return found


def shown(browser: Chrome) -> list[int]:
    """Images that the open panel shows."""
    script = (
        "return [...arguments[0].querySelectorAll('[data-image]')].filter(item => !item.hidden)"
        ".map(item => Number(item.dataset.image))"
    )
    return list(browser.execute_script(script, panel(browser)))


@pytest.mark.parametrize("matrix", [0, 1])
def test_every_button_opens_the_images_that_it_counts(
    browser: Chrome, page: Path, group: Group, named: Dataset, matrix: int
) -> None:
    expected = cells_of(Group(group[: 1 if matrix else 3]), named.test_labels.numpy())
    checks.visit(browser, page)
    found = buttons(browser, matrix)
    counted = {cell: number(button, "count") for cell, button in found.items()}
    assert counted == {cell: len(images) for cell, images in expected.items()}
    for cell in [*sorted(expected, key=lambda cell: -len(expected[cell]))[:3], min(expected)]:
        click(browser, found[cell])
        images = shown(browser)
        assert set(images) == expected[cell] and len(images) == len(expected[cell])
        assert found[cell].get_attribute("aria-expanded") == "true"
    opened = [b for b in found.values() if b.get_attribute("aria-expanded") == "true"]
    assert len(opened) == 1


def test_a_button_stands_where_its_classes_meet(browser: Chrome, page: Path, named: Dataset) -> None:
    checks.visit(browser, page)
    for matrix, turned in enumerate((False, True)):
        button = buttons(browser, matrix)[SHIRT, TSHIRT]
        place = (
            "const cell = arguments[0].closest('td'), table = cell.closest('table');"
            "return [cell.parentNode.cells[0].textContent, table.tHead.rows[0].cells[cell.cellIndex].textContent]"
        )
        names = [named.class_names[SHIRT], named.class_names[TSHIRT]]
        assert browser.execute_script(place, button) == (names[::-1] if turned else names)
        assert button.accessible_name == f"{names[0]} predicted as {names[1]}: {button.text} images"


def test_an_image_comes_with_what_every_seed_says_of_it(
    browser: Chrome, page: Path, group: Group, named: Dataset
) -> None:
    checks.visit(browser, page)
    click(browser, buttons(browser)[SHIRT, TSHIRT])
    items = panel(browser).find_elements(By.CSS_SELECTOR, "[data-image]")
    for item in (items[0], items[-1]):  # the last is described a moment later
        image = number(item, "image")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", item)
        WebDriverWait(browser, 10).until(lambda _, item=item: item.text)
        text = item.text.splitlines()
        assert text[0] == f"{image} {named.class_names[SHIRT]}"
        for run, line in zip(group, text[1:], strict=True):
            answer = run.predictions[image]
            confidence = round(100 * float(run.test_probabilities[image, answer]))
            assert line == f"seed {run.experiment.seed}: {named.class_names[answer]}, {confidence} %"
        picture = item.find_element(By.CSS_SELECTOR, ".shot").screenshot_as_png
        drawn = np.asarray(Image.open(io.BytesIO(picture)).convert("L").resize((28, 28), Image.Resampling.BOX), float)
        assert np.abs(255 - drawn - named.test_images[image].numpy()).mean() < 12


def test_the_keyboard_opens_enlarges_and_closes(browser: Chrome, page: Path, named: Dataset) -> None:
    checks.visit(browser, page)
    button = buttons(browser)[SHIRT, TSHIRT]
    browser.execute_script("arguments[0].focus()", button)
    checks.press(browser, Keys.ENTER)
    cell = f"{named.class_names[SHIRT]} predicted as {named.class_names[TSHIRT]}"
    title = f"{cell}: {number(button, 'count')} images"
    assert browser.switch_to.active_element.text == title  # a screen reader says what has opened
    assert panel(browser).accessible_name == title
    shot = panel(browser).find_element(By.CSS_SELECTOR, "[data-image] button")
    browser.execute_script("arguments[0].focus()", shot)
    assert shot.accessible_name == f"Enlarge image {shown(browser)[0]}"
    checks.press(browser, Keys.ENTER)
    dialog = browser.find_element(By.CSS_SELECTOR, "dialog[open]")
    assert dialog.text.splitlines()[-1].startswith(f"Image {shown(browser)[0]}, {named.class_names[SHIRT]}. seed 0: ")
    assert dialog.find_element(By.CSS_SELECTOR, ".shot").size["width"] >= 300
    assert checks.violations(browser) == []
    checks.press(browser, Keys.ESCAPE)
    checks.assert_closed(browser, shot)
    checks.press(browser, Keys.ESCAPE)
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-explorer]:not([hidden])")
    assert browser.switch_to.active_element == button
    assert button.get_attribute("aria-expanded") == "false"


def test_filters_show_what_they_say(browser: Chrome, page: Path, group: Group, named: Dataset) -> None:
    labels = named.test_labels.numpy()
    wrong = np.stack([run.predictions != labels for run in group])
    sure = np.stack([(100 * run.test_probabilities.max(1)).round() for run in group])
    as_tshirt = np.stack([run.predictions == TSHIRT for run in group])
    surest = np.where(as_tshirt, sure, 0).max(0)  # of those who say what the cell is about, whatever others are sure of
    cell = cells_of(group, labels)[SHIRT, TSHIRT]
    assert any(np.where(wrong, sure, 0).max(0)[image] > surest[image] for image in cell)
    checks.visit(browser, page)
    click(browser, buttons(browser)[SHIRT, TSHIRT])
    status = panel(browser).find_element(By.CSS_SELECTOR, "[role=status]")

    order = [surest[image] for image in shown(browser)]
    assert status.text == "The surest mistakes come first." and order == sorted(order, reverse=True)

    def choose(name: str, text: str) -> None:
        Select(panel(browser).find_element(By.NAME, name)).select_by_visible_text(text)

    choose("confidence", "70 % or more")
    expected = {image for image in cell if surest[image] >= 70}
    assert set(shown(browser)) == expected and 0 < len(expected) < len(cell)
    assert status.text == f"{len(expected)} of these are shown."
    choose("confidence", "below 50 %")
    assert set(shown(browser)) == {image for image in cell if surest[image] < 50}
    choose("confidence", "any")
    box = panel(browser).find_element(By.NAME, "all")
    box.click()
    always = {image for image in cell if wrong[:, image].all()}
    assert set(shown(browser)) == always and 0 < len(always) < len(cell)
    choose("predicted", "any")
    assert set(shown(browser)) == set(np.flatnonzero(wrong.all(0) & (labels == SHIRT)).tolist())
    title = panel(browser).find_element(By.CSS_SELECTOR, ".name")
    assert title.text.startswith(f"{named.class_names[SHIRT]} predicted as any other class: ")
    of_itself = Select(panel(browser).find_element(By.NAME, "predicted")).options[1 + SHIRT]
    assert of_itself.text == named.class_names[SHIRT] and not of_itself.is_enabled(), "no mistake"
    box.click()
    assert set(shown(browser)) == set(np.flatnonzero(wrong.any(0) & (labels == SHIRT)).tolist())
    choose("predicted", named.class_names[TSHIRT])
    choose("confidence", "90 % or more")
    click(browser, buttons(browser)[SHIRT, TSHIRT])  # a button opens all that it counts, whatever was filtered
    assert set(shown(browser)) == cell


def test_the_figure_stands_without_scripts_and_in_print(browser: Chrome, page: Path) -> None:
    def displayed() -> tuple[bool, bool, bool]:
        parts = ("figure img", ".matrix", "[data-explorer]")
        found = [browser.find_element(By.CSS_SELECTOR, f".explorer {part}").is_displayed() for part in parts]
        return found[0], found[1], found[2]

    checks.visit(browser, page)
    click(browser, buttons(browser)[SHIRT, TSHIRT])
    assert displayed() == (False, True, True)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert displayed() == (True, False, False)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        checks.visit(browser, page)
        assert displayed() == (True, False, False)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    alt = str(browser.find_element(By.CSS_SELECTOR, ".explorer img").get_attribute("alt"))
    assert "confusion matrix of 10 classes" in alt and EVIL in alt


@pytest.mark.slow
def test_the_page_is_sound_in_both_themes_with_a_cell_open(browser: Chrome, page: Path) -> None:
    checks.assert_sound(browser, page)  # an alert would make every further command fail
    assert page.stat().st_size < 1.5e6
    for theme in ("light", "dark"):
        for width in (400, 1440):
            checks.visit(browser, page, theme, width)
            for matrix in (0, 1):
                click(browser, buttons(browser, matrix)[SHIRT, TSHIRT])
            assert checks.violations(browser) == []
            assert checks.overflow(browser) <= 0
            assert checks.complaints(browser) == []
    assert checks.requests(browser, page) == []
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 1
    assert not browser.find_elements(By.CSS_SELECTOR, "[onerror]")
