"""Optimizers and learning-rate schedules, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler


def orthogonalize(matrix: Tensor, steps: int = 3) -> Tensor:
    """Bring all singular values of a float matrix (m, n) near 1 by a quintic Newton-Schulz iteration.

    Source: K. Jordan, "Muon: an optimizer for hidden layers in neural networks" (2024). torch's own
    `torch.optim.Muon` does this in bfloat16, which CPUs without native support emulate hundreds of times
    slower, and takes matrices only; here the matrix keeps its precision.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + torch.addmm(gram, gram, gram, beta=b, alpha=c) @ x
    return x.T if tall else x


class Muon(Optimizer):
    """Orthogonalized momentum for convolution filters, Nesterov SGD for all other weights.

    Filters are kept at a fixed norm and every update of theirs has all singular values near 1, as in
    cifar10-airbench; `weight_decay` therefore acts on the other weights only.

    Parameters
    ----------
    weights : the parameters of a model
    lr : learning rate of the filters
    other_lr : learning rate of everything else
    momentum : for both
    weight_decay : of everything else
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float,
        other_lr: float,
        momentum: float = 0.6,
        weight_decay: float = 0.0,
    ) -> None:
        trained = [weight for weight in weights if weight.requires_grad]
        # A stem on one grey channel has a handful of weights a filter: nothing to orthogonalize against.
        filters = [weight for weight in trained if weight.ndim == 4 and weight.shape[1] > 1]
        others = [weight for weight in trained if weight.ndim != 4 or weight.shape[1] == 1]
        groups = [
            {"params": filters, "lr": lr, "orthogonal": True, "weight_decay": 0.0},
            {"params": others, "lr": other_lr, "orthogonal": False, "weight_decay": weight_decay},
        ]
        super().__init__([group for group in groups if group["params"]], {"momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update all weights from their gradients."""
        loss = closure() if closure else None
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                gradient = weight.grad.add(weight, alpha=group["weight_decay"])
                state = self.state[weight]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(gradient)
                buffer = state["momentum_buffer"].mul_(momentum).add_(gradient)
                update = gradient.add(buffer, alpha=momentum)
                if group["orthogonal"]:
                    weight.mul_(len(weight) ** 0.5 / weight.norm())
                    update = orthogonalize(update.flatten(1)).view(update.shape)
                weight.add_(update, alpha=-lr)
        return loss


@dataclass(frozen=True)
class Settings:
    """What an optimizer is set to.

    Attributes
    ----------
    lr : learning rate
    other_lr : that of the weights which "muon" does not orthogonalize
    momentum : of "sgd" and "muon"
    weight_decay : pulls the weights towards 0
    """

    lr: float
    other_lr: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0


Weights = list[nn.Parameter]


def _on_cpu(weights: Weights) -> bool:
    return weights[0].device.type == "cpu"


# Adam, AdamW, SGD and Adagrad run fused, one kernel for all weights, which on a CPU saves a fifth of a small net's
# training step. (SGD and Adagrad are fused on the CPU alone.)
def _adam(weights: Weights, to: Settings) -> Optimizer:
    return torch.optim.Adam(weights, to.lr, weight_decay=to.weight_decay, fused=True)


def _adamw(weights: Weights, to: Settings) -> Optimizer:
    return torch.optim.AdamW(weights, to.lr, weight_decay=to.weight_decay, fused=True)


def _adamax(weights: Weights, to: Settings) -> Optimizer:
    return torch.optim.Adamax(weights, to.lr, weight_decay=to.weight_decay)


def _adagrad(weights: Weights, to: Settings) -> Optimizer:
    return torch.optim.Adagrad(weights, to.lr, weight_decay=to.weight_decay, fused=_on_cpu(weights))


def _sgd(weights: Weights, to: Settings) -> Optimizer:
    nesterov, fused = to.momentum > 0, _on_cpu(weights)
    return torch.optim.SGD(weights, to.lr, to.momentum, weight_decay=to.weight_decay, nesterov=nesterov, fused=fused)


def _muon(weights: Weights, to: Settings) -> Optimizer:
    return Muon(weights, to.lr, to.other_lr or to.lr, to.momentum, to.weight_decay)


OPTIMIZERS: dict[str, Callable[[Weights, Settings], Optimizer]] = {
    "adam": _adam,
    "adamw": _adamw,
    "adamax": _adamax,
    "adagrad": _adagrad,
    "sgd": _sgd,
    "muon": _muon,
}


def build_optimizer(name: str, model: nn.Module, settings: Settings) -> Optimizer:
    """Make the optimizer called `name` for the weights of `model` that are trained."""
    return OPTIMIZERS[name]([weight for weight in model.parameters() if weight.requires_grad], settings)


Schedule = lr_scheduler.LRScheduler | lr_scheduler.ReduceLROnPlateau


def _constant(optimizer: Optimizer, steps: int) -> Schedule:
    return lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)


def _step(optimizer: Optimizer, steps: int) -> Schedule:
    """A tenth of the rate after each third of the training."""
    return lr_scheduler.StepLR(optimizer, -(-steps // 3), gamma=0.1)


def _cosine(optimizer: Optimizer, steps: int) -> Schedule:
    return lr_scheduler.CosineAnnealingLR(optimizer, steps)


def _one_cycle(optimizer: Optimizer, steps: int) -> Schedule:
    """Up for a quarter of the training, then down to 0."""
    peaks = [group["lr"] for group in optimizer.param_groups]
    # A quarter of four steps would end in the step that it begins with, and OneCycleLR divide by zero.
    rise = 0.25 if steps != 4 else 0.5
    # Cycling the momentum too would need optimizers that have one.
    return lr_scheduler.OneCycleLR(optimizer, peaks, steps, pct_start=rise, cycle_momentum=False)


def _linear(optimizer: Optimizer, steps: int) -> Schedule:
    """Straight down to 0."""
    return lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=1 / steps, total_iters=steps - 1)


def _plateau(optimizer: Optimizer, steps: int) -> Schedule:
    """A tenth of the rate when the validation loss has not fallen for three epochs."""
    return lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=2)


def plain(state: Any) -> Any:
    """Turn NumPy's numbers, in dicts and lists, too, into Python's: a checkpoint holds no others."""
    if type(state) is dict:  # not an OrderedDict, as those of weights are
        return {name: plain(value) for name, value in state.items()}
    if type(state) in (list, tuple):
        return type(state)(map(plain, state))
    return state.item() if isinstance(state, np.generic) else state


SCHEDULES: dict[str, Callable[[Optimizer, int], Schedule]] = {
    "constant": _constant,
    "step": _step,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
    "linear": _linear,
    "plateau": _plateau,
}


def build_schedule(name: str, optimizer: Optimizer, steps: int) -> Schedule:
    """Make the learning-rate schedule called `name`; all but "plateau" are stepped once a batch, `steps` times."""
    return SCHEDULES[name](optimizer, steps)
