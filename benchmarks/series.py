"""The whole series from outside: seconds and peak memory of `reports`, the first time and with nothing changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fmnist_utils.system import ROOT

LIMITS = {"smoke": 180, "quick": 1200}  # seconds


def timed(profile: str, out: str) -> tuple[float, float]:
    """Run the series; return wall seconds and the peak memory of its largest process in GiB."""
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", profile, "--out", out]
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"`reports --profile {profile}` failed with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 2**20


def training_seconds(out: str) -> float:
    """Sum the seconds that the stored runs were trained and, once at their end, evaluated for."""
    records = [json.loads(path.read_text("utf-8")) for path in Path(out).glob("runs/*/record.json")]
    return sum(record["seconds"] + record["provenance"]["evaluation_seconds"] for record in records)


def main(profiles: tuple[str, ...] = ("smoke",)) -> None:
    """Print the times of `profiles`, each in a new folder."""
    for profile in profiles:
        with tempfile.TemporaryDirectory() as out:
            first, memory = timed(profile, out)
            training = training_seconds(out)
            second, _ = timed(profile, out)
            print(f"make reports PROFILE={profile}, when set up")
            print(f"  first   {first:7.1f} s (target {LIMITS[profile]} s), peak memory {memory:.2f} GiB (target 3)")
            print(f"  second  {second:7.1f} s (target 5 s), nothing changed")
            print(
                f"  outside training {1 - training / first:.0%} of the first"
                + (" (target 15 %)" * (profile == "quick"))
            )


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("smoke",))
