"""How long a cell of the confusion matrix takes to open in Chromium: from the click to the painted pictures."""

from __future__ import annotations

import statistics
import tempfile

from benchmarks import chromium
from fmnist_utils.basics.system import ROOT

LIMIT = 100  # milliseconds
# Opens every cell once; a frame that was asked for after the click is painted when the next one begins.
OPEN = """
const done = arguments[0], frame = () => new Promise(requestAnimationFrame);
(async () => {
    const found = [];
    for (const button of document.querySelectorAll("button[data-true][data-predicted]")) {
        button.scrollIntoView({block: "center"});
        await frame(); await frame();
        const begin = performance.now();
        button.click();
        await frame(); await frame();
        found.push([performance.now() - begin, Number(button.dataset.count)]);
    }
    done(found);
})();
"""


def main() -> None:
    """Print the median and the longest time of each published page that has an explorer."""
    with tempfile.TemporaryDirectory() as profile:
        driver = chromium.start(profile, patience=300)
        print(f"Opening a cell of the confusion matrix in Chromium, click to paint (target {LIMIT} ms)")
        try:
            for page in sorted((ROOT / "reports" / "full").glob("0*.html")):
                driver.get(page.as_uri())
                if cells := driver.execute_async_script(OPEN):
                    times, most = [time for time, _ in cells], max(count for _, count in cells)
                    print(
                        f"  {page.name:32s} median {statistics.median(times):5.1f} ms, longest {max(times):5.1f} ms "
                        f"({len(cells)} cells of up to {most} images)"
                    )
        finally:
            driver.quit()
