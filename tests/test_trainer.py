"""Training: golden results, repeatability, resuming, and the rules about validation and test images."""

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import PrivateAttr
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F

from fmnist_utils import Dataset, Experiment, UserError, models
from fmnist_utils.data.dataset import split
from fmnist_utils.runs.store import Store
from fmnist_utils.studies import recipes
from fmnist_utils.training import augmentations, optim
from fmnist_utils.training import trainer as train
from fmnist_utils.training.augmentations import Change
from fmnist_utils.training.device import has_bf16
from fmnist_utils.training.evaluate import normalized
from fmnist_utils.training.experiment import TRAINING_VERSION
from fmnist_utils.training.trainer import Trainer, normalization

TINY = Experiment(model="cnn-mid", train_size=600, batch_size=50, epochs=2)
RECIPES = {
    "plain": TINY,
    "augmented": TINY.but(
        augmentation=[{"name": "flip"}, {"name": "translate"}, {"name": "affine"}, {"name": "erasing"}],
        optimizer="muon", lr=0.02, other_lr=0.05, momentum=0.6, schedule="linear", label_smoothing=0.1,
    ),
    "averaged": TINY.but(
        optimizer="sgd", lr=0.05, schedule="one-cycle", ema=0.9, weight_decay=1e-3, augmentation="cutmix",
        class_weights={"Shirt": 2.0}, model="cnn-big", model_options={"conv_dropout": 0.2, "batch_norm": True},
    ),
}  # fmt: skip
# Training loss of both epochs and validation loss of the last, by training version. When a change
# alters them on purpose, raise TRAINING_VERSION and record the new numbers beside the old ones.
GOLDEN = {
    1: {
        "plain": (2.0670898, 1.2408868, 0.9649504),
        "augmented": (2.2909579, 2.1980283, 2.0507684),
        "averaged": (2.2637827, 1.5322375, 1.4979540),
    },
    2: {  # erasing draws eight grey levels from one random number; no draw where every image is changed
        "plain": (2.0670898, 1.2408868, 0.9649504),
        "augmented": (2.2914028, 2.2064438, 2.0628030),
        "averaged": (2.2637827, 1.5322375, 1.4979540),
    },
}
# The same in bf16, of version 2; one thread or two change the fourth digit.
GOLDEN_BF16 = {
    2: {
        "plain": (2.0671835, 1.2449, 0.96766),
        "augmented": (2.29116, 2.20275, 2.05426),
        "averaged": (2.26405, 1.52675, 1.50165),
    }
}


@pytest.fixture(scope="module")
def data(data: Dataset) -> Dataset:
    """The real data with a tenth of its test images: to ask all of them takes longer than these trainings."""
    return replace(data, test_images=data.test_images[:1000], test_labels=data.test_labels[:1000])


