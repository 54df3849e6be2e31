"""The data sets: where they are found, what is said when they are not right, how they are split."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from data_files import complaint, idx, own, place, real
from PIL import Image

from fmnist_utils.basics import system
from fmnist_utils.basics.errors import UserError
from fmnist_utils.data import locate as places
from fmnist_utils.data.dataset import load_dataset, sample, split
from fmnist_utils.data.locate import FILES, KNOWN, fingerprint, locate, uncompressed

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


# --- the published data sets ---


def test_fashion_mnist_is_the_real_one(data):
    assert (data.name, data.class_names[0], data.class_names[9]) == (
        "fashion-mnist",
        "T-shirt/top",
        "Ankle boot",
    )
    assert data.train_images.shape == (60_000, 28, 28) and data.train_images.dtype == torch.uint8
    assert data.test_images.shape == (10_000, 28, 28) and data.test_labels.dtype == torch.int64
    assert data.train_labels.bincount().tolist() == [6_000] * 10
    assert data.test_labels.bincount().tolist() == [1_000] * 10
    assert data.train_images.double().mean() / 255 == pytest.approx(0.2860, abs=5e-5)  # as published
    assert data.to("meta").test_images.device.type == "meta"


def test_torchvision_layout_and_plain_files_are_the_same_data(data, plain, tmp_path):
    place(tmp_path / "FashionMNIST" / "raw", train_labels=plain[TRAIN_LABELS], test_images=plain[TEST_IMAGES])
    found = load_dataset("Fashion-MNIST", tmp_path)
    assert (found.name, found.checksum) == (data.name, data.checksum)
    assert found.source.endswith("raw")


def test_known_content_in_a_folder_keeps_its_name(data, tmp_path):
    found = load_dataset(str(place(tmp_path / "anything")))
    assert (found.name, found.class_names) == ("fashion-mnist", data.class_names)
    assert found.checksum == data.checksum
    (tmp_path / "anything" / "classes.txt").write_text("\n".join(data.class_names))
    assert load_dataset(str(tmp_path / "anything")).name == "fashion-mnist"
    names = tuple(["Hemd", "Hose", "Pulli", "Kleid", "Mantel", "Sandale", "Bluse", "Turnschuh", "Tasche", "Stiefel"])
    (tmp_path / "anything" / "classes.txt").write_text("\n".join(names))
    found = load_dataset(str(tmp_path / "anything"))
    assert (found.name, found.class_names) == ("anything", names)


def test_project_data_goes_before_the_system_copy(tmp_path, monkeypatch):
    for layout in ("data/FashionMNIST/raw", "data", "data/fashion-mnist"):  # the last one found goes first
        folder = place(tmp_path / layout)
        monkeypatch.setattr(system, "ROOT", tmp_path)
        assert locate().folder == folder
        monkeypatch.undo()
    (folder / real()[TEST_LABELS].name).unlink()  # not whole: the next place
    monkeypatch.setattr(system, "ROOT", tmp_path)
    assert locate().folder == tmp_path / "data"


def test_missing_files_are_named(plain, tmp_path):
    place(tmp_path / "fashion-mnist", test_labels=b"")
    message = complaint(data_dir=tmp_path)
    (tmp_path / "empty").mkdir()
    assert len(complaint(data_dir=tmp_path / "empty").replace(str(tmp_path), "")) <= 300
    assert "missing" in message and f"fashion-mnist (which lacks {TEST_LABELS})" in message
    assert "apt-get install" in message and "DATA_DIR" in message and "by hand" in message


def test_unknown_names(tmp_path):
    assert "did you mean 'fashion-mnist'" in complaint("fashion_mnist")
    assert "mnist, or a path" in complaint("cifar")
    assert "not a folder" in complaint("no/such/folder")
    assert "not a folder" in complaint(data_dir="no-such-folder")
    assert "leave data_dir" in complaint(str(own(tmp_path)), tmp_path)


def test_truncated(plain, tmp_path):
    packed = gzip.compress(plain[TEST_LABELS])
    place(tmp_path / "gz", test_labels=packed[: len(packed) // 2])
    place(tmp_path / "plain", test_images=plain[TEST_IMAGES][:-1])
    place(tmp_path / "head", train_labels=plain[TRAIN_LABELS][:5])
    for folder, stem in (("gz", TEST_LABELS), ("plain", TEST_IMAGES), ("head", TRAIN_LABELS)):
        message = complaint(data_dir=tmp_path / folder)
        assert f"{stem} is truncated" in message


def test_damaged(plain, tmp_path):
    packed = bytearray(gzip.compress(plain[TEST_LABELS]))
    packed[-6] ^= 1  # in the CRC
    labels = bytearray(plain[TEST_LABELS])
    labels[-1] ^= 1
    cases = {
        "crc": packed,
        "sum": labels,
        "tail": plain[TEST_LABELS] + b"\0",
        "html": b"<html>Not found</html>",
    }
    for name, content in cases.items():
        place(tmp_path / name, test_labels=bytes(content))
        assert f"{TEST_LABELS} is damaged" in complaint(data_dir=tmp_path / name)
    place(tmp_path / "zeros", test_images=plain[TEST_IMAGES][:16] + bytes(10_000 * 28 * 28))
    assert f"{TEST_IMAGES} is damaged" in complaint(data_dir=tmp_path / "zeros")


@pytest.mark.parametrize(
    ("key", "stem", "pairs"),
    [
        ("train_images", TRAIN_IMAGES, ((601, 39865), (831, 24228), (1826, 23718))),
        ("test_images", TEST_IMAGES, ((6334, 8569),)),
    ],
)
def test_files_before_2017_08_31(key, stem, pairs, plain, tmp_path):
    content = bytearray(plain[stem])
    for first, second in pairs:
        start, size = 16 + first * 784, 784
        assert content[start : start + size] != content[16 + second * 784 :][:size]
        content[16 + second * 784 : 16 + (second + 1) * 784] = content[start : start + size]
    message = complaint(data_dir=place(tmp_path, **{key: bytes(content)}))
    assert stem in message and "before 2017-08-31" in message


def test_mnist_in_fashion_mnists_place(plain, tmp_path, monkeypatch):
    shared = system.ROOT.parent / "shared" / "data" / "mnist"
    if shared.is_dir():
        labels = uncompressed(shared / f"{TEST_LABELS}.gz")
    else:  # no MNIST on this machine: let the reversed labels be MNIST's
        labels = plain[TEST_LABELS][:8] + plain[TEST_LABELS][:7:-1]
        md5 = (*KNOWN["mnist"].md5[:3], places.md5(labels))
        monkeypatch.setitem(KNOWN, "mnist", replace(KNOWN["mnist"], md5=md5))
    message = complaint(data_dir=place(tmp_path, test_labels=labels))
    assert f"{TEST_LABELS} is MNIST, not Fashion-MNIST" in message


def test_fashion_mnist_in_mnists_place(tmp_path):
    assert "is Fashion-MNIST, not MNIST" in complaint("MNIST", place(tmp_path))


def test_no_permission(tmp_path):
    if os.name != "posix":
        pytest.skip("needs POSIX permissions")
    folder = Path(tempfile.mkdtemp())  # tmp_path itself is closed to the other user that root becomes below
    try:
        folder.chmod(0o755)
        path = own(folder) / TEST_LABELS
        path.chmod(0)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            message = complaint(str(folder))
        finally:
            if root:
                os.seteuid(0)
    finally:
        shutil.rmtree(folder)
    assert f"cannot read or write {path}: Permission denied" in message


# --- one's own folders ---


def test_own_idx_folder(tmp_path, monkeypatch):
    found = load_dataset(str(own(tmp_path / "clothes")))
    assert (found.name, found.class_names) == ("clothes", ("0", "1", "2"))
    assert found.train_labels.tolist() == [0, 1, 2, 0] and found.test_labels.tolist() == [2, 1]
    monkeypatch.chdir(tmp_path)
    assert load_dataset("clothes").checksum == found.checksum
    (tmp_path / "clothes" / "classes.txt").write_text("cap\nhat\n\nboot & shoe\n")
    assert load_dataset("./clothes").class_names == ("cap", "hat", "boot & shoe")
    assert load_dataset(str(own(tmp_path / "mnist"))).name == "mnist (folder)"  # not to be taken for MNIST


def test_checksum_is_the_contents(tmp_path):
    first = load_dataset(str(own(tmp_path / "a")))
    (tmp_path / "b" / "raw").mkdir(parents=True)
    for stem in FILES:
        content = (tmp_path / "a" / stem).read_bytes()
        (tmp_path / "b" / "raw" / f"{stem}.gz").write_bytes(gzip.compress(content))
    assert load_dataset(str(tmp_path / "b")).checksum == first.checksum
    assert load_dataset(str(own(tmp_path / "c", (0, 1, 2, 1)))).checksum != first.checksum


def test_own_idx_folder_that_does_not_fit(tmp_path):
    assert "32 x 32" in complaint(str(own(tmp_path / "size", side=32)))
    assert "5 images and 4 labels" in complaint(str(own(tmp_path / "count", images=5)))
    assert "test label 7" in complaint(str(own(tmp_path / "range", test_labels=(7, 1))))
    assert "one class" in complaint(str(own(tmp_path / "one", (0, 0, 0, 0), (0, 0))))
    folder = own(tmp_path / "names")
    (folder / "classes.txt").write_text("cap\nhat\n")
    assert "training label 2" in complaint(str(folder))
    (folder / "classes.txt").write_text("cap\nhat\ncap\n")
    assert "twice" in complaint(str(folder))
    (folder / TEST_IMAGES).unlink()
    assert f"lacks {TEST_IMAGES}" in complaint(str(folder))
    (tmp_path / "empty").mkdir()
    assert "holds no data set" in complaint(str(tmp_path / "empty"))


def pictures(folder: Path, n: int, gray: int, suffix: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        drawn(gray).convert("RGB").save(folder / f"{i:02}.{suffix}")


def drawn(gray: int, ink: int = 250) -> Image.Image:
    """An image with something on it: a ground of one gray, and a square of ink in the middle."""
    image = Image.new("L", (56, 56), gray)
    image.paste(ink, (16, 16, 40, 40))
    return image


def test_image_folders_with_a_test_part(tmp_path):
    for part, n in (("train", 4), ("test", 2)):
        pictures(tmp_path / part / "dark", n, 10)
        pictures(tmp_path / part / "light", n + 1, 100, "JPG")
    deep = Image.fromarray(np.asarray(drawn(100), np.uint16) * 256)
    deep.save(tmp_path / "test" / "dark" / "deep.png")
    (tmp_path / "train" / "dark" / ".hidden.png").write_text("no image")
    (tmp_path / "train" / "dark" / "notes.txt").write_text("no image")
    (tmp_path / "train" / ".cache").mkdir()
    found = load_dataset(str(tmp_path))
    assert found.class_names == ("dark", "light")
    assert found.train_labels.tolist() == [0] * 4 + [1] * 5 and found.test_labels.tolist() == [0] * 3 + [1] * 3
    assert found.train_images.shape == (9, 28, 28) and found.train_images.dtype == torch.uint8
    assert found.train_images[0, 0, 0] == 10 and found.train_images[0, 14, 14] == 250
    assert found.test_images[2, 0, 0] == 100 and found.test_images[2, 14, 14] == 249  # 16 bits, white at 65,535


def test_image_folders_get_a_fixed_test_part(tmp_path):
    for name, n in (("a", 21), ("b", 14), ("c", 3)):
        (tmp_path / name).mkdir()
        for i in range(n):
            image = Image.new("L", (28, 28))
            image.paste(10 * i + ord(name) - 96, (0, 0, 3, 3))
            image.save(tmp_path / name / f"{i:02}.png")
    found = load_dataset(str(tmp_path))
    assert found.test_labels.bincount().tolist() == [3, 2, 1]
    assert found.train_labels.bincount().tolist() == [18, 12, 2]
    train, test = (set(images[:, 0, 0].tolist()) for images in (found.train_images, found.test_images))
    assert len(train) == 32 and len(test) == 6 and not train & test
    assert load_dataset(str(tmp_path)).checksum == found.checksum


def test_image_folders_that_do_not_fit(tmp_path):
    pictures(tmp_path / "a", 3, 0)
    assert "holds no data set" in complaint(str(tmp_path))
    pictures(tmp_path / "b", 2, 0)
    assert f"{tmp_path / 'b'} has 2 images" in complaint(str(tmp_path))
    pictures(tmp_path / "b", 3, 0)
    broken = tmp_path / "b" / "01.png"
    for content in (b"no image", (tmp_path / "a" / "01.png").read_bytes()[:60]):
        broken.write_bytes(content)
        assert f"{broken} is not a readable image" in complaint(str(tmp_path))
    for part in ("train", "test"):
        pictures(tmp_path / "parts" / part / "a", 3, 0)
        pictures(tmp_path / "parts" / part / f"only {part}", 3, 0)
    assert "only one has only test, only train" in complaint(str(tmp_path / "parts"))
    for i in range(40):
        (tmp_path / "parts" / "train" / f"a class of a long name, number {i}").mkdir()
    assert len(complaint(str(tmp_path / "parts")).replace(str(tmp_path), "")) <= 300
    (tmp_path / "parts" / "train" / "only test").symlink_to(tmp_path / "unmounted")
    assert f"{tmp_path / 'parts' / 'train' / 'only test'} is a link to what is" in complaint(str(tmp_path / "parts"))


def test_a_class_in_two_spellings_of_unicode_is_told(tmp_path):
    for part, form in (("train", "NFC"), ("test", "NFD")):
        for name in ("a", unicodedata.normalize(form, "é")):
            pictures(tmp_path / part / name, 3, 0)
    assert "(the same letters, written in two ways of Unicode, as after a copy from macOS)" in complaint(str(tmp_path))


@pytest.mark.parametrize(
    ("parts", "hint"),
    [
        (("Train/a", "Train/b", "Test/a", "Test/b"), "; call 'Train' and 'Test' train and test, exactly so"),
        (("training/a", "training/b", "val/a", "val/b"), "; call 'training' and 'val' train and test, exactly so"),
        (("shapes/a", "shapes/b"), "; is {}/shapes meant?"),
        (("one/a", "two/b"), "of two or more classes"),
    ],
)
def test_folders_that_lack_little_are_told_what(parts, hint, tmp_path):
    for part in parts:
        pictures(tmp_path / part, 3, 0)
    assert complaint(str(tmp_path)).endswith(hint.format(tmp_path))


@pytest.mark.parametrize("litter", ["__MACOSX", "@eaDir", ".Trashes"])
def test_folders_that_systems_leave_behind_are_no_classes(litter, tmp_path):
    for name in ("a", "b", litter):
        pictures(tmp_path / name, 3, 0)
    assert load_dataset(str(tmp_path)).class_names == ("a", "b")


def test_names_of_classes_beside_folders_of_images_are_said_to_be_left_out(tmp_path, capsys):
    for name in ("a", "b"):
        pictures(tmp_path / name, 3, 0)
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    assert load_dataset(str(tmp_path)).class_names == ("a", "b")
    assert f"{tmp_path}: its classes.txt is not read, as the folders of the images name" in capsys.readouterr().out


def folder_of(folder: Path, *images: Image.Image, suffix: str = "png") -> Path:
    """Two classes, each of these images and enough others that are drawn light on dark."""
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number, image in enumerate(images):
            image.save(folder / name / f"{number}.{suffix}")
    return folder


def pixels(folder: Path) -> list[tuple[int, int]]:
    """Ground and ink of all images of class a, in the order of their names."""
    found = load_dataset(str(folder))
    images = torch.cat([found.train_images[found.train_labels == 0], found.test_images[found.test_labels == 0]])
    return sorted({(int(image[0, 0]), int(image[14, 14])) for image in images})


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_ink_on_a_transparent_ground_is_seen(ink: int, mode: str, tmp_path: Path) -> None:
    image = Image.new("RGBA", (56, 56), (ink, ink, ink, 0))
    image.paste((ink, ink, ink, 255), (16, 16, 40, 40))
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    assert pixels(folder_of(tmp_path / "data", *[image] * 4)) == [(0, 255)]


def test_a_light_ground_is_inverted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path / "paper", *[drawn(255, ink=20)] * 4)
    assert pixels(folder) == [(0, 235)]
    assert capsys.readouterr().out == (
        f"{folder}: of 8 pictures: 8 brought to 28 x 28 pixels; "
        "all inverted, since the ground of 100 % is light: ink is light now\n"
    )
    pixels(folder_of(tmp_path / "mixed", *[drawn(255, ink=20)] * 3, drawn(0)))
    assert "all inverted, since the ground of 75 % is light: their ink is light now, that of the others dark" in (
        capsys.readouterr().out
    )
    assert pixels(folder_of(tmp_path / "dark", *[drawn(0)] * 4)) == [(0, 250)]
    assert "inverted" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("dtype", "levels"),
    [
        (np.int32, [200, 100]),
        (np.int32, [200 * 257, 257]),
        (np.float32, [200 / 255, 100 / 255]),
        (np.float32, [200.0, 100.0]),
        (np.uint16, [200 * 257, 100 * 257]),
    ],
)
def test_levels_of_32_bits_keep_their_scale(dtype: type, levels: list[float], tmp_path: Path) -> None:
    square = np.asarray(drawn(0, 1))
    images = [Image.fromarray(square.astype(dtype) * dtype(level)) for level in levels]
    found = pixels(folder_of(tmp_path / "data", *images * 2, suffix="tif"))
    assert found == [(0, round(200 * level / levels[0])) for level in sorted(levels)]


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_levels_of_fewer_bits_than_their_files_have_room_for_keep_their_scale(
    bits: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As cameras and scanners write them: 16 bits a pixel, of which the first ones are 0."""
    levels = [np.asarray(drawn(20, ink), float) * (2**bits - 1) / 255 for ink in (250, 120)]
    found = pixels(folder_of(tmp_path / "data", *[Image.fromarray(deep.astype(np.uint16)) for deep in levels] * 2))
    assert [ink for _, ink in found] == pytest.approx([120, 250], abs=1)
    assert [ground for ground, _ in found] == pytest.approx([20, 20], abs=1)
    assert (f"of {bits} bits, to judge by the brightest, brought to 8" in capsys.readouterr().out) == (bits > 8)


