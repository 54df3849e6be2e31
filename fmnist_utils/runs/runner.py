"""`run_all`: reads the runs that are stored, and trains those that are missing, or says what that would cost."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from fmnist_utils.basics.errors import Stopped, UserError, brief, together
from fmnist_utils.basics.system import (
    DRY_RUN_FILE,
    freed_memory_kept,
    from_root,
    is_dry_run,
    misplaced,
    sources,
    write_whole,
)
from fmnist_utils.basics.text import counted, duration
from fmnist_utils.runs.cost import Stopwatch, estimate, wall_seconds
from fmnist_utils.runs.datasets import data_of, forget_changed
from fmnist_utils.runs.resources import Resources
from fmnist_utils.runs.store import Store
from fmnist_utils.training.device import choose_device, choose_precision
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.progress import Board
from fmnist_utils.training.run import Run
from fmnist_utils.training.trainer import train

_trained: set[tuple[Path, str]] = set()  # folders and keys of what this process had trained
GIB = 2**30
MEMORY_A_RUN = 1.5 * GIB  # of a process that trains
GPU_MEMORY_A_RUN = 4 * GIB
RUNS_A_GPU = 4  # more of them only wait for each other
# Two processes take this many seconds to start, and save less where there is less to train.
WORTH_A_CLUSTER = 25.0


@dataclass(frozen=True)
class Wanted:
    """A run that is wanted.

    Attributes
    ----------
    experiment : what it is
    digests : of its own parts, by kind, as its key was made with them
    label : what it is called while it is trained
    """

    experiment: Experiment
    digests: dict[str, str]
    label: str


class DryRun(Exception):
    """Raised in place of training when DRY_RUN=1 asks for the cost alone; says what it would be."""

    def _render_traceback_(self) -> list[str]:
        return [f"DRY_RUN=1: {self}"]


def run_all(
    experiments: Iterable[Experiment] | Experiment,
    out: str = "reports/quick",
    device: str = "auto",
    scheduler: str | None = None,
    jobs: int | str | None = None,
    precision: str | None = None,
    retrain: bool | None = None,
    names: Sequence[str] | None = None,
) -> list[Run]:
    """Return the runs of `experiments`, in their order, training those that the store lacks.

    Parameters
    ----------
    experiments : what is wanted; equal ones are one run
    out : reports folder whose store is used
    device : "auto", "cuda", "cuda:1" and so on, "mps" or "cpu"
    scheduler : address of a Dask scheduler ("tcp://host:8786"); empty trains here
    jobs : runs to train side by side, in a process each, or "auto" for as many as pay
    precision : "auto", "fp32" or "bf16"; auto is bf16 where the device computes it natively
    retrain : train again what is stored; an old run is replaced when the new one is whole
    names : what to call each run while it is trained; None for its model and seed

    `scheduler`, `jobs`, `precision` and `retrain` are read from the environment variables SCHEDULER, JOBS, PRECISION
    and RETRAIN where they are None.

    Returns
    -------
    list of Run
        Every run is stored as soon as it is finished, so an interruption loses an epoch of those that are on
        their way at most.

    Raises
    ------
    UserError
        What is asked for is not possible, or trainings failed: why, a line each, when all others are finished.
    DryRun
        DRY_RUN=1, and something is missing: what training it would cost.
    Stopped
        The stop button, or Ctrl-C.
    """
    resources, device = Resources.of(precision, jobs, scheduler, retrain), str(device)  # (it may be torch's own)
    given: Any = experiments
    experiments = [given] if isinstance(given, Experiment) or not isinstance(given, Iterable) else list(given)
    if strange := [item for item in experiments if not isinstance(item, Experiment)]:
        raise UserError(f"run_all takes an Experiment, or a list of them, not {brief(strange[0])}")
    if names is not None and (isinstance(names, str) or not isinstance(names, Sequence)):
        raise UserError(f"names = {brief(names)} is no list: give one name for each experiment")
    labels = [item.label for item in experiments] if names is None else [str(name) for name in names]
    if len(labels) != len(experiments):
        raise UserError(
            f"run_all has {counted(len(labels), 'name')} for {counted(len(experiments), 'experiment')}: give one each"
        )
    if problem := misplaced(from_root(out), sources(), [(item.dataset, item.data_dir) for item in experiments]):
        raise UserError(problem)
    store = Store(out, resources.since)
    forget_changed(experiments)
    asked = [Wanted(item, item.digests, label) for item, label in zip(experiments, labels, strict=True)]
    # With the digests of that moment, since a part of a notebook may change, as soon as it is used, what it reads.
    keys = [item.experiment.key(data_of(item.experiment).checksum, digests=item.digests) for item in asked]
    wanted = dict[str, Wanted]()
    for key, item in zip(keys, asked, strict=True):
        wanted.setdefault(key, item)  # of equal ones the first
    found = {key: run for key in wanted if (run := store.load(key)) is not None}
    for key, run in found.items():
        run.check_classes(data_of(wanted[key].experiment))  # which are no part of its key
    missing = {key: item for key, item in wanted.items() if key not in found}
    print(f"{counted(len(wanted), 'run')}: {len(found)} in the store, {len(missing)} to train", flush=True)
    problems = list[Exception]()
    for item in missing.values():
        try:
            item.experiment.check_data(data_of(item.experiment))
        except UserError as error:
            problems.append(error)
    if problems:
        raise together(problems)  # before any of them is trained
    if missing and is_dry_run():
        cost = _rehearse(missing, store, device, resources)
        if file := os.environ.get(DRY_RUN_FILE):
            told = {"cost": cost, "experiments": [item.experiment.model_dump(mode="json") for item in missing.values()]}
            write_whole(Path(file), lambda path: path.write_text(json.dumps(told), "utf-8"))
        raise DryRun(cost)
    if missing:
        try:
            found.update(_train(missing, store, device, resources))
            _trained.update((store.folder, key) for key in missing)
        except KeyboardInterrupt:
            raise Stopped from None
    return [found[key] for key in keys]


def trained_here(run: Run) -> bool:
    """Whether this process had a run trained, though it may have been read from the store since."""
    return run.fresh or (run.folder is not None and (run.folder.parent, run.key) in _trained)


def side_by_side(jobs: int, n: int, device: torch.device, seconds: float) -> int:
    """Say how many of `n` runs to train at a time, each in a process of its own.

    Parameters
    ----------
    jobs : as many as the user wants; 0 for as many as pay
    n : runs to train
    device : where to
    seconds : that they take together, about, one after the other
    """
    cores, memory = _cores(), int(0.8 * psutil.virtual_memory().available // MEMORY_A_RUN)
    if jobs > cores:
        print(f"JOBS={jobs}: {counted(cores, 'run')} at a time, since there are as many CPU cores", flush=True)
    if jobs:
        return max(1, min(jobs, cores, n))
    if seconds < WORTH_A_CLUSTER or _script():
        return 1
    if device.type == "cuda":
        gpus = torch.cuda.device_count()
        fitting = min(torch.cuda.mem_get_info(gpu)[0] for gpu in range(gpus)) * 0.8 // GPU_MEMORY_A_RUN
        return max(1, min(gpus * min(RUNS_A_GPU, int(fitting)), cores, memory, n))
    # Apple's GPU gains nothing from two processes; torch's own number of threads leaves out hyper-threads.
    return max(1, min(torch.get_num_threads(), memory, n)) if device.type == "cpu" else 1


def _cores() -> int:
    """Count the CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _script() -> str:
    """Name the file that the program is, if a new process would run it again, from its top; else ""."""
    main = sys.modules["__main__"]
    return str(getattr(main, "__file__", None) or "") if getattr(main, "__spec__", None) is None else ""