def same_weights(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(value.equal(second[name]) for name, value in first.items())


@pytest.mark.parametrize("name", RECIPES)
def test_golden_losses(name: str, data: Dataset) -> None:
    run = train.train(RECIPES[name], data, "cpu", precision="fp32")
    losses = [row["train_loss"] for row in run.history] + [run.history[-1]["validation_loss"]]
    assert losses == pytest.approx(GOLDEN[TRAINING_VERSION][name], rel=2e-3)


@pytest.mark.skipif(not has_bf16(torch.device("cpu")), reason="this CPU emulates bf16")
@pytest.mark.parametrize("name", RECIPES)
def test_golden_losses_in_bf16(name: str, data: Dataset) -> None:
    run = train.train(RECIPES[name], data, "cpu", precision="bf16")
    losses = [row["train_loss"] for row in run.history] + [run.history[-1]["validation_loss"]]
    assert losses == pytest.approx(GOLDEN_BF16[TRAINING_VERSION][name], rel=1e-2)
    assert losses != pytest.approx(GOLDEN[TRAINING_VERSION][name], rel=1e-5), "bf16 was not used"
    assert {value.dtype for value in run.weights.values()} <= {torch.float32, torch.int64}


@pytest.mark.slow
def test_same_seed_same_bits_and_other_seed_other_bits(data: Dataset) -> None:
    first, again = (train.train(RECIPES["averaged"], data, "cpu") for _ in range(2))
    other = train.train(RECIPES["averaged"].but(seed=1), data, "cpu")
    assert same_weights(first.weights, again.weights)
    assert np.array_equal(first.test_probabilities, again.test_probabilities)
    assert not same_weights(first.weights, other.weights)


def test_training_leaves_the_callers_random_numbers_alone(data: Dataset) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    train.train(TINY.but(epochs=1), data, "cpu")
    assert torch.rand(3).equal(expected)


def test_training_leaves_the_callers_choice_of_kernels_alone(data: Dataset) -> None:
    try:
        torch.use_deterministic_algorithms(True, warn_only=True)
        train.train(TINY.but(epochs=1), data, "cpu")
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def doubles() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_training_within_autocast_is_refused(data: Dataset) -> None:
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(UserError, match="call it outside of torch.autocast"):
        train.train(TINY.but(epochs=1), data, "cpu")


@pytest.mark.parametrize("setting", [torch.no_grad, torch.inference_mode, doubles])
def test_what_the_caller_has_set_of_torch_changes_nothing(
    setting: Callable[[], AbstractContextManager[Any]], data: Dataset
) -> None:
    expected = train.train(TINY.but(epochs=1), data, "cpu")
    with setting():
        found = train.train(TINY.but(epochs=1), data, "cpu")
    assert same_weights(found.weights, expected.weights)
    assert np.array_equal(found.test_probabilities, expected.test_probabilities)


def test_trainings_in_two_threads_take_turns(data: Dataset) -> None:
    """The generators of random numbers are the process's own."""
    experiments = [TINY.but(epochs=1, lr=lr) for lr in (0.003, 0.004)]
    expected = [train.train(experiment, data, "cpu") for experiment in experiments]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda experiment: train.train(experiment, data, "cpu"), experiments))
    assert all(same_weights(one.weights, other.weights) for one, other in zip(expected, found, strict=True))


def interrupt(epochs: int, experiment: Experiment, data: Dataset, checkpoint: Path) -> None:
    """Train for some epochs, to a checkpoint, and stop there."""

    class Interrupted(Trainer):
        def epoch(self, progress):  # type: ignore[no-untyped-def]
            if len(self.history) == epochs:
                raise KeyboardInterrupt
            return super().epoch(progress)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train, "Trainer", Interrupted)
        train.train(experiment, data, "cpu", checkpoint)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_resumed_training_ends_with_the_same_bits(name: str, data: Dataset, tmp_path: Path) -> None:
    experiment, checkpoint = RECIPES[name].but(epochs=3), tmp_path / "checkpoint.pt"
    undisturbed = train.train(experiment, data, "cpu")

    interrupt(2, experiment, data, checkpoint)
    assert checkpoint.exists()
    resumed = train.train(experiment, data, "cpu", checkpoint)
    assert same_weights(undisturbed.weights, resumed.weights)
    assert [row["train_loss"] for row in resumed.history] == [row["train_loss"] for row in undisturbed.history]


