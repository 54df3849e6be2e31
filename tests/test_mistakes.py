"""What a report shows of single mistakes: which images, what every seed says of them, and their pictures."""

from __future__ import annotations

import base64
import dataclasses
import io

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

from fmnist_utils import Dataset, Experiment, Group, Run, metrics, plots
from fmnist_utils.analysis import mistakes

SHIRT, COAT, TSHIRT = 6, 4, 0


def of(data: Dataset, *changes: dict[int, int]) -> metrics.Mistakes:
    """What runs say that are right but for `changes`: {image: answer}, a run each; all with a confidence of 60 %."""
    predictions = np.stack([data.test_labels.numpy()] * len(changes))
    for answers, change in zip(predictions, changes, strict=True):
        answers[list(change)] = list(change.values())
    return metrics.Mistakes(data, predictions, np.full(predictions.shape, 0.6), ("seed 0", "seed 1")[: len(changes)])


@pytest.fixture(scope="module")
def shirts(data: Dataset) -> list[int]:
    """The first images of shirts in the test part."""
    return np.flatnonzero(data.test_labels.numpy() == SHIRT)[:3].tolist()


def test_an_image_counts_once_in_every_cell_that_a_seed_puts_it_into(data: Dataset, shirts: list[int]) -> None:
    first, second, third = shirts
    found = of(data, {first: COAT, second: COAT}, {first: COAT, second: TSHIRT, third: TSHIRT})
    counts = found.counts
    assert (counts[SHIRT, COAT], counts[SHIRT, TSHIRT], counts[SHIRT, SHIRT]) == (2, 2, 997)
    assert counts.sum() == 10_000 - 3 + 4
    assert found.cell(SHIRT, COAT).tolist() == [first, second]
    assert found.cell(SHIRT, TSHIRT).tolist() == [second, third]
    assert found.right == "9,997 of 10,000 images right for both seeds"
    assert found.note.endswith(
        " The largest number of mistakes, 2 (such as Shirt taken for T-shirt/top), is 1 for a single seed on average."
    )
    assert "largest" not in of(data, {}, {}).note and of(data, {first: COAT}).note == "Every number counts test images."


def test_of_one_run_it_is_the_confusion_matrix(data: Dataset) -> None:
    answers = np.random.default_rng(0).integers(0, 10, 10_000)
    found = metrics.Mistakes(data, answers[None], np.full((1, 10_000), 0.6))
    assert (found.counts == metrics.confusion(data.test_labels.numpy(), answers, 10)).all()


def test_the_surest_mistakes_come_first_with_what_every_seed_says(data: Dataset, shirts: list[int]) -> None:
    first, second, third = shirts
    found = of(data, {first: COAT, second: COAT, third: COAT}, {second: TSHIRT})
    found.confidence[:, [first, second, third]] = [[0.4, 0.501, 0.7], [0.999, 0.9, 0.6]]
    content = found.content()
    assert content is not None
    # a seed that is right does not make a mistake sure
    assert content["images"] == f"{second},6,4,50,0,90;{third},6,4,70,6,60;{first},6,4,40,6,100"
    assert (content["runs"], content["classes"][TSHIRT]) == (["seed 0", "seed 1"], "T-shirt/top")


def test_the_sprite_holds_the_pictures_in_this_order(data: Dataset) -> None:
    answers = (data.test_labels.numpy() + 1) % 10
    answers[1500:] = data.test_labels.numpy()[1500:]
    content = metrics.Mistakes(data, answers[None], np.full((1, 10_000), 0.6)).content()
    assert content is not None
    sprite = base64.b64decode(content["sprite"])
    assert len(sprite) <= mistakes.SPRITE_SIZE
    sheet = 255.0 - np.asarray(Image.open(io.BytesIO(sprite)).convert("L"))
    assert sheet.shape == (38 * 28, 40 * 28)
    tiles = sheet.reshape(38, 28, 40, 28).swapaxes(1, 2).reshape(-1, 28, 28)
    order = [int(row.split(",")[0]) for row in content["images"].split(";")]
    difference = np.abs(tiles[: len(order)] - data.test_images.numpy()[order]).mean((1, 2))
    assert difference.max() < 16
    assert tiles[len(order) :].max() < 16  # the rest is white


def test_the_pictures_of_a_bad_model_are_coarser_and_no_larger(data: Dataset) -> None:
    wrong = ((data.test_labels.numpy() + 1) % 10)[None]
    content = metrics.Mistakes(data, wrong, np.full(wrong.shape, 0.6)).content()
    assert content is not None
    assert content["images"].count(";") == 9_999
    assert len(content["sprite"]) + len(content["images"]) < 700_000


def test_nothing_or_too_much_leaves_the_figure_alone(data: Dataset) -> None:
    assert of(data, {}).content() is None
    twice = dataclasses.replace(
        data, test_images=data.test_images.repeat(2, 1, 1), test_labels=data.test_labels.repeat(2)
    )
    wrong = ((twice.test_labels.numpy() + 1) % 10)[None]
    assert metrics.Mistakes(twice, wrong, np.full(wrong.shape, 0.6)).content() is None
    many = dataclasses.replace(data, class_names=tuple(f"class {i}" for i in range(65)))
    assert of(many, {0: 0}).content() is None


def test_the_figure_and_the_table_say_the_same(data: Dataset, shirts: list[int]) -> None:
    InteractiveShell.instance()
    found = of(data, dict.fromkeys(shirts, COAT), {shirts[0]: TSHIRT})
    with capture_output() as captured:
        plots.mistakes(found, "Mistakes", turned=True)
    (output,) = captured.outputs
    assert output.data[mistakes.MIME]["counts"] == found.counts.tolist()
    assert output.data[mistakes.MIME]["turned"] is True
    assert output.metadata["image/png"]["alt"] == (
        "Mistakes: confusion matrix of 10 classes, 9,997 of 10,000 images right for both seeds. "
        "Most frequent mistakes: Shirt taken for Coat 3; Shirt taken for T-shirt/top 1."
    )


def test_a_group_says_how_sure_every_seed_is_of_its_answer(data: Dataset) -> None:
    probabilities = np.full((10_000, 10), 0.05, np.float32)
    probabilities[:, COAT] = 0.55
    labels = data.test_labels.numpy()
    runs = [Run(Experiment(seed=seed), "key", [], probabilities, labels, 1, 1, 1, {}) for seed in (3, 7)]
    found = Group(runs).mistakes(data)
    assert found.runs == ("seed 3", "seed 7")
    assert (found.predictions == COAT).all() and found.confidence == pytest.approx(0.55)
    assert found.wrong.sum() == 2 * 9_000
