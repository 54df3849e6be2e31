"""Optimizers and schedules: each lowers a loss, each rate goes where its name says."""

import pytest
import torch
from torch import nn

from fmnist_utils.training.optim import OPTIMIZERS, SCHEDULES, Settings, build_optimizer, build_schedule, orthogonalize


def small_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4 * 24 * 24, 2))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns(name: str) -> None:
    model = small_net()
    optimizer = build_optimizer(name, model, Settings(lr=0.01))
    images, labels = torch.rand(16, 1, 28, 28), torch.arange(16) % 2
    losses = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def rates(schedule: str, steps: int = 30, lr: float = 0.1) -> list[float]:
    optimizer = build_optimizer("adam", small_net(), Settings(lr=lr))
    scheduler = build_schedule(schedule, optimizer, steps)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(1.0) if schedule == "plateau" else scheduler.step()
    return seen


def test_schedules_go_where_their_names_say() -> None:
    seen = {name: rates(name) for name in SCHEDULES}
    assert seen["constant"] == [0.1] * 30
    assert seen["step"][0] == pytest.approx(0.1) and seen["step"][-1] == pytest.approx(0.001)
    assert seen["cosine"][15] == pytest.approx(0.05) and seen["cosine"][-1] < 0.001
    assert max(seen["one-cycle"]) == pytest.approx(0.1, rel=0.01)  # 30 steps may straddle the peak
    assert seen["one-cycle"][0] < 0.01 and seen["one-cycle"][-1] < 0.001
    assert seen["linear"][0] == pytest.approx(0.1) and seen["linear"][-1] == pytest.approx(0.1 / 30)
    assert seen["plateau"][2] == pytest.approx(0.1) and seen["plateau"][-1] < 0.001


def test_orthogonalized_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((8, 30), (30, 8)):
        values = torch.linalg.svdvals(orthogonalize(torch.randn(shape), steps=5))
        assert values.min() > 0.5 and values.max() < 1.5


def test_muon_orthogonalizes_filters_and_leaves_the_rest_to_sgd() -> None:
    model = small_net()
    optimizer = build_optimizer("muon", model, Settings(lr=0.1, other_lr=0.01, momentum=0.0))
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    model(torch.rand(4, 1, 28, 28)).square().sum().backward()
    optimizer.step()
    bias = before["4.bias"] - 0.01 * model[4].bias.grad
    torch.testing.assert_close(model[4].bias.detach(), bias)
    filters = before["2.weight"] * (4**0.5 / before["2.weight"].norm())
    values = torch.linalg.svdvals((model[2].weight.detach() - filters).flatten(1)) / 0.1
    assert values.min() > 0.3 and values.max() < 1.6


@pytest.mark.parametrize("steps", range(1, 13))
@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "plateau"])
def test_a_training_of_few_steps_has_a_learning_rate_in_each(name: str, steps: int) -> None:
    sgd = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    schedule = build_schedule(name, sgd, steps)
    for _ in range(steps - 1):
        sgd.step()
        schedule.step()
        assert 0 <= sgd.param_groups[0]["lr"] <= 0.1 + 1e-9
