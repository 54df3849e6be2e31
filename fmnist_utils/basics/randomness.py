"""Random numbers: torch's, Python's and NumPy's, which parts of one's own may draw, follow from one seed."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import torch

# These states are the process's own: whoever leans on them has them alone, and other threads wait.
ALONE = threading.RLock()


def seed_all(seed: int) -> None:
    """Have all random numbers from now on follow from a seed."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


@contextlib.contextmanager
def aside(devices: Sequence[torch.device] = ()) -> Iterator[None]:
    """Leave all random states (of the CPU, and of GPUs that are named) as they were, whatever is drawn meanwhile."""
    with ALONE:
        states = random.getstate(), np.random.get_state()
        try:
            with torch.random.fork_rng(devices=list(devices)):
                yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
