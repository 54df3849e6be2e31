"""The device and the precision to train with, and what makes training repeatable on them."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator

import torch

from fmnist_utils.basics import randomness
from fmnist_utils.basics.errors import UserError, brief, nearest
from fmnist_utils.training import PRECISIONS

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # of cuBLAS, which sums in the same order only if it is set


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; "auto" is CUDA, else Apple's MPS, else the CPU."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    kind, _, number = name.partition(":")
    if kind not in available or not re.fullmatch(r"\w+(:\d{1,4})?", name, re.ASCII):
        hint = nearest(name, available)
        raise UserError(f"unknown device {brief(name)}{hint} (devices: auto, {', '.join(available)}, cuda:0 …)")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if not available[kind] or int(number or 0) >= count:
        raise UserError(f"device {name!r} is not available on this machine; use auto or cpu")
    return torch.device(name)


def has_bf16(device: torch.device) -> bool:
    """Whether `device` computes bfloat16 natively: CUDA from Ampere on, CPUs with avx512_bf16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16"))


def choose_precision(name: str, device: torch.device) -> str:
    """Return "bf16" or "fp32"; "auto" is bf16 where `device` computes it natively.

    Asked for where it is emulated, bf16 is granted, with a line on stderr that says what it costs.
    """
    if name not in PRECISIONS:
        raise UserError(f"precision: unknown {name!r}{nearest(name, PRECISIONS)} (allowed: {', '.join(PRECISIONS)})")
    if name == "auto":
        return "bf16" if has_bf16(device) else "fp32"
    if name == "bf16" and device.type in ("cpu", "cuda") and not has_bf16(device):
        slower = "hundreds of times as long" if device.type == "cpu" else "longer than fp32"
        print(f"Warning: bf16 is emulated on this {device.type}: training takes {slower}; better fp32", file=sys.stderr)
    return name


def device_name(device: torch.device) -> str:
    """Name of the GPU or CPU, for a run's provenance; "" where torch knows none."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(torch.cpu.get_capabilities().get("cpu_name", "")) if device.type == "cpu" else ""


@contextlib.contextmanager
def reproducible(device: torch.device, threads: int, seed: int) -> Iterator[None]:
    """Compute with `threads` threads, repeatable kernels and a random state that follows from `seed`.

    All of it is as before when the context ends, the caller's random states included. Meanwhile other threads of this
    process that ask for it wait, and nothing is in force that the caller has set of gradients or of the default dtype.

    Raises
    ------
    UserError
        It is within `torch.autocast`.
    """
    if torch.is_autocast_enabled(device.type):  # within it, torch would keep weights of before from step to step
        raise UserError("a training chooses its precision by itself: call it outside of torch.autocast")
    with randomness.ALONE, torch.inference_mode(False), torch.enable_grad():
        dtype = torch.get_default_dtype()
        deterministic = torch.are_deterministic_algorithms_enabled()
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        threads_before = torch.get_num_threads()
        workspace = os.environ.get(WORKSPACE)
        if device.type == "cuda":
            os.environ.setdefault(WORKSPACE, ":4096:8")  # torch asks for it before every matrix product
            torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)
        try:
            with randomness.aside([device] if device.type == "cuda" else []):
                randomness.seed_all(seed)
                yield
        finally:
            if workspace is None:
                os.environ.pop(WORKSPACE, None)
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            torch.set_num_threads(threads_before)
            torch.set_default_dtype(dtype)
