"""The whole series from outside: seconds and peak memory of `reports`, the first time and with nothing changed."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from fmnist_utils.basics.system import ROOT

LIMITS = {"smoke": 180, "quick": 1200}  # seconds
UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0}


def timed(profile: str, out: str, *options: str) -> tuple[float, float]:
    """Run the series; return wall seconds and the peak memory of all its processes together in GiB."""
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", profile, "--out", out, *options]
    start, peak = time.perf_counter(), 0
    process = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, memory(process))
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"`reports --profile {profile}` failed with status {process.returncode}")
    return time.perf_counter() - start, peak / 2**30


def memory(process: psutil.Process) -> int:
    """Bytes that a process and all below it hold; a page that several share, as PyTorch's libraries, counts once."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            held = one.memory_full_info()
            total += getattr(held, "pss", held.uss)  # Linux knows each process's share
    return total


def training_seconds(out: str) -> float:
    """Sum the seconds that the stored runs were trained and, once at their end, evaluated for."""
    records = [json.loads(path.read_text("utf-8")) for path in Path(out).glob("runs/*/record.json")]
    return sum(record["seconds"] + record["provenance"]["evaluation_seconds"] for record in records)


def planned(profile: str, out: str, *options: str) -> float:
    """Sum the seconds that a dry run says the series' trainings take."""
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", profile, "--out", out, *options]
    done = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True)
    times = re.findall(r"runs? to train, about (.+?) on this machine", done.stdout)
    return sum(
        float(number) * UNITS[unit] for said in times for number, unit in re.findall(r"([\d.]+) (h|min|s)", said)
    )


def jobs(profile: str = "quick") -> None:
    """Print how long a profile takes by default, against one run at a time in fp32; each in a new folder."""
    ways = {"JOBS=1 PRECISION=fp32": ("--jobs", "1", "--precision", "fp32"), "JOBS=auto PRECISION=auto": ()}
    print(f"make reports PROFILE={profile}, when set up, with nothing in the store")
    seconds = []
    for way, options in ways.items():
        with tempfile.TemporaryDirectory() as out:
            plan = planned(profile, out, *options)
            taken, memory = timed(profile, out, *options)
        seconds.append(taken)
        print(f"  {way:25s} {taken:7.1f} s, peak memory {memory:.2f} GiB (target 4)", flush=True)
        print(f"  {'':25s} {plan:7.1f} s of training were planned, {plan / taken:.2f} of it (target 0.75 to 1.25)")
    print(f"  ratio {seconds[1] / seconds[0]:.2f} (target 0.6)")


def main(profiles: tuple[str, ...] = ("smoke",)) -> None:
    """Print the times of `profiles`, each in a new folder."""
    for profile in profiles:
        with tempfile.TemporaryDirectory() as out:
            first, memory = timed(profile, out)
            training = training_seconds(out)
            second, _ = timed(profile, out)
            print(f"make reports PROFILE={profile}, when set up")
            print(f"  first   {first:7.1f} s (target {LIMITS[profile]} s), peak memory {memory:.2f} GiB (target 4)")
            print(f"  second  {second:7.1f} s (target 5 s), nothing changed")
            print(
                f"  outside training {1 - training / first:.0%} of the first"
                + (" (target 15 %)" * (profile == "quick"))
            )


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("smoke",))
