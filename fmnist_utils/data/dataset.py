"""The data sets: reads and checks images and labels, and splits them, the same way every time."""

from __future__ import annotations

import hashlib
import math
import os
import struct
import unicodedata
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fmnist_utils.basics.errors import UserError, listed, os_errors
from fmnist_utils.basics.system import is_dry_run
from fmnist_utils.basics.text import counted, html_table, shortened
from fmnist_utils.data.fetch import fetch
from fmnist_utils.data.locate import (
    FILES,
    KNOWN,
    Source,
    image_parts,
    left_out,
    locate,
    lost_links,
    md5,
    uncompressed,
    unread,
)
from fmnist_utils.data.pictures import SIDE, original, read

SPLIT_SEED = 20170831  # constant: every run holds out the same images
VALIDATION_SHARE = 1 / 12  # 5,000 of 60,000
TEST_SHARE = 1 / 7  # of an image folder that has no test part; 10,000 of 70,000
MOST_EXAMPLES = 8  # pictures of before that are kept

# Images that the files before 2017-08-31 held twice (zalandoresearch/fashion-mnist, issue 44), from 0.
OLD_PAIRS = {
    "train-images-idx3-ubyte": ((601, 39865), (831, 24228), (1826, 23718)),
    "t10k-images-idx3-ubyte": ((6334, 8569),),
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of a data set, in memory.

    Attributes
    ----------
    name : str
        "fashion-mnist" or "mnist" if that is the content, else the folder's name.
    class_names : tuple of str
        Names in the order of the labels.
    train_images, test_images : torch.Tensor
        uint8 (n, 28, 28), grey levels 0 to 255.
    train_labels, test_labels : torch.Tensor
        int64 (n,).
    checksum : str
        SHA-256 (hex) of the shapes and bytes of the four tensors: same content, same checksum.
    source : str
        The folder it came from.
    changes : str
        A sentence about what turning pictures into 28 x 28 grey levels took away; "" where nothing was turned.
    before : dict of int to uint8 array (112, 112, 3)
        Some training images as their files have them, by their place in `train_images`.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    checksum: str
    source: str
    changes: str = ""
    before: dict[int, NDArray[np.uint8]] = field(default_factory=dict)

    def __repr__(self) -> str:
        images = f"{len(self.train_labels):,} training and {counted(len(self.test_labels), 'test image')}"
        return shortened(f"{self.name}: {images} of {counted(len(self.class_names), 'class')}, from {self.source}")

    def _repr_html_(self) -> str:
        return html_table(
            {
                "data set": self.name,
                "training images": f"{len(self.train_labels):,}",
                "test images": f"{len(self.test_labels):,}",
                "classes": listed(self.class_names),
                "from": self.source,
                "SHA-256 of the content": self.checksum,
            }
        )

    def to(self, device: torch.device | str) -> Dataset:
        """Return the same data set on `device`."""
        tensors = ("train_images", "train_labels", "test_images", "test_labels")
        return replace(self, **{name: getattr(self, name).to(device) for name in tensors})


@os_errors()
def load_dataset(name: str = "fashion-mnist", data_dir: str | Path | None = None) -> Dataset:
    """Load a data set onto the CPU, checked; a published one that is not on this machine is fetched.

    Parameters
    ----------
    name : str
        "fashion-mnist", "mnist" (in any case), or a path to a folder. The folder holds either the four IDX
        files (and perhaps ``classes.txt``, one name a line), or ``<class>/*`` images, or ``train/<class>/*``
        and ``test/<class>/*`` images; these become grey, 28 by 28 pixels.
    data_dir : str or Path, optional
        The only place to look for a published data set; empty or None follows the search order: the
        project's ``data/``, the system's copy, Debian's package, torchvision's download.

    Raises
    ------
    UserError
        The data is missing, truncated, damaged, not the published one, or not fit to train on.
    """
    # A dry run only looks.
    source = locate(name, data_dir) if is_dry_run() else fetch(name, data_dir)
    changes, before = "", dict[int, NDArray[np.uint8]]()
    if source.files:
        title, class_names, arrays = _read_idx(source)
    else:
        title, class_names, arrays, changes, before = _read_images(source.folder)
    tensors = [torch.tensor(array, dtype=torch.uint8 if array.ndim == 3 else torch.int64) for array in arrays]
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.numpy().tobytes())
    train_images, train_labels, test_images, test_labels = tensors
    split(train_labels)  # refuses what is too little to learn from
    parts = train_images, train_labels, test_images, test_labels
    return Dataset(title, class_names, *parts, digest.hexdigest(), str(source.folder), changes, before)