def test_images_that_say_nothing_are_refused_by_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "blank", *[drawn(0)] * 4)
    Image.new("L", (28, 28), 77).save(folder / "a" / "1.png")
    assert f"{folder / 'a' / '1.png'} has no contrast" in complaint(str(folder))
    Image.new("RGBA", (28, 28)).save(folder / "a" / "1.png")
    assert f"{folder / 'a' / '1.png'} has no contrast" in complaint(str(folder))
    Image.fromarray(np.full((28, 28), np.nan, np.float32)).save(folder / "a" / "1.tif")
    assert "1.tif is not a readable image (levels below 0, or that are no numbers)" in complaint(str(folder))


def test_pictures_in_no_class_are_left_out_with_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path / "some", *[drawn(200)] * 8)
    names = sorted(path.name for path in folder.iterdir())
    shutil.copytree(folder, folder / "train")
    shutil.copytree(folder / names[0], folder / "train" / names[0] / "more" / "still more")
    for name in names:
        shutil.move(folder / name, folder / "test" / name)
    shutil.copytree(folder / "test" / names[0], folder / "val" / names[0])
    shutil.copy(next((folder / "test" / names[0]).iterdir()), folder / "cover.png")
    load_dataset(str(folder))
    left_out = f"., train/{names[0]}/more/still more, val/{names[0]}"
    said = f"{folder}: left out are the pictures directly in {left_out}, which are no classes of the data"
    assert said in capsys.readouterr().out


