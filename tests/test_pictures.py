"""Pictures of one's own: they reach the net in the form of the data that it was trained on."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fmnist_utils import Dataset, Experiment, Run, UserError, load_dataset, load_run, run_all
from fmnist_utils.basics.system import PUBLISHED
from fmnist_utils.data import pictures

TINY = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    run_all([TINY, TINY.but(epochs=2)], out)
    return out


@pytest.fixture(scope="module")
def run(out: Path) -> Run:
    return load_run("cnn-small", out)


def test_a_run_is_found_by_its_model_the_longest_one_first_or_by_its_key(
    out: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.experiment.epochs == 2
    [other] = run_all(TINY, out)
    capsys.readouterr()
    assert load_run("cnn-small", out) and capsys.readouterr().out == ""
    [third] = run_all(TINY.but(epochs=2, lr=0.002), out)
    assert load_run("cnn-small", out).key in (run.key, third.key)
    assert re.search(r"^Run \w+, though \w+ would do as well: a key in", capsys.readouterr().out, re.MULTILINE)
    shutil.rmtree(out / "runs" / third.key)
    assert load_run(other.key[:8], out).key == other.key
    (out / "runs" / run.key / "weights.safetensors").rename(out / "moved")
    assert load_run("cnn-small", out).key == other.key, "one without weights is of less use"
    (out / "moved").rename(out / "runs" / run.key / "weights.safetensors")
    with pytest.raises(
        UserError, match=r"no finished run 'cnn-smal' in .*; did you mean 'cnn-small'\? \(models: cnn-s"
    ):
        load_run("cnn-smal", out)
    for odd in (None, 5, ["cnn-small"]):
        with pytest.raises(UserError, match="names no run: give the beginning of its key, or its model's name"):
            load_run(odd, out)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="nowhere is not a folder: name one of reports, or leave it out"):
        load_run("cnn-small", "nowhere")
    for place, said in ((5, "'5' cannot be a path"), (" ", "' ' cannot be a path: it is blank")):
        with pytest.raises(UserError, match=said):
            load_run("cnn-small", place)  # type: ignore[arg-type]


def test_a_beginning_of_several_keys_is_refused() -> None:
    with pytest.raises(UserError, match=r"^'33d0' begins 2 keys \(33d0.*33d0.*\): write more of it$"):
        load_run("33d0", PUBLISHED)


def test_test_images_get_the_probabilities_that_were_stored(run: Run, data: Dataset) -> None:
    images = data.test_images[:300].numpy()
    table = run.predict(images)
    assert list(table.columns) == list(data.class_names)
    assert table.to_numpy() == pytest.approx(run.test_probabilities[:300], abs=0.03)  # stored as rounded logits
    assert run.predict(images[7]).to_numpy() == pytest.approx(table.to_numpy()[[7]], abs=1e-5)


def test_tensors_of_any_kind_are_pictures(run: Run, data: Dataset) -> None:
    images = data.test_images[:3]
    expected = run.predict(images.numpy()).to_numpy()
    exact = (images / 255).requires_grad_()
    for given in (images, list(images), exact, list(exact)):
        assert run.predict(given).to_numpy() == pytest.approx(expected, abs=1e-5)
    rounded = (images / 255).to(torch.bfloat16)
    assert run.predict(rounded).to_numpy() == pytest.approx(expected, abs=0.02)


def test_slips_are_told_in_a_line(run: Run, data: Dataset) -> None:
    for invert in ("yes", float("nan"), 2):
        with pytest.raises(UserError, match="invert = .*: True if dark is ink"):
            run.predict(data.test_images[:2], invert=invert)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"the shape \(4, 784\) is no picture: give several as \(n, 28, 28\)"):
        run.predict(data.test_images[:4].reshape(4, 784))
    with pytest.raises(UserError, match=r"'mnist' is no data set: give load_dataset\("):
        run.predict(data.test_images[:2], data="mnist")  # type: ignore[arg-type]


def test_files_and_arrays_of_other_forms_are_brought_to_the_same(run: Run, data: Dataset, tmp_path: Path) -> None:
    image = data.test_images[0].numpy()
    large = Image.fromarray(image).resize((280, 280), Image.Resampling.NEAREST)
    Image.fromarray(255 - np.asarray(large)).convert("RGB").save(tmp_path / "dark on light.png")
    large.save(tmp_path / "light on dark.png")
    expected = run.predict(image).to_numpy()
    for given in (large, [large], tmp_path / "dark on light.png", str(tmp_path / "light on dark.png"),
                  np.asarray(large) / 255.0, np.stack([255 - np.asarray(large)] * 3, -1)):  # fmt: skip
        table = run.predict(given)
        assert table.to_numpy() == pytest.approx(expected, abs=0.05)
    both = run.predict([tmp_path / "light on dark.png", image])
    assert list(both.index) == ["light on dark.png", "1"]
    (tmp_path / "more").mkdir()
    large.save(tmp_path / "more" / "light on dark.png")
    files = [str(tmp_path / "light on dark.png"), str(tmp_path / "more" / "light on dark.png")]
    assert list(run.predict(files).index) == files, "two of one name are told apart by their folders"
    other = run.predict(tmp_path / "light on dark.png", invert=True).to_numpy()
    assert np.abs(other - expected).max() > 0.05


def test_what_cannot_be_classified_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("no image")
    long = tmp_path / ("n" * 120 + ".png")
    long.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    os.mkfifo(tmp_path / "pipe.png")
    for given, said in (
        (tmp_path / "x.png", "x.png is not a readable image"),
        (long, r"is not a readable image \(it is none of BMP, .*\)"),  # else PIL would have Ghostscript execute it
        (tmp_path / "pipe.png", r"pipe.png is not a readable image \(it is a pipe or a device\)"),
        (tmp_path / "nowhere.png", "nowhere.png is not there: give the path of an image file"),
        (tmp_path, r"is not a readable image \(Is a directory\)"),
        ([], "there are no pictures to classify"),
        (np.zeros((30, 30), np.uint8), "picture 0 has no contrast"),
        ([np.zeros((30, 30), np.uint8)] * 2, "picture 0, picture 1 have no contrast, .*: remove them"),
        (np.zeros((2, 3, 4, 5)), "picture 0 is not a readable image .its shape is"),
        (None, "picture 0 is not a readable image .its shape is"),
        (5, "its shape is "),
        (np.array([["a", "b"]]), "but must be numbers"),
        (np.eye(9) * 1j, "but must be numbers"),
        (np.full((9, 9, 3), np.nan), "levels below 0, too large, or that are no numbers"),
        (np.eye(9) * 1e6, r"picture 0 cannot be read: its levels go to 1e\+06, but must be at most 65535"),
        (np.stack([np.eye(9) * 1e6] * 3, -1), r"its levels go to 1e\+06, but must be at most 65535"),
        (np.eye(9, dtype=np.int64) * 2**33, "levels below 0, too large, or that are no numbers"),
        ("x" * 5000, "is not a readable image .File name too long"),
    ):
        with pytest.raises(UserError, match=said) as caught:
            run.predict(given)
        assert len(str(caught.value)) < 300


def test_colours_count_in_whatever_numbers_they_are(run: Run, data: Dataset) -> None:
    """Lists of whole numbers, 16 bits, floats to 1 and to 255, an image in memory: all are the same picture."""
    image = np.stack([data.test_images[0].numpy()] * 3, -1)
    expected = run.predict(image).to_numpy()
    whole = image.astype(np.int64)
    for given in (
        whole,
        whole.astype(np.uint16) * 257,
        image / 255.0,
        image * 1.0,
        [whole.tolist()],
        Image.fromarray(image),
    ):
        assert run.predict(given).to_numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_floats_that_resizing_took_a_little_beyond_white_are_no_darker_for_it(channels: int, data: Dataset) -> None:
    image = np.repeat(data.test_images[0].numpy()[..., None], channels, -1)
    beyond = image / 255.0
    beyond[beyond == 1] = 1.02
    assert np.array_equal(pictures.read([beyond]).images, pictures.read([image]).images)


def test_a_blank_image_of_the_data_sets_form_is_taken_as_it_is(run: Run) -> None:
    """A data set may hold one; the series shows what the net says of its first test images."""
    assert run.predict(np.zeros((2, 28, 28), np.uint8)).sum(axis=1).to_numpy() == pytest.approx(1)


def test_what_turning_pictures_took_away_is_said_with_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    for name in ("apple", "pear"):
        (tmp_path / name).mkdir()
        for i in range(21):
            colours = generator.integers(0, 100, (40 if i else 28, 30 if i else 28, 3), np.uint8)
            colours[..., 1:] = colours[..., :1] if i % 2 else colours[..., 1:]
            Image.fromarray(colours).save(tmp_path / name / f"{i}.png")
    data = load_dataset(str(tmp_path))
    said = "of 42 pictures: 40 brought to 28 x 28 pixels; 22 turned from colour to grey levels"
    assert data.changes == said
    assert capsys.readouterr().out == f"{tmp_path}: {said}\n"
    assert 1 <= len(data.before) <= 8
    assert {data.class_names[data.train_labels[place]] for place in data.before} == {"apple", "pear"}
    assert all(picture.shape == (112, 112, 3) for picture in data.before.values())
    place, picture = next(iter(data.before.items()))
    again = pictures.read([picture]).images[0].astype(int)
    assert np.abs(again - data.train_images[place].numpy()).mean() < 12, "it is the same picture"


def test_frames_behind_the_first_are_said_to_be_left_out(tmp_path: Path) -> None:
    first, second = (Image.fromarray(np.eye(28, dtype=np.uint8) * level) for level in (200, 90))
    for name in ("a.gif", "b.tiff", "c.png"):
        first.save(tmp_path / name, **({} if name == "c.png" else {"save_all": True, "append_images": [second]}))
    found = pictures.read(sorted(tmp_path.iterdir()))
    assert found.changes.endswith("of 3 pictures: 2 of several frames or pages, of which the first are read")
    assert (found.images.max((1, 2)) > 150).all()


def test_published_files_are_taken_as_they_are(data: Dataset) -> None:
    assert (data.changes, data.before) == ("", {})
