"""Distortions: what each does to a picture, that more strength is more of it, and that it is the same every time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fmnist_utils import Dataset, distortions

every = pytest.mark.parametrize("name", distortions.DISTORTIONS)


@pytest.fixture(scope="module")
def images(data: Dataset) -> Tensor:
    return data.test_images[:300]


@every
def test_no_strength_leaves_images_as_they_are(name: str, images: Tensor) -> None:
    assert distortions.DISTORTIONS[name].apply(images, 0).equal(images)


@every
def test_images_stay_images_and_the_originals_as_they_are(name: str, images: Tensor) -> None:
    kind, before = distortions.DISTORTIONS[name], images.clone()
    for strength in kind.strengths:
        changed = kind.apply(images, strength)
        assert (changed.dtype, changed.shape) == (torch.uint8, images.shape)
        assert (changed != images).flatten(1).any(1).float().mean() > 0.7  # a square may cover black alone
    assert images.equal(before)


@every
def test_more_strength_is_further_from_the_image(name: str, images: Tensor) -> None:
    kind = distortions.DISTORTIONS[name]
    assert list(kind.strengths) == sorted(set(kind.strengths)) and len(kind.strengths) == 4
    apart = [(kind.apply(images, strength).float() - images).abs().mean().item() for strength in kind.strengths]
    assert apart == sorted(apart) and apart[0] > 0


@every
def test_it_is_the_same_every_time_and_for_any_number_of_images(name: str, images: Tensor) -> None:
    kind = distortions.DISTORTIONS[name]
    torch.manual_seed(1)
    first = kind.apply(images, kind.strengths[2])
    drawn = torch.rand(1)
    torch.manual_seed(1)
    assert torch.rand(1) == drawn, "the caller's random state is left alone"
    assert kind.apply(images, kind.strengths[2]).equal(first)
    assert kind.apply(images[:77], kind.strengths[2]).equal(first[:77])


def test_what_comes_in_at_an_edge_is_black() -> None:
    white = torch.full((200, 28, 28), 255, dtype=torch.uint8)
    moved = distortions.shift(white, 3)
    assert (moved == 0).float().mean().item() == pytest.approx(3 / 28)
    ways = {tuple(int(image[side].max()) for side in (0, -1)) + tuple(int(image[:, side].max()) for side in (0, -1))
            for image in moved}  # fmt: skip
    assert len(ways) == 4, "up, down, left and right"
    turned = distortions.rotation(white, 30)
    assert (turned[:, 0, 0] == 0).all() and (turned[:, 14, 14] == 255).all()


def test_images_turn_both_ways_about_their_middle() -> None:
    bar = torch.zeros(50, 28, 28, dtype=torch.uint8)
    bar[:, 2:14, 13:15] = 255  # from the middle up
    turned = distortions.rotation(bar, 40).float()
    sides = turned[:, :, 14:].sum((1, 2)) - turned[:, :, :14].sum((1, 2))
    assert (sides > 0).any() and (sides < 0).any() and sides.abs().min() > 1000
    assert (distortions.rotation(bar, 90)[:, 14:, :].float().mean((1, 2)) > 0).all()


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    gray = torch.full((50, 28, 28), 128, dtype=torch.uint8)
    added = distortions.noise(gray, 20).float() - 128
    assert added.std().item() == pytest.approx(20, rel=0.02) and abs(added.mean().item()) < 0.5
    assert len({tuple(image.flatten().tolist()) for image in added}) == 50, "each image has noise of its own"


def test_blur_spreads_a_dot_by_its_deviation_and_keeps_the_light() -> None:
    dot = torch.zeros(1, 28, 28, dtype=torch.uint8)
    dot[0, 13:15, 13:15] = 255
    spread = distortions.blur(dot, 1.5)[0].double()
    assert spread.sum().item() == pytest.approx(4 * 255, rel=0.1)  # rounded to whole levels
    rows = spread.sum(1) / spread.sum()
    variance = (rows * (torch.arange(28) - 13.5) ** 2).sum().item()
    assert variance == pytest.approx(1.5**2 + 0.25, rel=0.15)


def test_contrast_and_inversion_are_what_they_say() -> None:
    ramp = torch.arange(256, dtype=torch.uint8).repeat(4)[: 28 * 28].view(1, 28, 28)
    pale = distortions.contrast(ramp, 75).float()
    assert pale.std().item() == pytest.approx(ramp.float().std().item() / 4, rel=0.02)
    assert pale.mean().item() == pytest.approx(ramp.float().mean().item(), abs=0.5)
    assert distortions.inversion(ramp, 100).equal(255 - ramp)
    half = distortions.inversion(ramp, 50)
    assert half[ramp < 128].equal(ramp[ramp < 128]) and half[ramp >= 128].equal(255 - ramp[ramp >= 128])


def test_a_square_of_the_asked_side_is_covered_somewhere() -> None:
    white = torch.full((5000, 28, 28), 255, dtype=torch.uint8)
    black = distortions.occlusion(white, 8) == 0
    assert (black.sum((1, 2)) == 64).all()
    assert (black.any(1).sum(1) == 8).all() and (black.any(2).sum(1) == 8).all()
    assert black.float().mean(0).gt(0).all(), "any place may be covered"


def test_the_version_is_raised_when_pictures_come_out_otherwise(images: Tensor) -> None:
    """Mean levels after the third strength of each, to a tenth of a level: `VERSION` is about these."""
    found = {name: kind.apply(images, kind.strengths[2]).double().mean().item() for name, kind in
             distortions.DISTORTIONS.items()}  # fmt: skip
    assert (distortions.VERSION, found) == (1, pytest.approx(GOLDEN, abs=0.1))


GOLDEN = {
    "shift": 69.467, "rotation": 73.259, "noise": 81.704, "blur": 72.563, "contrast": 74.128, "inversion": 35.409,
    "occlusion": 54.365,
}  # fmt: skip