def test_a_data_set_is_split_by_its_labels(data) -> None:
    with pytest.raises(UserError, match=r"split takes the labels of the training images: split\(data.train_labels\)"):
        split(data)


def test_more_folds_than_images_are_refused() -> None:
    labels = torch.tensor([0, 1, 2] * 3)
    with pytest.raises(UserError, match="folds = 10 is not allowed, must be at most one for each of 9 training images"):
        [split(labels, folds=10, fold=fold) for fold in range(10)]


def test_what_is_no_picture_by_its_name_is_left_out_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path / "some", *[drawn(200)] * 8)
    for name in ("a/1.heic", "b/2.heic", "b/notes", "b/.hidden"):
        (folder / name).write_bytes(b"")
    (folder / "a" / "0.png").rename(folder / "a" / "0.jfif")
    data = load_dataset(str(folder))
    assert len(data.train_images) + len(data.test_images) == len([*folder.glob("*/*.png"), *folder.glob("*/*.jfif")])
    said = capsys.readouterr()
    assert f"{folder}: 3 files left out, no pictures by their endings: .heic, none" in said.out + said.err


def test_damaged_exif_data_do_not_lose_an_image(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            exif = b"Exif\0\0MM\0*" + bytes(random.Random(number).randbytes(40))
            drawn(10).save(folder / name / f"{number}.jpg", exif=exif)
    assert load_dataset(str(folder)).train_images.shape == (6, 28, 28)


def test_names_that_are_not_utf8_can_be_shown(tmp_path: Path) -> None:
    for name in (b"caf\xe9", b"caf\xe8"):
        place = os.fsencode(tmp_path) + b"/" + name
        os.mkdir(place)
        for number in range(4):
            drawn(10).save(os.path.join(os.fsdecode(place), f"{number}.png"))
    assert load_dataset(str(tmp_path)).class_names == ("caf\\xe8", "caf\\xe9")


def test_data_that_nothing_can_be_learned_from_are_refused(tmp_path: Path) -> None:
    alike = own(tmp_path / "alike", (2, 2, 2, 2))
    assert "all training images are of class 2" in complaint(str(alike))
    strange = own(tmp_path / "strange", (0, 1, 1, 0), (3, 2))
    (strange / "classes.txt").write_text("a\nb\nc\nd\n")
    assert "no test image is of a class that has training images" in complaint(str(strange))
    few = own(tmp_path / "few", (0, 1, 2), images=3)
    assert "3 training images are too few for 3 classes" in complaint(str(few))


# --- fingerprints ---


def test_fingerprint_follows_the_files(tmp_path):
    folder = own(tmp_path / "idx")
    first = fingerprint(str(folder))
    assert fingerprint(str(own(tmp_path / "copy"))) == first
    (folder / "classes.txt").write_text("a\nb\nc\n")
    named = fingerprint(str(folder))
    own(folder, test_labels=(1, 1))
    assert len({first, named, fingerprint(str(folder))}) == 3
    pictures(tmp_path / "images" / "a", 3, 0)
    pictures(tmp_path / "images" / "b", 3, 0)
    seen = {fingerprint(str(tmp_path / "images"))}
    os.utime(tmp_path / "images" / "a" / "00.png", (1, 1))
    seen.add(fingerprint(str(tmp_path / "images")))
    state = (tmp_path / "images" / "a" / "01.png").stat()  # another content of as many bytes, with the time of before
    (tmp_path / "images" / "a" / "01.png").write_bytes(b"x" * state.st_size)
    os.utime(tmp_path / "images" / "a" / "01.png", ns=(state.st_atime_ns, state.st_mtime_ns))
    seen.add(fingerprint(str(tmp_path / "images")))
    (tmp_path / "images" / "a" / "00.png").rename(tmp_path / "images" / "b" / "03.png")
    seen.add(fingerprint(str(tmp_path / "images")))
    assert len(seen) == 4


def test_fingerprint_does_not_import_torch():
    code = "import sys; from fmnist_utils.data import locate; locate.fingerprint(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=system.ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- the split ---


def test_split_is_stratified_nested_and_fixed(data):
    labels = data.train_labels
    train, validation = split(labels)
    assert (len(train), len(validation)) == (55_000, 5_000)
    assert torch.equal(split(labels, train_size=0)[0], train)
    assert labels[validation].bincount().tolist() == [500] * 10
    assert torch.equal(torch.cat([train, validation]).sort().values, torch.arange(60_000))
    small, held_out = split(labels, train_size=600)
    middle, _ = split(labels, train_size=6_005)
    assert torch.equal(held_out, validation)
    assert labels[small].bincount().tolist() == [60] * 10
    assert len(middle) == 6_005 and labels[middle].bincount().min() == 600
    assert set(small.tolist()) < set(middle.tolist()) < set(train.tolist())
    # The very images: a change here would make new runs differ from the published ones.
    assert validation[:5].tolist() == [2, 22, 33, 37, 40] and small[:5].tolist() == [186, 290, 459, 590, 626]


def test_split_without_validation(data):
    train, validation = split(data.train_labels, validation=False)
    assert torch.equal(train, torch.arange(60_000)) and validation.numel() == 0
    assert validation.dtype == torch.int64


def test_a_sample_has_all_classes_in_their_proportions_and_the_first_images_where_these_have(data):
    assert sample(data.train_labels, 1_000).tolist() == list(range(1_000))
    ordered = data.train_labels.sort(stable=True).values
    assert ordered[sample(ordered, 1_000)].bincount().tolist() == [100] * 10
    assert sample(ordered, 7).tolist() == list(range(7)), "fewer than there are classes"
    assert sample(ordered[:50], 1_000).tolist() == list(range(50))


def test_split_of_uneven_classes():
    labels = torch.tensor([0] * 2_400 + [1] * 240 + [3] * 24)
    train, validation = split(labels, train_size=1_221)
    assert labels[validation].bincount().tolist() == [200, 20, 0, 2]
    assert labels[train].bincount().tolist() == [1_100, 110, 0, 11]
    assert [len(part) for part in split(torch.tensor([0, 0, 1, 1, 2, 2]))] == [5, 1]


def test_folds_hold_out_every_image_once_in_equal_stratified_parts(data):
    parts = [split(data.train_labels, folds=7, fold=fold) for fold in range(7)]
    assert torch.equal(torch.cat([held_out for _, held_out in parts]).sort().values, torch.arange(60_000))
    for train, held_out in parts:
        assert torch.equal(torch.cat([train, held_out]).sort().values, torch.arange(60_000))
        counts = data.train_labels[held_out].bincount()
        assert set(counts.tolist()) <= {856, 857, 858}
    few, held_out = split(torch.tensor([0, 0, 1]), train_size=3, folds=2, fold=1)
    assert (len(few), len(held_out)) == (1, 2), "what a fold leaves is taken, be it one class alone"
    some, held_out = split(data.train_labels, train_size=500, folds=7, fold=3)
    assert data.train_labels[some].bincount().tolist() == [50] * 10
    assert torch.equal(held_out, parts[3][1]) and not set(some.tolist()) & set(held_out.tolist())


@pytest.mark.parametrize("train_size", [-1, 9, 55_001])
def test_split_refuses(train_size, data):
    with pytest.raises(UserError, match=r"train_size = -?\d+ is out of range: 10 .* 55,000"):
        split(data.train_labels, train_size)


def test_split_keeps_its_promise_of_an_image_a_class():
    labels = torch.tensor([0] * 999 + [1] + [2] * 50)
    whole = [set(split(labels, size)[0].tolist()) for size in (3, 10, 100, 900)]
    for size, chosen in zip((3, 10, 100, 900), whole, strict=True):
        assert len(chosen) == size
        assert set(labels[list(chosen)].tolist()) == {0, 1, 2}
    assert whole[0] < whole[1] < whole[2] < whole[3]


def test_idx_images_without_any_contrast_are_refused(tmp_path: Path) -> None:
    folder = own(tmp_path / "blank")
    (folder / FILES[0]).write_bytes(idx(np.repeat([0, 7, 200, 255], 784).reshape(4, 28, 28)))
    assert "train-images-idx3-ubyte: no image has any contrast" in complaint(str(folder))


def test_a_path_that_is_too_long_to_read_is_shown_by_its_ends() -> None:
    for name, data_dir in (("x" * 5000, None), ("x/" * 2500, None), (".", "y" * 5000)):
        said = complaint(name, data_dir)
        assert len(said) < 300 and ("…" in said or "..." in said)


@pytest.mark.parametrize(("folds", "fold"), [(2, -1), (2, 2), (1, 0), (-2, 0)])
def test_a_fold_that_is_none_is_refused(folds, fold):
    with pytest.raises(UserError, match=f"fold = {fold} of folds = {folds} is not allowed: folds must be 2 or more"):
        split(torch.tensor([0, 0, 1, 1]), 0, True, folds, fold)


@pytest.mark.parametrize(("encoding", "first"), [("utf-8", "Mütze"), ("utf-8-sig", "Mütze"), ("utf-16", None),
                                                 ("utf-16-le", None), ("latin-1", "M\\xfctze")])  # fmt: skip
def test_class_names_are_utf8_and_what_is_not_is_shown_as_it_is(tmp_path, encoding, first):
    folder = own(tmp_path)
    (folder / "classes.txt").write_bytes("Mütze\nHut\nSchuh\n".encode(encoding))
    if first:
        assert load_dataset(str(folder)).class_names == (first, "Hut", "Schuh")
    else:
        assert complaint(str(folder)) == (
            f"{folder / 'classes.txt'} is not UTF-8: save it as such, in Notepad by Save as, Encoding: UTF-8"
        )


@pytest.mark.parametrize(("there", "lacking"), [("train", "test"), ("test", "train")])
def test_a_part_that_is_missing_is_named(tmp_path, there, lacking):
    for name in ("cap", "hat"):
        (tmp_path / there / name).mkdir(parents=True)
        Image.new("L", (28, 28)).save(tmp_path / there / name / "1.png")
    assert complaint(str(tmp_path)).startswith(f"{tmp_path} has a {there}/, but no {lacking}/: add it")


def test_one_image_is_one_image(tmp_path):
    for name in ("cap", "hat"):
        (tmp_path / name).mkdir()
        Image.new("L", (28, 28)).save(tmp_path / name / "1.png")
    assert complaint(str(tmp_path)) == f"{tmp_path / 'cap'} has 1 image: at least 3 are needed"
