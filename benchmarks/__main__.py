"""``python -m benchmarks [training throughput augmentation series peak step accuracy quick jobs reliability]``.

Without a name, the first five of them.
"""

from __future__ import annotations

import sys

from benchmarks import accuracy, augmentation, peak, reliability, series, step, throughput, training

PARTS = {
    "training": training.main,
    "throughput": throughput.main,
    "augmentation": augmentation.main,
    "series": series.main,
    "peak": peak.main,
    "step": step.main,
    "accuracy": accuracy.main,
    "quick": lambda: series.main(("quick",)),
    "jobs": series.jobs,
    "reliability": lambda: reliability.main([]),
}

if __name__ == "__main__":
    for name in sys.argv[1:] or ["training", "throughput", "augmentation", "series", "peak"]:
        if name not in PARTS:
            sys.exit(f"Error: unknown benchmark {name!r} (benchmarks: {', '.join(PARTS)})")
        PARTS[name]()
