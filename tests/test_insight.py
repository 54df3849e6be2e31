"""What a trained net makes of images: features, attributions, and what it says of pictures of no class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fmnist_utils import Dataset, Experiment, Run, UserError, load_dataset, models, run_all, strangers, trust
from fmnist_utils.data import locate
from fmnist_utils.training.attribution import attributions
from fmnist_utils.training.evaluate import features, normalization, normalized, probabilities


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    wanted = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1, optimizer="muon", lr=0.02)
    return run_all(wanted, str(tmp_path_factory.mktemp("out")))[0]


# --- features ---


@pytest.mark.parametrize("name", [name for name in models.names() if name != "cnn-23m"])
def test_every_models_features_give_its_answers(name: str, data: Dataset) -> None:
    """The last dense layer, applied to them, makes the probabilities."""
    torch.manual_seed(0)
    model, images = models.build(name, 10).eval(), data.test_images[:7]
    scale = normalization(data.train_images[:1000])
    found = features(model, images, *scale)
    assert found.dtype == torch.float32 and found.ndim == 2 and len(found) == 7
    last = [layer for layer in model.modules() if isinstance(layer, nn.Linear)][-1]
    torch.testing.assert_close(last(found).softmax(1), probabilities(model, images, *scale), atol=1e-4, rtol=1e-3)
    assert not any(layer._forward_pre_hooks for layer in model.modules()), "nothing is left on the model"


def test_a_net_without_a_dense_layer_is_refused(data: Dataset) -> None:
    with pytest.raises(UserError, match="Sequential has no dense layer"):
        features(nn.Sequential(nn.Flatten()), data.test_images[:2], 0.3, 0.3)


def test_a_run_gives_features_and_probabilities_of_its_own_data_alone(run: Run, data: Dataset, tmp_path: Path) -> None:
    images = data.test_images[:600]
    assert run.probabilities(images, data) == pytest.approx(run.test_probabilities[:600], abs=0.02)
    assert run.features(images.numpy(), data).shape == (600, 8 * 14 * 14)
    assert run.predict(images[0].numpy(), data=data).to_numpy() == pytest.approx(run.test_probabilities[:1], abs=0.03)
    from data_files import own

    other = load_dataset(str(own(tmp_path / "own", train_labels=(0, 1) * 12, test_labels=(0, 1) * 4, images=24)))
    for asked in (run.probabilities, run.features):
        with pytest.raises(UserError, match="was trained on other images"):
            asked(images, other)
    with pytest.raises(UserError, match="was trained on other images"):
        run.predict(images[0].numpy(), data=other)


def test_images_of_another_form_are_told_in_a_line(run: Run, data: Dataset) -> None:
    images = data.test_images
    for ask in (run.probabilities, run.features, lambda given, data: run.attributions(given, data, 0, 6)):
        for odd in (images[0], images[:2] / 255, images[:2, :20], images[:0], images[:2, None]):
            with pytest.raises(UserError, match=r"images of the form .* are not allowed, must be uint8 \(n, 28, 28\)"):
                ask(odd, data)
        with pytest.raises(UserError, match=r"'fashion-mnist' is no data set: give load_dataset\('fashion-mnist'\)"):
            ask(images[:2], "fashion-mnist")  # type: ignore[arg-type]
    for first, second in ((10, 0), (0, -1), ("Coat", 0), (0, [1])):
        with pytest.raises(UserError, match="class .* is not allowed, must be a number from 0 to 9"):
            run.attributions(images[:2], data, first, second)  # type: ignore[arg-type]


# --- attributions ---


def test_attributions_add_up_to_the_difference_of_the_scores(run: Run, data: Dataset) -> None:
    images, model, scale = data.test_images[:20], run.model(), normalization(data.train_images)
    found = attributions(model, images, *scale, 0, 6, steps=200)
    with torch.no_grad():
        logits, black = (model(normalized(x, *scale)) for x in (images, 0 * images[:1]))
    margin = (logits[:, 0] - logits[:, 6]) - (black[:, 0] - black[:, 6])
    assert found.shape == images.shape
    torch.testing.assert_close(found.sum((1, 2)), margin, atol=0.02 * margin.abs().max().item(), rtol=0.02)
    assert (found[images == 0] == 0).all(), "a black pixel adds nothing"
    torch.testing.assert_close(attributions(model, images, *scale, 6, 0, steps=200), -found, atol=1e-5, rtol=1e-3)


def test_a_linear_net_is_handed_back_its_weights(data: Dataset) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).eval()
    images, (mean, std) = data.test_images[:5], normalization(data.train_images[:1000])
    found = attributions(net, images, mean, std, 2, 4)
    weight = (net[1].weight[2] - net[1].weight[4]).detach().view(28, 28)
    torch.testing.assert_close(found, weight * images.float() / 255 / std, atol=1e-5, rtol=1e-4)


def test_the_share_of_the_first_class_is_half_on_the_boundary() -> None:
    table = np.array([[0.2, 0.6, 0.2], [0.5, 0.1, 0.0], [0.0, 1.0, 0.0], [0.3, 0.0, 0.1]])
    assert trust.share_of_first(table, 0, 2) == pytest.approx([0.5, 1.0, 0.5, 0.75])


def test_tenths_begin_with_the_surest() -> None:
    sure = np.array([0.5, 0.99, 0.7, 0.8, 0.6, 0.9, 0.55, 0.65, 0.75, 0.85])
    assert trust.tenths(np.stack([sure, 1 - sure], 1)).tolist() == [9, 0, 5, 3, 7, 1, 8, 6, 4, 2]
    assert np.bincount(trust.tenths(np.random.default_rng(0).random((1000, 3)))).tolist() == [100] * 10
    assert trust.tenths([[0.6, 0.4], [0.1, 0.9]]).tolist() == [5, 0]


# --- pictures of no class ---


def test_what_is_no_data_set_has_no_strangers() -> None:
    with pytest.raises(UserError, match="strangers takes a data set, as load_dataset gives it, not 3"):
        strangers(3)  # type: ignore[arg-type]


def test_strangers_are_what_they_are_called(data: Dataset) -> None:
    found = strangers(data, 50)
    blank, noise, shuffled, inverted, others = found.values()
    assert list(found)[:4] == ["blank", "noise", "shuffled pixels", "inverted"]
    assert all(images.dtype == torch.uint8 and images.shape[1:] == (28, 28) for images in found.values())
    assert (blank.flatten(1).max(1).values == blank.flatten(1).min(1).values).all()
    assert len(blank.unique()) == 256 and len(noise.unique()) == 256
    assert (255 - inverted).equal(data.test_images[:50])
    assert shuffled.flatten(1).sort(1).values.equal(data.test_images[:50].flatten(1).sort(1).values)
    assert not shuffled.equal(data.test_images[:50])
    assert len(noise) == len(shuffled) == len(inverted) == len(others) == 50
    assert all(first.equal(second) for first, second in zip(found.values(), strangers(data, 50).values(), strict=True))


def test_negatives_and_shuffled_images_are_of_all_classes_where_test_images_stand_class_by_class(data: Dataset) -> None:
    order = data.test_labels.argsort(stable=True)
    ordered = replace(data, test_images=data.test_images[order], test_labels=data.test_labels[order])
    _, _, shuffled, inverted, _ = strangers(ordered, 50).values()
    known = {
        image.numpy().tobytes(): int(label) for image, label in zip(data.test_images, data.test_labels, strict=True)
    }
    labels = [known[(255 - image).numpy().tobytes()] for image in inverted]
    assert np.bincount(labels).tolist() == [5] * 10
    assert shuffled.flatten(1).sort(1).values.equal((255 - inverted).flatten(1).sort(1).values)


def test_digits_are_those_of_mnist_where_it_is_here(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "SYSTEM", tmp_path)
    monkeypatch.setattr(locate.system, "ROOT", tmp_path)
    name, digits = list(strangers(data, 30).items())[-1]
    assert name == "digits of scikit-learn" and len(digits) == 30
    assert (digits.flatten(1).max(1).values > 200).all() and (digits[:, :4] == 0).all()
    assert list(strangers(replace(data, name="mnist"), 30))[-1] == "inverted", "digits are no strangers to MNIST"
