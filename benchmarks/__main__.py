"""``python -m benchmarks [NAME ...]``: the names are those of `PARTS`; without one, the first five of them."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import accuracy, augmentation, explorer, feedback, peak, reliability, series, step, throughput, training

PARTS: dict[str, Callable[[], int | None]] = {  # those that can fail return how often
    "training": training.main,
    "throughput": throughput.main,
    "augmentation": augmentation.main,
    "series": series.main,
    "peak": peak.main,
    "step": step.main,
    "accuracy": accuracy.main,
    "quick": lambda: series.main(("quick",)),
    "jobs": series.jobs,
    "explorer": explorer.main,
    "feedback": feedback.main,
    "reliability": lambda: reliability.main([]),
}

if __name__ == "__main__":
    failed = 0
    for name in sys.argv[1:] or ["training", "throughput", "augmentation", "series", "peak"]:
        if name not in PARTS:
            sys.exit(f"Error: unknown benchmark {name!r} (benchmarks: {', '.join(PARTS)})")
        failed += PARTS[name]() or 0
    sys.exit(min(failed, 1))
