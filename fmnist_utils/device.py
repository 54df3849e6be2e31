"""The device to train on, and what makes training on it repeatable."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

from fmnist_utils.errors import UserError, nearest


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; "auto" is CUDA, else Apple's MPS, else the CPU."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    kind = name.partition(":")[0]
    if kind not in available:
        raise UserError(f"unknown device {name!r}{nearest(name, available)} (devices: auto, {', '.join(available)})")
    if not available[kind]:
        raise UserError(f"device {name!r} is not available on this machine; use auto or cpu")
    return torch.device(name)


@contextlib.contextmanager
def reproducible(device: torch.device) -> Iterator[None]:
    """Leave the caller's random state untouched, and make CUDA pick the same kernels every time."""
    before = torch.are_deterministic_algorithms_enabled()
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        torch.use_deterministic_algorithms(before)
