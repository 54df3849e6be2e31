"""Takes the picture of README.md, docs/index.png: the published index, down to its last card, as Chromium shows it.

Run `python tools/picture.py` when the pages of reports/full were made anew; a test tells when its title is another.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, PngImagePlugin
from selenium import webdriver

from fmnist_utils.report.html import SERIES

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 1280  # CSS pixels
LAST_CARD = "return Math.round([...document.querySelectorAll('.card')].pop().getBoundingClientRect().bottom) + 32"
PAINTED = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"


def main() -> None:
    """Write docs/index.png, in 128 colours."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options) as browser:
        size = {"width": WIDTH, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get((ROOT / "reports" / "full" / "index.html").as_uri())
        size["height"] = browser.execute_script(LAST_CARD)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_async_script(PAINTED)
        picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB").quantize(128)
    title = PngImagePlugin.PngInfo()
    title.add_text("Title", SERIES)
    picture.save(ROOT / "docs" / "index.png", optimize=True, pnginfo=title)


if __name__ == "__main__":
    main()
