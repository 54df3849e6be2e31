"""Notebooks in a real JupyterLab: run from top to bottom without an error, with figures and progress bars."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait

from fmnist_utils.basics.system import ROOT

pytestmark = pytest.mark.browser
DATA, BASELINE = "01_data_exploration.ipynb", "02_baseline.ipynb"
FEW = {"epochs": "1", "seeds": "1", "train_size": "600", "linear_steps": "15"}  # parameters here, where declared
# Lab's "current widget" needs the focus, which a headless window does not have: take the open document itself.
WIDGET = "[...jupyterapp.shell.widgets('main')][0]"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a JupyterLab that serves copies of the notebooks, so that none is saved with its outputs."""
    folder = tmp_path_factory.mktemp("lab")
    for name in (DATA, BASELINE):
        notebook = json.loads((ROOT / "notebooks" / name).read_text("utf-8"))
        declared = "".join(notebook["cells"][1]["source"])
        for parameter, value in (FEW | {"out": f'"{folder}"'}).items():
            declared = re.sub(rf"(?m)^({parameter}: \w+(?: \| None)? = )\S+", rf"\g<1>{value}", declared)
        notebook["cells"][1]["source"] = declared
        (folder / name).write_text(json.dumps(notebook), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", "--expose-app-in-browser", "--ip=127.0.0.1"]
    command = [sys.executable, "-m", "jupyterlab", str(folder), f"--port={port}", *options]
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/api/status", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None, (folder / "lab.log").read_text()
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def cells(browser: Chrome) -> list[dict[str, Any]]:
    """Code cells of the open notebook, with their outputs."""
    content = browser.execute_script(f"return JSON.stringify({WIDGET}?.context?.model?.toJSON() ?? {{cells: []}})")
    return [cell for cell in json.loads(content)["cells"] if cell["cell_type"] == "code"]


def open_notebook(browser: Chrome, lab: str, name: str) -> WebDriverWait[Chrome]:
    """Open a notebook and wait for its kernel."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(f"{lab}/lab/tree/{name}?reset")
    wait = WebDriverWait(browser, 600)  # as long as 01 takes where other tests have the cores, twice
    wait.until(lambda _: browser.execute_script("return typeof jupyterapp !== 'undefined'"))
    wait.until(lambda _: cells(browser))
    kernel = f"{WIDGET}.sessionContext.session?.kernel?.status"
    wait.until(lambda _: browser.execute_script(f"return {kernel}") == "idle")
    browser.execute_script(f"jupyterapp.shell.activateById({WIDGET}.id)")
    return wait


def run_all_cells(browser: Chrome, wait: WebDriverWait[Chrome]) -> str:
    """Run the open notebook from top to bottom; no cell may fail. Returns all that its outputs hold, as JSON."""
    before = max(cell["execution_count"] or 0 for cell in cells(browser))
    browser.execute_script("jupyterapp.commands.execute('notebook:run-all-cells')")
    wait.until(lambda _: all((cell["execution_count"] or 0) > before for cell in cells(browser)))
    outputs = [output for cell in cells(browser) for output in cell["outputs"]]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    return json.dumps(outputs)


def test_notebook_runs_from_top_to_bottom(browser: Chrome, lab: str) -> None:
    wait = open_notebook(browser, lab, DATA)
    run_all_cells(browser, wait)
    figures = [
        i for i, cell in enumerate(cells(browser)) if any("image/png" in out.get("data", {}) for out in cell["outputs"])
    ]
    assert len(figures) >= 3
    # Lab keeps only what is on the screen in the page: bring the first figure there and look at it.
    browser.execute_script(
        f"const notebook = {WIDGET}.content;"
        "const place = notebook.widgets.findIndex(cell => cell.model.type === 'code'"
        "  && JSON.stringify(cell.model.toJSON()).includes('image/png'));"
        "notebook.activeCellIndex = place; notebook.scrollToItem(place, 'start');"
    )
    script = (
        "return [...document.querySelectorAll('.jp-OutputArea img')].some(i => i.naturalWidth > 300 && i.height > 50)"
    )
    wait.until(lambda _: browser.execute_script(script))


@pytest.mark.slow
def test_training_leaves_its_line_and_a_changed_parameter_trains_only_what_is_new(browser: Chrome, lab: str) -> None:
    wait = open_notebook(browser, lab, BASELINE)
    outputs = run_all_cells(browser, wait)
    assert "1 run: 0 in the store, 1 to train" in outputs
    assert re.search(r"seed 0.*: \d+\.\d\d % of the test images, [\d.]+ s", outputs), "no line of the run has stayed"
    browser.execute_script(
        f"const cell = {WIDGET}.content.widgets[1].model.sharedModel;"
        "cell.setSource(cell.getSource().replace('seeds: int = 1', 'seeds: int = 2'));"
    )
    outputs = run_all_cells(browser, wait)
    assert "2 runs: 1 in the store, 1 to train" in outputs
    assert "(2 seeds)" in outputs
