"""``python -m benchmarks [training augmentation series quick]``: all but the long ones by default."""

from __future__ import annotations

import sys

from benchmarks import augmentation, series, training

PARTS = {
    "training": training.main,
    "augmentation": augmentation.main,
    "series": series.main,
    "quick": lambda: series.main(("quick",)),
}

if __name__ == "__main__":
    for name in sys.argv[1:] or ["training", "augmentation", "series"]:
        if name not in PARTS:
            sys.exit(f"Error: unknown benchmark {name!r} (benchmarks: {', '.join(PARTS)})")
        PARTS[name]()
