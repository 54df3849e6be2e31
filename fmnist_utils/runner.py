"""Getting runs: read what the store has, train what it lacks, here or on a Dask cluster."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from fmnist_utils.cost import estimate
from fmnist_utils.data import Dataset, load_dataset
from fmnist_utils.errors import UserError
from fmnist_utils.experiment import Experiment
from fmnist_utils.progress import counted, duration
from fmnist_utils.run import Run
from fmnist_utils.store import Store
from fmnist_utils.train import train

_dataset = lru_cache(maxsize=4)(load_dataset)
# Training seeds the process's random state, so a worker with several threads takes one run at a time.
_ONE_AT_A_TIME = threading.Lock()


class Planned(Exception):
    """Raised in place of training when DRY_RUN=1 asks for the plan alone; says what it would cost."""


def run_all(
    experiments: Iterable[Experiment], out: str = "reports/quick", device: str = "auto", scheduler: str | None = None
) -> list[Run]:
    """Return the runs of `experiments`, in their order, training those that the store lacks.

    Parameters
    ----------
    experiments : what is wanted; equal ones are one run
    out : reports folder whose store is used
    device : "auto", "cuda", "mps" or "cpu"
    scheduler : address of a Dask scheduler ("tcp://host:8786"); None reads the environment variable
        SCHEDULER; empty trains here

    Returns
    -------
    list of Run
        Every finished run is stored before the next begins, so an interruption loses one epoch at most.
    """
    experiments, store = list(experiments), Store(out)
    keys = [experiment.key(_data(experiment).checksum) for experiment in experiments]
    wanted = dict(zip(keys, experiments, strict=True))
    found = {key: run for key in wanted if (run := store.load(key)) is not None}
    missing = {key: experiment for key, experiment in wanted.items() if key not in found}
    print(f"{counted(len(wanted), 'run')}: {len(found)} in the store, {len(missing)} to train", flush=True)
    if missing and os.environ.get("DRY_RUN", "") not in ("", "0"):
        raise Planned(_plan(missing, store))
    address = os.environ.get("SCHEDULER", "") if scheduler is None else scheduler
    if missing:
        trained = _train_on_cluster(missing, store, address) if address else _train_here(missing, store, device)
        found.update(trained)
    return [found[key] for key in keys]


def _plan(missing: dict[str, Experiment], store: Store) -> str:
    """Print what each missing run is estimated to cost, and return the sum in words."""
    records = store.records()
    total = 0.0
    for key, experiment in missing.items():
        cost = estimate(experiment, records, len(_data(experiment).train_labels))
        total += cost
        begun = " (begun)" if store.checkpoint(key).exists() else ""
        images = f" of {experiment.train_size:,} images" if experiment.train_size else ""
        said = f"{experiment.label}, {experiment.epochs} epochs{images} ({experiment.recipe})"
        print(f"{said}: about {duration(cost)}{begun}", flush=True)
    return f"{counted(len(missing), 'run')} to train, about {duration(total)} on two CPU cores"


def _data(experiment: Experiment) -> Dataset:
    return _dataset(experiment.dataset, experiment.data_dir)


def _train_here(missing: dict[str, Experiment], store: Store, device: str) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    for key, experiment in missing.items():
        with store.lock(key):
            # Another process may have trained it while this one waited for the lock.
            run = store.load(key)
            runs[key] = run or store.save(train(experiment, _data(experiment), device, store.checkpoint(key)))
    return runs


def _train_on_worker(experiment: Experiment, checksum: str) -> Run:
    """Train on a Dask worker, which finds the data in its own usual places."""
    data = _data(experiment)
    if data.checksum != checksum:
        raise UserError(f"the worker's data set at {data.source} is not the caller's: give both the same files")
    with _ONE_AT_A_TIME:
        return train(experiment, data)


def _train_on_cluster(missing: dict[str, Experiment], store: Store, address: str) -> dict[str, Run]:
    from dask.distributed import Client, as_completed

    runs: dict[str, Run] = {}
    failures: list[Exception] = []
    try:
        client = Client(address, timeout="20s")
    except (OSError, ValueError) as error:
        raise UserError(f"SCHEDULER={address}: no Dask scheduler answers there ({error})") from error
    with client, contextlib.ExitStack() as locks:
        futures: dict[Any, str] = {}
        for key, experiment in missing.items():
            locks.enter_context(store.lock(key))
            run = store.load(key)
            if run is not None:
                runs[key] = run
                continue
            futures[client.submit(_train_on_worker, experiment, _data(experiment).checksum, pure=False)] = key
        for future in as_completed(futures):
            key = futures[future]
            try:
                runs[key] = store.save(future.result())
            except Exception as error:  # the other runs are still worth having: raised below
                failures.append(error)
                continue
            print(f"{missing[key].label}: {runs[key].test_accuracy:.2%} on the test set", flush=True)
    if failures:
        raise failures[0]
    return runs
