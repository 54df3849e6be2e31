"""Augmentation: what each one changes, for whom, and that every image gets its own draw."""

import pytest
import torch
from torch import Tensor

from fmnist_utils import Dataset, Experiment, UserError
from fmnist_utils.training.augmentations import AUGMENTATIONS
from fmnist_utils.training.batches import augment
from fmnist_utils.training.batches import test_time_views as time_views

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def apply(images: Tensor, labels: Tensor, recipe: object, **context: object) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return augment(images, labels, Experiment(augmentation=recipe).augmentation, CLASSES, **context)


@pytest.fixture(scope="module")
def batch(data: Dataset) -> tuple[Tensor, Tensor]:
    return data.train_images[:200].unsqueeze(1).float() / 255, data.train_labels[:200]


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_shape_range_and_change(name: str, batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    changed, targets = apply(images, labels, name)
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    assert changed.min() >= 0 and changed.max() <= 1 + 1e-5
    assert (changed != images).flatten(1).any(1).float().mean() > 0.3
    if targets.ndim == 2:
        torch.testing.assert_close(targets.sum(1), torch.ones(200))
    else:
        assert targets.equal(labels)


def test_none_changes_nothing(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    assert apply(images, labels, "none")[0].equal(images)


def test_flips_mirror_the_right_axis(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    always = {"probability": 1.0}
    assert apply(images, labels, [{"name": "flip", **always}])[0].equal(images.flip(3))
    assert apply(images, labels, [{"name": "vertical-flip", **always}])[0].equal(images.flip(2))


def test_half_of_the_images_are_flipped(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    changed, _ = apply(images, labels, "flip")
    share = (changed == images.flip(3)).flatten(1).all(1).float().mean()
    assert 0.35 < share < 0.65


def test_alternating_flip_shows_both_sides_in_two_epochs(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    places = torch.arange(1000, 1200)
    first, _ = apply(images, labels, "alternating-flip", indices=places, epoch=0)
    second, _ = apply(images, labels, "alternating-flip", indices=places, epoch=1)
    assert first.equal(second.flip(3))
    assert 0.3 < (first == images).flatten(1).all(1).float().mean() < 0.7


def test_translation_moves_whole_images_by_whole_pixels(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    changed, _ = apply(images, labels, [{"name": "translate", "pixels": 1}])
    padded = torch.nn.functional.pad(images, [1] * 4)
    windows = [padded[:, :, y : y + 28, x : x + 28] for y in range(3) for x in range(3)]
    which = torch.stack([(window == changed).flatten(1).all(1) for window in windows])
    assert which.any(0).all()
    assert which.any(1).all(), "every shift is drawn for some image"


def test_every_image_gets_its_own_draw() -> None:
    images, labels = torch.rand(1, 1, 28, 28).expand(64, -1, -1, -1), torch.zeros(64, dtype=torch.int64)
    for name in ("translate", "affine", "erasing", "cutout", "trivial"):
        changed, _ = apply(images, labels, name)
        assert len(changed.flatten(1).unique(dim=0)) > 10, name


def test_erased_share_is_what_was_asked_for() -> None:
    images, labels = torch.full((2000, 1, 28, 28), 2.0), torch.zeros(2000, dtype=torch.int64)
    spec = {"name": "erasing", "probability": 1.0, "smallest": 0.1, "largest": 0.3}
    changed, _ = apply(images, labels, [spec])
    share = (changed != 2).float().mean((1, 2, 3))
    assert share.min() > 0.07 and share.max() < 0.34
    assert abs(share.mean() - 0.2) < 0.01


def test_cutout_blackens_a_square() -> None:
    images, labels = torch.ones(50, 1, 28, 28), torch.zeros(50, dtype=torch.int64)
    changed, _ = apply(images, labels, [{"name": "cutout", "size": 5}])
    assert ((changed == 0).sum((1, 2, 3)) == 25).all()


def test_chosen_classes_only(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    spec = {"name": "flip", "probability": 1.0, "classes": ["Shirt", "Coat"]}
    changed, _ = apply(images, labels, [spec])
    wanted = torch.isin(labels, torch.tensor([6, 4]))
    assert changed[wanted].equal(images[wanted].flip(3))
    assert changed[~wanted].equal(images[~wanted])


def test_affine_without_strength_is_the_identity(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    spec = {"name": "affine", "degrees": 0, "translate": 0, "scale": 0}
    torch.testing.assert_close(apply(images, labels, [spec])[0], images, atol=1e-5, rtol=0)


def test_views_are_the_image_its_mirror_and_both_shifted(data: Dataset) -> None:
    images = data.test_images[:20]
    views = time_views(images)
    assert [weight for weight, _ in views] == [0.25, 0.125, 0.125] * 2
    assert views[0][1].equal(images)
    assert views[1][1][:, 1:, 1:].equal(images[:, :-1, :-1])
    assert views[2][1][:, :-1, :-1].equal(images[:, 1:, 1:])
    assert views[3][1].equal(images.flip(-1))
    assert all(view.shape == images.shape and view.dtype == torch.uint8 for _, view in views)


def test_mixup_blends_labels_as_images() -> None:
    """With images that are constant at their label, the blended grey level is the expected label."""
    labels = torch.arange(10).repeat(10)
    images = (labels / 10).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    for name in ("mixup", "cutmix"):
        changed, targets = apply(images, labels, [{"name": name, "alpha": 1.0}])
        expected = (targets * torch.arange(10)).sum(1) / 10
        torch.testing.assert_close(changed.mean((1, 2, 3)), expected, atol=1e-4, rtol=0)
        assert (targets.max(1).values < 0.999).any()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("flipp", "did you mean 'flip'"),
        ([{"name": "translate", "pixels": 99}], "less than or equal to 14"),
        ([{"name": "translate", "pixel": 2}], "unknown field 'pixel'"),
        (5, "write a list"),
        ([{"name": "mixup", "classes": ["Shirt"]}], "cannot be meant for some classes"),
        ([{"name": "cutmix", "classes": ["Shirt"]}], "cannot be meant for some classes"),
        ([{"name": "mixup", "probability": 0.5}], "0.5 is not allowed, since every image is blended"),
    ],
)
def test_mistakes_are_named(recipe: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Experiment(augmentation=recipe)


def test_names_of_augmentations_are_told_from_augmentations() -> None:
    with pytest.raises(UserError, match=r"not their names: give it Experiment\(augmentation='flip'\)\.augmentation"):
        augment(torch.rand(2, 1, 4, 4), torch.arange(2), "flip", ("a", "b"))  # type: ignore[arg-type]


def test_mixing_by_the_smallest_share_gives_numbers() -> None:
    torch.manual_seed(0)
    images, labels = torch.rand(4000, 1, 4, 4), torch.arange(4000) % 2
    recipe = Experiment(augmentation=[{"name": "mixup", "alpha": 0.01}]).augmentation
    mixed, targets = augment(images, labels, recipe, ("a", "b"))
    assert mixed.isfinite().all() and targets.isfinite().all()
    torch.testing.assert_close(targets.sum(1), torch.ones(4000))
