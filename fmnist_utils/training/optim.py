"""Optimizers and learning-rate schedules, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

if TYPE_CHECKING:
    from fmnist_utils.training.experiment import Experiment


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


class Muon(torch.optim.Optimizer):
    """Orthogonalized momentum for convolution filters, Nesterov SGD for all other weights.

    Filters are kept at a fixed norm and every update of theirs has all singular values near 1, as in
    cifar10-airbench; `weight_decay` therefore acts on the other weights only.

    Parameters
    ----------
    weights : the parameters of a model
    lr : learning rate of the filters
    other_lr : learning rate of everything else
    momentum : for both
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


OPTIMIZERS = ("adam", "adamw", "adamax", "adagrad", "sgd", "muon")
SCHEDULES = ("constant", "step", "cosine", "one-cycle", "linear", "plateau")


def build_optimizer(model: nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
    """Make the optimizer that `experiment` names for the weights of `model`.

    Adam, AdamW, SGD and Adagrad run fused, one kernel for all weights, which on a CPU saves a fifth of
    a small net's training step.
    """
    lr, decay, momentum = experiment.lr, experiment.weight_decay, experiment.momentum
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    on_cpu = weights[0].device.type == "cpu"
    match experiment.optimizer:
        case "adam":
            return torch.optim.Adam(weights, lr, weight_decay=decay, fused=True)
        case "adamw":
            return torch.optim.AdamW(weights, lr, weight_decay=decay, fused=True)
        case "adamax":
            return torch.optim.Adamax(weights, lr, weight_decay=decay)
        case "adagrad":
            return torch.optim.Adagrad(weights, lr, weight_decay=decay, fused=on_cpu)
        case "sgd":
            return torch.optim.SGD(weights, lr, momentum, weight_decay=decay, nesterov=momentum > 0, fused=on_cpu)
        case _:
            return Muon(model.parameters(), lr, experiment.other_lr or lr, momentum, decay)


Schedule = lr_scheduler.LRScheduler | lr_scheduler.ReduceLROnPlateau


def build_schedule(optimizer: torch.optim.Optimizer, experiment: Experiment, steps: int) -> Schedule:
    """Make the learning-rate schedule; all but "plateau" are stepped once a batch, `steps` batches in all.

    "step" divides the rate by ten after each third of the training; "one-cycle" and "linear" end at 0;
    "plateau" divides by ten when the validation loss has not fallen for two epochs.
    """
    peaks = [group["lr"] for group in optimizer.param_groups]
    match experiment.schedule:
        case "step":
            return lr_scheduler.StepLR(optimizer, -(-steps // 3), gamma=0.1)
        case "cosine":
            return lr_scheduler.CosineAnnealingLR(optimizer, steps)
        case "one-cycle":
            # Cycling the momentum too would need optimizers that have one.
            # (A rise that ends with the very first of four steps would be a division by zero in torch.)
            rise = 0.5 if steps == 4 else 0.25
            return lr_scheduler.OneCycleLR(optimizer, peaks, steps, pct_start=rise, cycle_momentum=False)
        case "linear":
            return lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=1 / steps, total_iters=steps - 1)
        case "plateau":
            return lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=2)
        case _:
            return lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)
