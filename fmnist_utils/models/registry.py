"""The model registry: a model is one small class under a name; adding one is adding the class.

    @register("my-net", source="where it comes from")
    class MyNet(nn.Module):
        def __init__(self, n_classes: int = 10) -> None: ...

Every model maps normalized images, float (n, 1, 28, 28), to logits, float (n, n_classes). Keyword
arguments of its constructor are its options (`model_options` of an experiment).
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import pandas as pd
import torch
from torch import nn

from fmnist_utils.basics import own, randomness
from fmnist_utils.basics.errors import UserError, brief, listed, nearest

PREPARED_BY = (50, 1, 28, 28)  # shape of the images that a net's `prepare` is tried on
MOST_WEIGHTS = 2_000_000_000  # with gradients and moments, 32 GB
N_CLASSES = 10  # when a model is tried out
LONGEST_NAME = 60  # characters

Model = TypeVar("Model", bound=type[nn.Module])


@dataclass(frozen=True)
class Entry:
    """A registered model: its class, where it comes from, and the options that make it this model."""

    build: type[nn.Module]
    source: str
    preset: dict[str, Any]

    @property
    def digest(self) -> str:
        """What an own model's results depend on: its source and its presets (`own.digest`).

        The package's own models have "", unless a file of the package was edited: they are pinned by TRAINING_VERSION,
        and golden tests tell if one changes.
        """
        return own.digest(self.build, str(sorted(self.preset.items())))

    @property
    def is_own(self) -> bool:
        """Whether it is the user's, and not the package's."""
        return own.home(self.build) not in own.PINNED

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


def register(name: str, source: str = "not stated", **preset: Any) -> Callable[[Model], Model]:
    """Class decorator that puts a model into the registry under `name`; `source` says whose it is.

    One class can be several models, each with other options as its `preset`. A name is shown in tables, pages and
    terminals: UserError for one that cannot be, or that is taken.
    """
    if not isinstance(name, str):
        raise UserError('register takes a name: write @register("my-net") above the class')
    if not (name.isprintable() and 0 < len(name.strip()) == len(name) <= LONGEST_NAME):
        allowed = f"1 to {LONGEST_NAME} characters that can be shown, without blanks around them"
        raise UserError(f"{brief(name, 40)} cannot name a model: write {allowed}")

    def add(build: Model) -> Model:
        if not (inspect.isclass(build) and issubclass(build, nn.Module)):
            raise UserError(f"model {name!r}: {brief(build, 40)} is no class of nn.Module")
        if name in REGISTRY and not _is_new_version(build, REGISTRY[name]):
            raise UserError(f"two models are called {name!r}: choose another name")
        REGISTRY[name] = Entry(build, source, preset)
        _try_out.cache_clear()  # it may be defined anew
        return build

    return add


def _is_new_version(build: type[nn.Module], former: Entry) -> bool:
    """Whether a class is an own model's again, from a cell run once more or a file that was read again."""
    module, name = build.__module__, build.__qualname__
    again = (module, name) == (former.build.__module__, former.build.__qualname__)
    return module not in own.PINNED and former.build.__module__ not in own.PINNED and (again or module == "__main__")


def names() -> list[str]:
    """Names of all registered models, in the order of their definition."""
    return list(REGISTRY)


def entry(name: str) -> Entry:
    """Look a model up; raises UserError that names the nearest match."""
    if name not in REGISTRY:
        raise UserError(f"unknown model {brief(name, 40)}{nearest(name, REGISTRY)} (models: {listed(REGISTRY)})")
    return REGISTRY[name]