class Counting(nn.Module):
    """A net that counts the steps of its training in an attribute, on which its answers depend."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.steps = 0
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))

    def forward(self, images: Tensor) -> Tensor:
        self.steps += self.training
        return self.answer(images)


class Fading(Counting):
    def answer(self, images: Tensor) -> Tensor:
        return self.layers(images + torch.randn_like(images) / self.steps if self.training else images)


class Opening(Counting):
    def answer(self, images: Tensor) -> Tensor:
        return self.layers(images) * (self.steps > 10) - images.flatten(1)[:, :10]


def test_a_net_that_counts_in_an_attribute_goes_on_where_it_was(data: Dataset, tmp_path: Path) -> None:
    models.register("fading", source="me")(Fading)
    try:
        experiment, checkpoint = Experiment(model="fading", train_size=500, epochs=3), tmp_path / "checkpoint.pt"
        undisturbed = train.train(experiment, data, "cpu")
        interrupt(1, experiment, data, checkpoint)
        assert same_weights(train.train(experiment, data, "cpu", checkpoint).weights, undisturbed.weights)
    finally:
        del models.REGISTRY["fading"]


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_a_net_that_counts_answers_the_same_once_it_is_read_back(ema: float, data: Dataset, tmp_path: Path) -> None:
    models.register("opening", source="me")(Opening)
    try:
        store, experiment = Store(tmp_path), Experiment(model="opening", train_size=1_000, epochs=1, ema=ema)
        stored = store.save(train.train(experiment, data, "cpu"))
        read = store.load(stored.key)
        assert read is not None and stored.test_accuracy > 0.4
        assert (read.predict(data.test_images).to_numpy().argmax(1) == read.predictions).mean() > 0.99
    finally:
        del models.REGISTRY["opening"]


class Warming(Change):
    """Disturbs images the less, the more it has been asked."""

    name: Literal["warming"] = "warming"
    _asked: int = PrivateAttr(0)

    def transform(self, images: Tensor) -> Tensor:
        self._asked += 1
        return images + torch.randn_like(images) / self._asked


class Slowing(torch.optim.SGD):
    """Takes smaller steps, the more it has taken."""

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__(parameters, lr=lr)
        self.taken = 0

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        self.taken += 1
        for group in self.param_groups:
            group["lr"] = group["lr"] / self.taken
        super().step(closure)


def test_an_optimizer_and_an_augmentation_that_count_go_on_where_they_were(data: Dataset, tmp_path: Path) -> None:
    augmentations.register(Warming)
    optim.OPTIMIZERS["slowing"] = lambda weights, settings: Slowing(weights, settings.lr)
    try:
        experiment, checkpoint = TINY.but(optimizer="slowing", augmentation="warming", epochs=3), tmp_path / "at"
        undisturbed = train.train(experiment, data, "cpu")
        again = train.train(experiment, data, "cpu")
        assert same_weights(again.weights, undisturbed.weights), "the augmentation counts anew in each training"
        interrupt(1, experiment, data, checkpoint)
        assert same_weights(train.train(experiment, data, "cpu", checkpoint).weights, undisturbed.weights)
    finally:
        del augmentations.AUGMENTATIONS["warming"], optim.OPTIMIZERS["slowing"]


class Uncopied(nn.Module):
    """Keeps a tensor that torch does not copy."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.layer = nn.Linear(784, n_classes)
        self.doubled = 2 * self.layer.weight

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images.flatten(1))


def test_an_average_of_a_net_that_cannot_be_copied_is_refused_in_a_line(data: Dataset) -> None:
    models.register("uncopied", source="me")(Uncopied)
    try:
        with pytest.raises(UserError, match="ema needs a copy of model 'uncopied', which cannot be made: Only Tensors"):
            train.train(TINY.but(model="uncopied", ema=0.9), data, "cpu")
    finally:
        del models.REGISTRY["uncopied"]


@pytest.mark.parametrize("kind", [np.float32, np.float64, torch.tensor])
def test_a_schedule_may_make_numbers_of_numpy_or_tensors(
    kind: Callable[[float], Any], data: Dataset, tmp_path: Path
) -> None:
    optim.SCHEDULES["wave"] = lambda optimizer, steps: torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: kind(1.5 + np.cos(step))
    )
    try:
        experiment, checkpoint = TINY.but(schedule="wave", epochs=3), tmp_path / "at"
        undisturbed = train.train(experiment, data, "cpu")
        stored = Store(tmp_path).save(undisturbed)
        assert {type(row["lr"]) for row in stored.history} == {float}
        interrupt(1, experiment, data, checkpoint)
        resumed = train.train(experiment, data, "cpu", checkpoint)
        assert same_weights(resumed.weights, undisturbed.weights) and not list(tmp_path.glob("*.damaged"))
    finally:
        del optim.SCHEDULES["wave"]


def class_by_class(data: Dataset) -> Dataset:
    """The same training images in the order of their classes, as folders of pictures are read."""
    order = data.train_labels.argsort(stable=True)
    return replace(data, train_images=data.train_images[order], train_labels=data.train_labels[order])


