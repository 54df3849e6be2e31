"""The model registry: a model is one small class under a name; adding one is adding the class.

    @register("my-net", source="where it comes from")
    class MyNet(nn.Module):
        def __init__(self, n_classes: int = 10) -> None: ...

Every model maps normalised images, float (n, 1, 28, 28), to logits, float (n, n_classes). Keyword
arguments of its constructor are its options (`model_options` of an experiment).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fmnist_utils.errors import UserError, brief, listed, nearest

Model = TypeVar("Model", bound=type[nn.Module])


@dataclass(frozen=True)
class Entry:
    """A registered model: its class, where it comes from, and the options that make it this model."""

    build: type[nn.Module]
    source: str
    preset: dict[str, Any]

    @property
    def any_size(self) -> bool:
        """Whether it takes images of other sizes than 28 x 28."""
        return bool(getattr(self.build, "any_size", False))

    @property
    def options(self) -> dict[str, inspect.Parameter]:
        """Options that the constructor takes, with this model's defaults, `n_classes` apart."""
        parameters = {
            name: item for name, item in inspect.signature(self.build).parameters.items() if name != "n_classes"
        }
        return parameters | {name: parameters[name].replace(default=value) for name, value in self.preset.items()}


REGISTRY: dict[str, Entry] = {}


def register(name: str, source: str, **preset: Any) -> Callable[[Model], Model]:
    """Class decorator that puts a model into the registry under `name`; `source` says whose it is.

    One class can be several models, each with other options as its `preset`.
    """

    def add(build: Model) -> Model:
        if name in REGISTRY:
            raise ValueError(f"two models are called {name!r}")
        REGISTRY[name] = Entry(build, source, preset)
        return build

    return add


def names() -> list[str]:
    """Names of all registered models, in the order of their definition."""
    return list(REGISTRY)


def entry(name: str) -> Entry:
    """Look a model up; raises UserError that names the nearest match."""
    if name not in REGISTRY:
        raise UserError(f"unknown model {brief(name, 40)}{nearest(name, REGISTRY)} (models: {listed(REGISTRY)})")
    return REGISTRY[name]


def check_options(name: str, options: dict[str, Any]) -> None:
    """Raise UserError if model `name` does not take one of `options`, or takes it in another type."""
    allowed = entry(name).options
    for option, value in options.items():
        if option not in allowed:
            what = f"options: {', '.join(allowed)}" if allowed else "it has no options"
            raise UserError(f"model {name!r} has no option {option!r}{nearest(option, allowed)} ({what})")
        default = allowed[option].default
        numbers = isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool)
        if not numbers and type(value) is not type(default):
            wanted = type(default).__name__
            raise UserError(f"model {name!r}: option {option!r} is {value!r}, but must be a {wanted} like {default!r}")


def build(name: str, n_classes: int = 10, **options: Any) -> nn.Module:
    """Make a model with freshly drawn weights.

    Parameters
    ----------
    name : a registered name
    n_classes : number of classes, at least 2
    options : keyword arguments of the model's class

    Raises
    ------
    UserError
        Unknown model or option, or an option's value that the model refuses.
    """
    check_options(name, options)
    item = entry(name)
    return item.build(n_classes=n_classes, **(item.preset | options))


def count_parameters(model: nn.Module) -> int:
    """Count all weights, frozen ones included."""
    return sum(weight.numel() for weight in model.parameters())


def count_multiply_adds(model: nn.Module, size: tuple[int, int] = (28, 28)) -> int:
    """Count multiply-adds of one forward pass of one image, in convolutions and matrix products."""
    training = model.training
    reference = next(model.parameters())
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(1, 1, *size, device=reference.device, dtype=reference.dtype))
    model.train(training)
    return counter.get_total_flops() // 2


def model_table() -> pd.DataFrame:
    """One row a model, indexed by its name: parameters, multiply-adds of one image, source."""
    rows = {}
    for name, item in REGISTRY.items():
        model = build(name)
        rows[name] = {
            "parameters": count_parameters(model),
            "multiply_adds": count_multiply_adds(model),
            "source": item.source,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
