"""Tools under the Fashion-MNIST report series: experiments in, runs and reports out.

Names are imported when they are first used, so that commands which train nothing start at once.
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module that defines it (or the module itself).
_EXPORTS = {
    "Experiment": "experiment",
    "Run": "run",
    "run_all": "runner",
    "load_dataset": "data",
    "split": "data",
    "Dataset": "data",
    "augment": "",
    "claims": "",
    "frontier": "",
    "metrics": "",
    "models": "",
    "plots": "",
    "notebook": "",
    "summary": "report.summary",
    "UserError": "errors",
    "results": "store",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _EXPORTS[name]
    if not home:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
