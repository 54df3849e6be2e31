"""A real Chromium for the pages, and the pages themselves, made once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sample_report
from selenium.webdriver import Chrome

from benchmarks import chromium
from fmnist_utils import Experiment, UserError, run_all
from fmnist_utils.report.html import render
from fmnist_utils.report.index import write_index

pytest.register_assert_rewrite("checks")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if os.environ.get("FMNIST_NO_BROWSER") == "1":
        pytest.skip("FMNIST_NO_BROWSER=1")
    try:
        driver = chromium.start(tmp_path_factory.mktemp("profile"))
    except UserError as error:
        pytest.fail(f"{error} (or set FMNIST_NO_BROWSER=1)", pytrace=False)
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