def split(
    labels: torch.Tensor, train_size: int | None = 0, validation: bool = True, folds: int = 0, fold: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Split training images into those to learn from and those to choose by, the same way in every run.

    The test images are no part of this: they have files of their own, and are looked at by `Trainer.evaluate` alone.

    Parameters
    ----------
    labels : torch.Tensor
        int64 (n,), of the whole training set.
    train_size : int, optional
        Number of images to learn from, in the classes' proportions; a smaller choice is part of a larger
        one. 0 or None: all that validation leaves.
    validation : bool
        Hold out one twelfth of each class; else nothing.
    folds, fold : int
        Hold out the `fold`-th (from 0) of `folds` equal parts in place of the twelfth; 0 folds for the twelfth. What
        is left may then be less than `train_size`.

    Returns
    -------
    train_indices, validation_indices : torch.Tensor
        int64, ascending, on the CPU.

    Raises
    ------
    UserError
        `train_size` is less than the number of classes or more than there are images, or so many are held out that
        fewer than the classes are left; or there is no such fold.
    """
    if isinstance(labels, Dataset):
        raise UserError("split takes the labels of the training images: split(data.train_labels)")
    if folds and not 0 <= fold < folds >= 2:
        raise UserError(
            f"fold = {fold} of folds = {folds} is not allowed: folds must be 2 or more, and fold from 0 to folds - 1"
        )
    labels = torch.as_tensor(labels)
    # RandomState: NumPy promises that this generator's numbers never change from release to release.
    order = np.random.RandomState(SPLIT_SEED).permutation(len(labels))
    classes = labels.cpu().numpy()[order]
    counts = np.bincount(classes)
    rank = np.empty(len(classes))  # of each image within its class, in the random order
    rank[np.argsort(classes, kind="stable")] = np.concatenate([np.arange(count) for count in counts])
    # Sorted by the share of its class that goes before it, every stretch has the classes' proportions.
    order = order[np.argsort((rank + 0.5) / counts[classes], kind="stable")]
    if folds and validation:
        start, stop = (len(order) * part // folds for part in (fold, fold + 1))
    else:
        start, stop = 0, math.ceil(len(order) * VALIDATION_SHARE) if validation else 0
    if folds > len(order) and validation:
        raise UserError(f"folds = {folds} is not allowed, must be at most one for each of {len(order)} training images")
    held_out, order = order[start:stop], np.concatenate([order[:start], order[stop:]])
    available, n_classes = len(order), int(np.count_nonzero(counts))
    train_size = train_size or available
    if folds and validation:  # the parts that are left may lack a class, or be fewer than wanted
        n_classes, train_size = min(n_classes, available), min(train_size, available)
    if available < n_classes:
        raise UserError(
            f"{len(labels)} training images are too few for {n_classes} classes, since {len(held_out)} of them are "
            "held out to choose by: two images a class are enough"
        )
    if not n_classes <= train_size <= available:
        raise UserError(f"train_size = {train_size} is out of range: {n_classes} (one a class) to {available:,} images")
    train = order[:train_size]
    if len(np.unique(labels.cpu().numpy()[train])) < n_classes:
        # A class too rare to have a part in so few images: the first one of each class goes before all others. Of
        # classes that do have a part they are among the first anyway, so a smaller choice stays part of a larger one.
        first = np.sort(np.unique(labels.cpu().numpy()[order], return_index=True)[1])
        train = np.concatenate([order[first], np.delete(order, first)])[:train_size]
    return torch.from_numpy(np.sort(train)), torch.from_numpy(np.sort(held_out))


def sample(labels: torch.Tensor, n: int) -> torch.Tensor:
    """Choose `n` images that stand for all of those with these labels, the same ones every time.

    The first `n`, unless some class is rarer or more frequent there than in all by more than a twentieth of the images,
    as in data that stand in the order of their classes: then as many in the classes' proportions (`split`).

    Returns
    -------
    torch.Tensor
        int64, ascending, on the CPU: places in `labels`; all of them where there are no more than `n`.
    """
    labels = labels.cpu()
    shares = [torch.bincount(part, minlength=int(labels.max()) + 1) / len(part) for part in (labels[:n], labels)]
    if (shares[0] - shares[1]).abs().max() <= 0.05 or n < int(torch.count_nonzero(shares[1])):
        return torch.arange(min(n, len(labels)))
    return split(labels, n, validation=False)[0]


def _read_idx(source: Source) -> tuple[str, tuple[str, ...], list[np.ndarray]]:
    """Read and check the four IDX files: name, class names, uint8 arrays in the order of FILES."""
    contents = {stem: uncompressed(path) for stem, path in source.files.items()}
    arrays = [_array(source.files[stem], contents[stem]) for stem in FILES]
    sums = tuple(md5(contents[stem]) for stem in FILES)
    own = source.known is None and (source.folder / "classes.txt").is_file()  # perhaps other names, as translated ones
    for name, known in KNOWN.items():
        same = sums == known.md5 and source.known in (None, name)
        if same and (not own or _class_names(source.folder, arrays[1], arrays[3]) == known.class_names):
            return name, known.class_names, arrays
    if source.known:
        raise UserError(_diagnosis(source, source.known, sums, arrays))
    for stem, images, labels in zip(FILES[::2], arrays[::2], arrays[1::2], strict=True):
        if images.shape[1:] != (SIDE, SIDE):
            found = " x ".join(map(str, images.shape[1:]))
            raise UserError(f"{source.files[stem]} has images of {found} pixels: they must be {SIDE} x {SIDE}")
        if len(images) != len(labels) or not len(images):
            found = f"{len(images):,} images and {len(labels):,} labels"
            raise UserError(f"{source.files[stem]} and its labels hold {found}: as many of each, and not 0")
    if (arrays[0] == arrays[0][:, :1, :1]).all():
        raise UserError(f"{source.files[FILES[0]]}: no image has any contrast, so nothing can be learned of them")
    return _folder_name(source.folder), _class_names(source.folder, arrays[1], arrays[3]), arrays


def _array(path: Path, content: bytes) -> np.ndarray:
    """Read the IDX format: 0, 0, type (8: uint8), number of dimensions; sizes, big-endian; the values."""
    n_dims = 3 if "images" in path.name else 1
    magic, start = bytes((0, 0, 8, n_dims)), 4 + 4 * n_dims
    if not content.startswith(magic[: len(content)]):
        raise UserError(
            f"{path} is damaged: it begins with {content[:4].hex()}, IDX data of {n_dims} dimension(s) and "
            f"type uint8 with {magic.hex()}; get it again"
        )
    shape = struct.unpack(f">{n_dims}I", content[4:start]) if len(content) >= start else ()
    size = start + math.prod(shape)
    if not shape or len(content) < size:
        raise UserError(f"{path} is truncated: {len(content):,} of {size:,} bytes; get it again")
    if len(content) > size:
        raise UserError(f"{path} is damaged: {len(content) - size:,} bytes too many; get it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _diagnosis(source: Source, name: str, sums: tuple[str, ...], arrays: list[np.ndarray]) -> str:
    """Say what files are that are whole, but not those of the published data set `name`."""
    known = KNOWN[name]
    for stem, checksum in zip(FILES, sums, strict=True):
        for other in KNOWN.values():
            if other is not known and checksum in other.md5:
                return f"{source.files[stem]} is {other.title}, not {known.title}: put the right files there"
    old = OLD_PAIRS if name == "fashion-mnist" else {}
    for stem, images in zip(FILES, arrays, strict=True):
        pairs = [images[list(pair)] for pair in old.get(stem, ()) if max(pair) < len(images)]
        # (A file of nothing but zeros is damaged, not old.)
        if pairs and all(first.any() and np.array_equal(first, second) for first, second in pairs):
            return (
                f"{source.files[stem]} is from before 2017-08-31, with images that occur twice or in both "
                f"parts: get the corrected files from {known.homepage}"
            )
    stem, found, right = next(row for row in zip(FILES, sums, known.md5, strict=True) if row[1] != row[2])
    return (
        f"{source.files[stem]} is damaged: the MD5 of its uncompressed bytes is {found}, not {right}; "
        f"get it again, or give {str(source.folder)!r} as the dataset if it is meant to differ"
    )


def _folder_name(folder: Path) -> str:
    """Name of the user's own data set: the folder's, marked where the content is not what that says."""
    return f"{folder.name} (folder)" if folder.name.lower() in KNOWN else folder.name


def _class_names(folder: Path, train_labels: np.ndarray, test_labels: np.ndarray) -> tuple[str, ...]:
    path = folder / "classes.txt"
    if path.is_file():
        text = path.read_bytes().decode("utf-8-sig", "backslashreplace")  # as `_readable` writes names of folders
        if "\0" in text:  # it is UTF-16
            raise UserError(f"{path} is not UTF-8: save it as such, in Notepad by Save as, Encoding: UTF-8")
        names = [line.strip() for line in text.splitlines() if line.strip()]
        if len(set(names)) < len(names):
            raise UserError(f"{path} names a class twice: each of its {len(names)} lines must differ")
        limit = f"{path} names {counted(len(names), 'class')}"
    else:
        names = [str(label) for label in range(int(train_labels.max()) + 1)]
        limit = f"the training labels go to {len(names) - 1}"
    for part, labels in (("training", train_labels), ("test", test_labels)):
        if labels.max() >= len(names):
            raise UserError(f"{folder} has the {part} label {labels.max()}, out of range: {limit}")
    if len(names) < 2:
        raise UserError(f"{folder} has one class: at least two are needed")
    if len(np.unique(train_labels)) < 2:
        raise UserError(f"{folder}: all training images are of class {train_labels[0]}: at least two are needed")
    if not np.isin(test_labels, train_labels).any():
        raise UserError(f"{folder}: no test image is of a class that has training images: at least one is needed")
    return tuple(names)


def _read_images(
    folder: Path,
) -> tuple[str, tuple[str, ...], list[np.ndarray], str, dict[int, NDArray[np.uint8]]]:
    """Read class-named folders of images.

    Returns
    -------
    Name, class names, images and labels for training and test; what was changed, and some images of before.
    """
    parts = found = image_parts(folder)
    if lost := next((entry for part in parts for entry in lost_links(folder / part)), None):
        raise UserError(f"{lost} is a link to what is not there: bring that back, or remove the link")
    names, *others = (tuple(classes) for classes in parts.values())
    if others and others[0] != names:
        odd = listed(sorted(set(names) ^ set(others[0])))
        forms = {unicodedata.normalize("NFC", name) for name in names}
        if forms == {unicodedata.normalize("NFC", name) for name in others[0]}:
            odd += " (the same letters, written in two ways of Unicode, as after a copy from macOS): rename one of them"
        raise UserError(f"{folder}: train/ and test/ must have the same classes, but only one has {odd}")
    if len(names) < 2 or not any(images for classes in parts.values() for images in classes.values()):
        there = [part for part in ("train", "test") if (folder / part).is_dir()]
        if len(there) == 1:
            lacking = "test" if there == ["train"] else "train"
            raise UserError(
                f"{folder} has a {there[0]}/, but no {lacking}/: add it, with a folder of images for each class, or "
                f"put the folders of {there[0]}/ into {folder} itself to have them split"
            )
        raise UserError(
            f"{folder} holds no data set: neither {', '.join(FILES)} (plain or .gz), nor a "
            f"folder of images for each of two or more classes{_near(folder)}"
        )
    for part, least in (("", 3), ("train", 2), ("test", 1)):
        for name, images in parts.get(part, {}).items():
            if len(images) < least:
                raise UserError(
                    f"{folder / part / name} has {counted(len(images), 'image')}: at least {least} are needed"
                )
    if not others:
        whole, parts = parts[""], {"train": {}, "test": {}}
        for name, images in whole.items():
            order = np.random.RandomState(SPLIT_SEED).permutation(len(images))
            n_test = max(1, round(len(images) * TEST_SHARE))
            parts["test"][name] = [images[i] for i in np.sort(order[:n_test])]
            parts["train"][name] = [images[i] for i in np.sort(order[n_test:])]
    paths = [[path for members in classes.values() for path in members] for classes in parts.values()]
    pictures = read([path for part in paths for path in part])
    if pictures.changes:
        _say(f"{folder}: {pictures.changes}")
    if (folder / "classes.txt").is_file():
        _say(f"{folder}: its classes.txt is not read, as the folders of the images name the classes")
    if strange := left_out(folder, found):
        endings = listed(sorted({Path(path).suffix.lower() or "none" for path in strange}))
        no = "no picture by its ending" if len(strange) == 1 else "no pictures by their endings"
        _say(f"{folder}: {counted(len(strange), 'file')} left out, {no}: {endings}")
    if places := unread(folder, found):
        what = f"which {'are no classes' if len(places) > 1 else 'is no class'} of the data"
        _say(f"{folder}: left out are the pictures directly in {listed(places)}, {what}")
    arrays = []
    for classes, pixels in zip(parts.values(), np.split(pictures.images, [len(paths[0])]), strict=True):
        arrays.append(pixels)
        arrays.append(np.repeat(np.arange(len(names)), [len(members) for members in classes.values()]))
    turned = [i for i in pictures.turned if i < len(paths[0])]
    shown = turned[:: -(-len(turned) // MOST_EXAMPLES) or 1]  # from all classes
    before = {i: original(paths[0][i]) for i in shown}
    return _folder_name(folder), tuple(map(_readable, names)), arrays, pictures.changes, before


def _near(folder: Path) -> str:
    """Say what a folder of images lacks to be a data set, if it is little: the right names, or a level less."""
    below = {entry: image_parts(entry).values() for entry in sorted(folder.iterdir()) if entry.is_dir()}
    inside = [entry for entry, parts in below.items() if any(images for part in parts for images in part.values())]
    if len(inside) == 1:
        return f"; is {inside[0]} meant?"
    other = {"training": "train", "testing": "test", "val": "test", "valid": "test", "validation": "test"}
    meant = {other.get(entry.name.lower(), entry.name.lower()): entry.name for entry in inside}
    if not {"train", "test"} <= meant.keys():
        return ""
    return f"; call {meant['train']!r} and {meant['test']!r} train and test, exactly so"


@cache
def _say(line: str) -> None:
    """Print a line, once a process."""
    print(line, flush=True)


def _readable(name: str) -> str:
    """Write the name of a folder that is not UTF-8 so that it can be shown and stored, and still told from others."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