def _check_script(jobs: int) -> None:
    """Raise UserError if new processes would run the program again from its top, and that would start more of them."""
    file = _script()
    if file == "<stdin>":
        raise UserError(f"jobs={jobs} starts processes that read the program again: give it as a file, or give jobs=1")
    if file and Path(file).is_file() and "__main__" not in Path(file).read_text("utf-8", errors="replace"):
        raise UserError(
            f"jobs={jobs} starts processes that read {file} again from its top: put what it does below "
            '`if __name__ == "__main__":`, or give jobs=1'
        )


def _threads(jobs: int) -> int:
    """CPU threads of each of `jobs` trainings side by side."""
    return max(1, torch.get_num_threads() // jobs)


def _costs(missing: dict[str, Wanted], store: Store) -> dict[str, float]:
    records = store.records()
    return {
        key: estimate(item.experiment, records, len(data_of(item.experiment).train_labels))
        for key, item in missing.items()
    }


def _rehearse(missing: dict[str, Wanted], store: Store, device: str, resources: Resources) -> str:
    """Print what each missing run would take on this machine, and return the sum in words."""
    where = choose_device(device)
    jobs = side_by_side(resources.jobs, len(missing), where, sum(_costs(missing, store).values()))
    stopwatch = Stopwatch(device, resources.precision, _threads(jobs), jobs)
    costs = []
    for key, item in missing.items():
        experiment = item.experiment
        costs.append(stopwatch.seconds(experiment, data_of(experiment)))
        begun = " (begun)" if store.checkpoint(key).exists() else ""
        images = f" of {experiment.train_size:,} images" if experiment.train_size else ""
        what = f"{experiment.label}, {counted(experiment.epochs, 'epoch')}{images} ({experiment.recipe})"
        print(f"{what}: about {duration(costs[-1])}{begun}", flush=True)
    how = f"{jobs} at a time, " if jobs > 1 else ""
    how += choose_precision(resources.precision, where)
    total = duration(wall_seconds(costs, jobs))
    return f"{counted(len(missing), 'run')} to train, about {total} on this machine ({how})"


def _train(missing: dict[str, Wanted], store: Store, device: str, resources: Resources) -> dict[str, Run]:
    """Train what is missing where `resources` say, and return it as it is stored."""
    costs = _costs(missing, store)
    if not resources.scheduler:
        jobs = side_by_side(resources.jobs, len(missing), choose_device(device), sum(costs.values()))
        if jobs == 1:
            with Board({key: item.label for key, item in missing.items()}, costs) as board:
                return _train_here(missing, board, store, device, resources.precision)
    from fmnist_utils.runs import cluster

    sums = {key: data_of(item.experiment).checksum for key, item in missing.items()}
    orders = [
        cluster.Order.of(key, missing[key], sums[key], store, device, resources.precision)
        for key in sorted(missing, key=lambda key: -costs[key])  # the longest first: none is left alone at the end
    ]
    if resources.scheduler:
        resources.check_scheduler()
        return cluster.train(orders, costs, store, resources.scheduler)
    _check_script(jobs)
    with cluster.local(jobs) as address:
        return cluster.train([order.on(_threads(jobs)) for order in orders], costs, store, address)


def _train_here(missing: dict[str, Wanted], board: Board, store: Store, device: str, precision: str) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    failures = list[Exception]()
    for key, item in missing.items():
        progress = board.runs[key]
        try:
            with freed_memory_kept(), store.training(key, progress.say):
                # Another process may have trained it while this one waited for the lock.
                if (run := store.load(key)) is None:
                    data, checkpoint = data_of(item.experiment), store.checkpoint(key)
                    run = train(item.experiment, data, device, checkpoint, precision, progress=progress)
                    run = store.save(run.called(key, item.digests))
                runs[key] = run
        except UserError as error:  # the other runs are still worth having: raised below
            failures.append(error)
            progress.failed()
            if isinstance(error.__cause__, OSError):
                break  # a full disk is full for the others, too
            continue
        progress.finished(runs[key].test_accuracy, runs[key].seconds)
    if failures:
        raise together(failures)
    return runs
