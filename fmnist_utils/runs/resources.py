"""What a training may use: precision, number of runs side by side, a Dask cluster, runs stored before.

Nothing here is part of an experiment: it decides how long a run takes, not what it is.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from fmnist_utils.basics.errors import UserError, bare, brief, nearest
from fmnist_utils.training import PRECISIONS

ANSWER = 5.0  # seconds for a scheduler's machine to answer
PROTOCOLS = ("tcp", "tls", "inproc", "ucx", "ws", "wss")  # of Dask; of the first two it is asked whether one answers


@dataclass(frozen=True)
class Resources:
    """What trainings may use.

    Attributes
    ----------
    precision : "auto", "fp32" or "bf16"; auto is bf16 where the device computes it natively
    jobs : runs side by side; 0 for as many as pay ("auto")
    scheduler : address of a Dask scheduler, "tcp://host:8786"; "" trains on this machine
    since : a moment, in nanoseconds since 1970: what was stored before it is trained again
    """

    precision: str = "auto"
    jobs: int = 0
    scheduler: str = ""
    since: int = 0

    @classmethod
    def of(
        cls,
        precision: str | None = None,
        jobs: int | str | None = None,
        scheduler: str | None = None,
        retrain: bool | None = None,
    ) -> Resources:
        """Check what is asked for; None stands for the environment variables PRECISION, JOBS, SCHEDULER and RETRAIN.

        RETRAIN is 1 for now, or the moment at which whoever started this process was told 1.

        Raises
        ------
        UserError
            An unknown precision, a number of jobs that is neither "auto" nor a count, a RETRAIN that is no number.
        """
        precision = (os.environ.get("PRECISION", "") if precision is None else precision) or "auto"
        jobs = (os.environ.get("JOBS", "") if jobs is None else str(jobs)) or "auto"
        scheduler = os.environ.get("SCHEDULER", "") if scheduler is None else scheduler
        scheduler = getattr(scheduler, "scheduler_address", scheduler)  # of Dask's clusters
        if not isinstance(scheduler, str):
            raise UserError(f"SCHEDULER={brief(scheduler)} is no address: write tcp://host:8786")
        if precision not in PRECISIONS:
            hint = nearest(precision, PRECISIONS)
            raise UserError(f"PRECISION={bare(precision)} is unknown{hint} (allowed: {', '.join(PRECISIONS)})")
        again = (os.environ.get("RETRAIN", "") if retrain is None else str(retrain)) or "0"
        again = {"True": "1", "False": "0"}.get(again, again)
        if not (again.isascii() and again.isdigit() and len(again) < 20):
            raise UserError(f"RETRAIN={bare(again)} is not allowed: write 1 to train again what is stored, or 0")
        since = time.time_ns() if int(again) == 1 else int(again)
        if jobs == "auto":
            return cls(precision, 0, scheduler, since)
        if not (jobs.isascii() and jobs.isdigit() and len(jobs) < 10 and int(jobs) > 0):
            what = "write auto, or how many runs to train side by side, 1 or more"
            raise UserError(f"JOBS={bare(jobs)} is not allowed: {what}")
        return cls(precision, int(jobs), scheduler, since)

    def as_environment(self) -> dict[str, str]:
        """Environment variables that ask another process for the same."""
        return {
            "PRECISION": self.precision,
            "JOBS": str(self.jobs or "auto"),
            "SCHEDULER": self.scheduler,
            "RETRAIN": str(self.since),
        }

    def check_scheduler(self) -> None:
        """Raise UserError if no Dask scheduler answers where it is said to be; it has a moment to start."""
        if not self.scheduler:
            return
        where = f"SCHEDULER={bare(self.scheduler)}"
        try:
            place = urlsplit(self.scheduler if "://" in self.scheduler else f"tcp://{self.scheduler}")
            port = 8786 if place.port is None else place.port
            if place.scheme not in PROTOCOLS:
                raise ValueError(f"the protocol {brief(place.scheme, 30)} is none of {', '.join(PROTOCOLS)}")
            if not place.hostname or not port:
                raise ValueError(f"it names no {'port' if place.hostname else 'machine'}")
        except ValueError as error:
            raise UserError(f"{where} is no address ({bare(str(error))}): write tcp://host:8786") from None
        if place.scheme not in PROTOCOLS[:2]:
            return
        until = time.monotonic() + ANSWER
        while True:
            try:
                socket.create_connection((place.hostname, port), timeout=ANSWER).close()
            except (OSError, ValueError) as error:
                if isinstance(error, ConnectionRefusedError) and time.monotonic() < until:
                    time.sleep(0.2)
                    continue
                raise UserError(f"{where}: no Dask scheduler answers there ({error})") from error
            break
        if (found := _who_answers(self.scheduler)) != "Scheduler":
            raise UserError(f"{where}: no Dask scheduler answers there ({found})")


def _who_answers(address: str) -> str:
    """Ask whoever listens at an address, in Dask's language, what he is: "Scheduler", or why he is none."""
    from distributed import rpc
    from distributed.security import Security

    async def ask() -> str:
        async with rpc(address, timeout=ANSWER, connection_args=Security().get_connection_args("client")) as who:
            return str((await who.identity())["type"])

    try:
        # (A notebook's thread has a loop of its own, which another one may not be run in.)
        with ThreadPoolExecutor(1) as thread:
            kind = thread.submit(asyncio.run, asyncio.wait_for(ask(), ANSWER)).result()
    except Exception as error:  # what Dask says to another language, or to silence, is of many kinds
        said = bare(str(error), 100) if str(error) else f"no answer in {ANSWER:g} s"
        return f"whoever listens there does not speak Dask's language: {said}"
    return kind if kind == "Scheduler" else f"a Dask {kind.lower()} does"