def check_options(name: str, options: dict[str, Any], n_classes: int = N_CLASSES) -> None:
    """Raise UserError if model `name` does not take one of `options`, or takes it in another type.

    An own model must make logits of `n_classes` with them, too, and be of a kind that can be trained and stored.
    """
    item = entry(name)
    allowed = item.options
    for option, value in options.items():
        if option not in allowed:
            what = f"options: {', '.join(allowed)}" if allowed else "it has no options"
            raise UserError(f"model {name!r} has no option {brief(option)}{nearest(option, allowed)} ({what})")
        default = allowed[option].default
        if default is None or default is inspect.Parameter.empty:
            raise UserError(
                f"model {name!r}: option {option!r} has no default to tell its type: give it one in the class"
            )
        numbers = isinstance(default, float) and type(value) is int
        if not numbers and type(value) is not type(default):
            wanted = type(default).__name__
            article = "an" if wanted == "int" else "a"
            what = f"is {brief(value)}, but must be {article} {wanted} like {default!r}"
            raise UserError(f"model {name!r}: option {option!r} {what}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"model {name!r}: option {option!r} is {value}, but must be a finite number")
    if options or item.is_own:
        _try_out(name, tuple(sorted(options.items())), n_classes)


@lru_cache(maxsize=512)
def _try_out(name: str, options: tuple[tuple[str, Any], ...], n_classes: int) -> None:
    """Build a model on a device without memory, so that what it refuses is told before anything is trained.

    An own one must also turn images into logits, learn from them, and keep nothing but tensors.
    """
    item = entry(name)
    given = item.preset | dict(options) | {"n_classes": n_classes}
    called = " with " + ", ".join(f"{option} = {brief(value)}" for option, value in options) if options else ""
    with in_a_line(f"model {name!r}", f"cannot be built{called}"), torch.device("meta"):
        weights = count_parameters(item.build(**given))
    if weights > MOST_WEIGHTS:
        raise UserError(f"model {name!r} has {weights:,} weights with these options: at most {MOST_WEIGHTS:,}")
    if not item.is_own:
        return
    with in_a_line(f"model {name!r}", f"cannot be built{called}"):
        model = item.build(**given)
    with in_a_line(f"model {name!r}", f"cannot prepare itself{called} by training images {PREPARED_BY}"):
        prepare(model, torch.rand(PREPARED_BY))
    if not any(weight.requires_grad for weight in model.parameters()):
        raise UserError(f"model {name!r} has no weights to train: register layers as its attributes")
    if odd := [key for key, value in model.state_dict().items() if not isinstance(value, torch.Tensor)]:
        raise UserError(f"model {name!r} keeps {brief(odd[0], 40)}, which is no tensor, with its weights: leave it out")
    with torch.no_grad():
        _tried_logits(name, model.eval(), 1, n_classes)
    logits = _tried_logits(name, model.train(), 4, n_classes)
    with in_a_line(f"model {name!r}", "cannot be trained"):
        nn.functional.cross_entropy(logits.float(), torch.zeros(4, dtype=torch.int64)).backward()


def _tried_logits(name: str, model: nn.Module, n: int, n_classes: int) -> torch.Tensor:
    """Logits that an own model makes of `n` images, in training or not; UserError if they are none."""
    shape, when = (n, 1, 28, 28), " in training" if model.training else ""
    with in_a_line(f"model {name!r}", f"fails{when} on images {shape}"):
        logits = model.to(memory_format=torch.channels_last)(
            torch.rand(shape).contiguous(memory_format=torch.channels_last)  # as they are when it is trained
        )
    made = tuple(logits.shape) if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
    if made != (n, n_classes):
        what = f"makes {made} of images {shape}{when}, but must make logits {(n, n_classes)}"
        raise UserError(f"model {name!r} {what}, with {n_classes} for its argument n_classes")
    if not logits.is_floating_point():
        raise UserError(f"model {name!r} makes logits of type {logits.dtype}{when}, but must make floats")
    return logits


def prepare(model: nn.Module, images: torch.Tensor) -> None:
    """Show a net that has a method ``prepare`` training images before it is trained, normalized, float (n, 1, h, w).

    It may set weights by them, such as those of a whitening stem.
    """
    if inspect.ismethod(method := getattr(model, "prepare", None)):
        method(images)


@contextmanager
def in_a_line(subject: str, what: str) -> Iterator[None]:
    """Say in a line what went wrong in the code of a part that is tried out; random numbers are drawn aside."""
    try:
        with randomness.aside():
            yield
    except UserError as error:
        raise UserError(f"{subject}: {error}") from None
    except Exception as error:  # whatever it says to what it is given
        said = str(error).partition("\n")[0][:100] or type(error).__name__
        if said.startswith("view size"):  # the advice comes later in torch's words
            said = "images are stored channels last, so write reshape in place of view"
        where = f" ({line})" if (line := own.line(error)) else ""
        raise UserError(f"{subject} {what}: {said}{where}") from None


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
    check_options(name, options, n_classes)
    item = entry(name)
    return item.build(n_classes=n_classes, **(item.preset | options))


def count_parameters(model: nn.Module) -> int:
    """Count all weights, frozen ones included."""
    return sum(weight.numel() for weight in model.parameters())


def count_multiply_adds(model: nn.Module, size: tuple[int, int] = (28, 28)) -> int:
    """Count multiply-adds of one forward pass of one image, in convolutions and matrix products."""
    from torch.utils.flop_counter import FlopCounterMode  # it takes a second to import

    training = model.training
    reference = next(model.parameters())
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(1, 1, *size, device=reference.device, dtype=reference.dtype))
    model.train(training)
    return counter.get_total_flops() // 2


def model_table(options: Callable[[str], Mapping[str, Any]] = lambda name: {}) -> pd.DataFrame:
    """One row a model, indexed by its name: parameters, multiply-adds of one image, source.

    `options` says, by a model's name, what to build it with, if not with its defaults. A model of one's own that cannot
    be built is left out, and a line says why.
    """
    rows = {}
    for name, item in REGISTRY.items():
        try:
            model = build(name, **options(name))
        except UserError as error:  # the others can still be listed
            print(f"Left out: {error}", file=sys.stderr, flush=True)
            continue
        rows[name] = {
            "parameters": count_parameters(model),
            "multiply_adds": count_multiply_adds(model),
            "source": item.source,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