def test_the_training_accuracy_is_that_of_all_classes_whatever_their_order(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders of images are read class by class, so that the first images are of one class alone."""
    monkeypatch.setattr(train, "SAMPLE", 60)
    ordered = class_by_class(data)
    run = train.train(TINY, ordered, "cpu")
    chosen, _ = split(ordered.train_labels, TINY.train_size)
    right = run.predict(ordered.train_images[chosen]).to_numpy().argmax(1) == ordered.train_labels[chosen].numpy()
    assert abs(run.train_accuracy - right.mean()) < 0.1 < abs(right[:60].mean() - right.mean())


def test_a_net_prepares_itself_by_images_of_all_classes_whatever_their_order(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "STEM_IMAGES", 60)
    ordered = class_by_class(data)
    shown = []
    net = models.build(TINY.model, 10)
    monkeypatch.setattr(type(net), "prepare", lambda self, images: shown.append(images), raising=False)
    trainer = Trainer(TINY, ordered, torch.device("cpu"))
    known = normalized(ordered.train_images[trainer.training], trainer.mean, trainer.std).flatten(1)
    places = [int((known == image.flatten()).all(1).nonzero()[0]) for image in shown[0]]
    assert ordered.train_labels[trainer.training][places].bincount().tolist() == [6] * 10


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_damaged_checkpoint_is_put_aside(
    damage: bytes | None, data: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "checkpoint.pt"
    if damage is None:  # a file cut short, as a full disk leaves it
        train.train(TINY, data, "cpu", checkpoint)
        checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    else:
        checkpoint.write_bytes(damage)
    run = train.train(TINY, data, "cpu", checkpoint)
    assert same_weights(run.weights, train.train(TINY, data, "cpu").weights)
    assert (tmp_path / "checkpoint.pt.damaged").exists()
    assert "put aside" in capsys.readouterr().err


def test_a_flipped_bit_of_a_checkpoint_is_found(data: Dataset, tmp_path: Path) -> None:
    """200 flips, of which most would end in other weights were the checkpoint believed."""
    checkpoint, experiment = tmp_path / "checkpoint.pt", TINY.but(model="cnn-small")
    train.train(experiment, data, "cpu", checkpoint)
    content, draw = checkpoint.read_bytes(), random.Random(0)
    assert train.read_checkpoint(checkpoint, experiment, torch.device("cpu")) is not None
    for _ in range(200):
        changed = bytearray(content)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        checkpoint.write_bytes(changed)
        assert train.read_checkpoint(checkpoint, experiment, torch.device("cpu")) is None
        assert not checkpoint.exists()


@pytest.mark.slow
def test_accuracies_are_those_of_the_stored_predictions(data: Dataset) -> None:
    run = train.train(TINY.but(epochs=4, train_size=3000), data, "cpu")
    assert run.test_accuracy == (run.predictions == data.test_labels.numpy()).mean() > 0.6
    assert run.train_accuracy > 0.6
    np.testing.assert_allclose(run.test_probabilities.sum(1), 1, atol=1e-5)


def test_early_stopping_ends_before_the_last_epoch_and_keeps_the_last_weights(data: Dataset) -> None:
    run = train.train(TINY.but(epochs=40, train_size=200, lr=0.01, early_stopping=2), data, "cpu")
    losses = [row["validation_loss"] for row in run.history]
    assert len(losses) < 40
    assert min(losses[-2:]) >= min(losses[:-2])


def test_first_epochs_may_be_of_low_resolution(data: Dataset) -> None:
    experiment = TINY.but(model="sprint", epochs=4, low_resolution=0.5)
    trainer = Trainer(experiment, data, torch.device("cpu"))
    shapes = [tuple(trainer.batch(trainer.training[:8], epoch)[0].shape) for epoch in range(4)]
    assert shapes == [(8, 1, 20, 20)] * 2 + [(8, 1, 28, 28)] * 2
    small, _ = trainer.batch(trainer.training[:8], 0)
    whole, _ = trainer.batch(trainer.training[:8], 3)
    torch.testing.assert_close(F.adaptive_avg_pool2d(small, 2), F.adaptive_avg_pool2d(whole, 2), atol=0.1, rtol=0)


def test_views_are_kept_apart_from_the_plain_predictions(data: Dataset, tmp_path: Path) -> None:
    experiment = TINY.but(epochs=1)
    plain, viewed = (train.train(experiment.but(test_time_views=views), data, "cpu") for views in (False, True))
    assert np.array_equal(plain.test_probabilities, viewed.test_probabilities)
    assert plain.view_probabilities is None
    np.testing.assert_allclose(viewed.view_probabilities.sum(1), 1, atol=1e-5)
    assert not np.array_equal(viewed.view_probabilities, viewed.test_probabilities)
    store = Store(tmp_path)
    store.save(viewed)
    np.testing.assert_allclose(store.load(viewed.key).view_probabilities, viewed.view_probabilities, atol=0.03)


def test_a_held_out_fold_keeps_its_probabilities(data: Dataset, tmp_path: Path) -> None:
    run = train.train(TINY.but(epochs=1, folds=4, fold=2), data, "cpu")
    held_out = split(data.train_labels, TINY.train_size, folds=4, fold=2)[1]
    assert run.held_out_probabilities.shape == (15_000, 10)
    right = run.held_out_probabilities.argmax(1) == data.train_labels[held_out].numpy()
    assert right.mean() == run.history[-1]["validation_accuracy"]
    stored = Store(tmp_path)
    stored.save(run)
    again = stored.load(run.key).held_out_probabilities
    np.testing.assert_allclose(again, run.held_out_probabilities, atol=0.03)
    assert train.train(TINY.but(epochs=1), data, "cpu").held_out_probabilities is None


def test_training_on_all_images_has_no_validation(data: Dataset) -> None:
    trainer = Trainer(TINY.but(validation=False, train_size=None), data, torch.device("cpu"))
    assert len(trainer.training) == 60_000
    assert trainer.validate() == (None, None)


@pytest.mark.slow
def test_class_weights_raise_recall_of_the_weighted_class(data: Dataset) -> None:
    plain = train.train(TINY.but(train_size=3000), data, "cpu")
    weighted = train.train(TINY.but(train_size=3000, class_weights={"Shirt": 10.0}), data, "cpu")
    shirts = plain.test_labels == 6
    assert weighted.correct[shirts].mean() > plain.correct[shirts].mean() + 0.05


@pytest.mark.parametrize(
    ("changes", "device", "said"),
    [
        ({"lr": 10.0, "optimizer": "sgd", "momentum": 0.99}, "cpu", "diverged in epoch .* try a tenth"),
        ({"class_weights": {"Skirt": 2.0}}, "cpu", "did you mean 'Shirt'"),
        ({"augmentation": [{"name": "flip", "classes": ["Boots"]}]}, "cpu", "unknown class 'Boots'"),
        ({}, "cudaa", "did you mean 'cuda'"),
    ],
)
def test_mistakes_are_named(changes: dict, device: str, said: str, data: Dataset) -> None:
    with pytest.raises(UserError, match=said):
        train.train(TINY.but(**changes), data, device, precision="fp32")


def test_a_net_that_answers_with_no_number_is_not_stored(data: Dataset) -> None:
    """Its last step may have spoilt it, after the last loss that was looked at."""
    trainer = Trainer(TINY, data, torch.device("cpu"))
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="diverged at its end .its net answers .* try a tenth"):
        trainer.evaluate()


def test_normalization_is_the_published_one(data: Dataset) -> None:
    assert normalization(data.train_images) == pytest.approx((0.2860, 0.3530), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RECIPES, *recipes.RECIPES])
def test_no_tensor_is_left_on_the_wrong_device(name: str, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch, forward pass, loss, optimizer and schedule on a pretended GPU (autograd cannot be pretended)."""
    monkeypatch.setattr(train, "normalization", lambda images: (0.3, 0.35))
    monkeypatch.setattr(train, "split", lambda *_: (torch.arange(600), torch.arange(600, 700)))
    monkeypatch.setattr(train, "sample", lambda labels, n: torch.arange(min(n, len(labels))))
    build = train.models.build

    def build_there(*args: object, **options: object) -> torch.nn.Module:
        with torch.device("cuda"):
            return build(*args, **options)

    # Fake weights cannot be moved: the model alone is built on the device, everything else must find it.
    monkeypatch.setattr(train.models, "build", build_there)
    monkeypatch.setattr(torch.nn.Module, "to", lambda model, *args, **options: model)
    with FakeTensorMode(allow_non_fake_inputs=True):
        recipe = (RECIPES | recipes.RECIPES)[name]
        trainer = Trainer(recipe.but(ema=0.0), data, torch.device("cuda"))
        images, targets = trainer.batch(trainer.training[:50], 0)
        logits = trainer.model(images)
        loss = F.cross_entropy(logits, targets, weight=trainer.class_weights)
        for weight in trainer.model.parameters():
            weight.grad = torch.zeros_like(weight)
        trainer.optimizer.step()
        assert {tensor.device.type for tensor in (images, targets, logits, loss)} == {"cuda"}


def test_making_a_trainer_does_not_reseed(data: Dataset) -> None:
    torch.manual_seed(5)
    first, second = (Trainer(TINY, data, torch.device("cpu")) for _ in range(2))
    weights = (trainer.model.state_dict()["classifier.1.weight"] for trainer in (first, second))
    assert not torch.equal(*weights)
