"""What a training may use: precision, number of runs side by side, a Dask cluster; asked for and checked.

Nothing here is part of an experiment: it decides how long a run takes, not what it is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from fmnist_utils.basics.errors import UserError, nearest
from fmnist_utils.training import PRECISIONS


@dataclass(frozen=True)
class Resources:
    """What trainings may use.

    Attributes
    ----------
    precision : "auto", "fp32" or "bf16"; auto is bf16 where the device computes it natively
    jobs : runs side by side; 0 for as many as pay ("auto")
    scheduler : address of a Dask scheduler, "tcp://host:8786"; "" trains on this machine
    """

    precision: str = "auto"
    jobs: int = 0
    scheduler: str = ""

    @classmethod
    def of(cls, precision: str | None = None, jobs: int | str | None = None, scheduler: str | None = None) -> Resources:
        """Check what is asked for; None stands for the environment variables PRECISION, JOBS and SCHEDULER.

        Raises
        ------
        UserError
            An unknown precision, or a number of jobs that is neither "auto" nor a count.
        """
        precision = (os.environ.get("PRECISION", "") if precision is None else precision) or "auto"
        jobs = (os.environ.get("JOBS", "") if jobs is None else str(jobs)) or "auto"
        scheduler = os.environ.get("SCHEDULER", "") if scheduler is None else scheduler
        if precision not in PRECISIONS:
            hint = nearest(precision, PRECISIONS)
            raise UserError(f"PRECISION={precision} is unknown{hint} (allowed: {', '.join(PRECISIONS)})")
        if jobs == "auto":
            return cls(precision, 0, scheduler)
        if not (jobs.isascii() and jobs.isdigit() and int(jobs) > 0):
            raise UserError(
                f"JOBS={jobs} is not allowed: write auto, or how many runs to train side by side, 1 or more"
            )
        return cls(precision, int(jobs), scheduler)

    def as_environment(self) -> dict[str, str]:
        """Environment variables that ask another process for the same."""
        return {"PRECISION": self.precision, "JOBS": str(self.jobs or "auto"), "SCHEDULER": self.scheduler}
