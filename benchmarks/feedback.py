"""How long a contributor waits for the tests of one topic, those that are marked slow left out."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from fmnist_utils.basics.system import ROOT
from fmnist_utils.basics.text import counted

LIMIT = 30  # seconds, of the whole command


def main() -> int:
    """Print the seconds that each test file takes, the slowest first; return how many are above `LIMIT`, or fail."""
    seconds: dict[str, float] = {}
    without, failed = list[str](), list[str]()
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        name, start = str(file.relative_to(ROOT)), time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "not slow", name], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED:
            without.append(name)
            continue
        seconds[name] = time.perf_counter() - start
        print(f"{name}: {seconds[name]:.1f} s", file=sys.stderr, flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout[-2000:], file=sys.stderr, flush=True)
    for name in sorted(seconds, key=lambda name: -seconds[name]):
        print(f"  {seconds[name]:6.1f} s  {name}")
    late = sum(taken > LIMIT for taken in seconds.values())
    print(f"  {counted(late, 'file')} of {len(seconds)} above {LIMIT} s; slow throughout: {', '.join(without)}")
    if failed:
        print(f"  with failures: {', '.join(failed)}")
    return late + len(failed)


if __name__ == "__main__":
    sys.exit(main())
