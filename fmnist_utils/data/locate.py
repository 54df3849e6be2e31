"""Where the files of a data set lie. Looking changes nothing: `fetch` is what installs and downloads."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_utils.basics import system
from fmnist_utils.basics.errors import UserError, nearest, os_errors

SYSTEM = Path("/usr/share/datasets")  # where Debian's packages put data sets
FILES = tuple(f"{part}-{content}-ubyte" for part in ("train", "t10k") for content in ("images-idx3", "labels-idx1"))
IMAGE_SUFFIXES = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Known:
    """A published data set: what it is called, where it may lie and what its files must hold."""

    title: str
    layouts: tuple[str, ...]  # folders under data/
    torchvision: str  # the class of torchvision that knows where to download it
    package: str  # of Debian; "" if there is none
    homepage: str
    class_names: tuple[str, ...]
    md5: tuple[str, ...]  # of the uncompressed FILES


# fmt: off
KNOWN = {
    "fashion-mnist": Known(
        "Fashion-MNIST", ("fashion-mnist", ".", "FashionMNIST/raw"), "FashionMNIST", "dataset-fashion-mnist",
        "https://github.com/zalandoresearch/fashion-mnist",
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
         "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ("f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
         "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965"),
    ),
    "mnist": Known(
        "MNIST", ("mnist", "MNIST/raw"), "MNIST", "",
        "https://github.com/cvdfoundation/mnist",
        tuple("0123456789"),
        ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
         "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
    ),
}
# fmt: on


@dataclass(frozen=True)
class Source:
    """Where a data set lies: `files` has a path for each of FILES, and is empty for folders of images."""

    known: str | None  # its name in KNOWN if it was asked for by name: then its checksums must hold
    folder: Path
    files: dict[str, Path] = field(default_factory=dict)


Parts = dict[str, dict[str, list[str]]]  # of a folder of images: part -> class -> paths


class MissingData(UserError):
    """A published data set is nowhere on this machine.

    Attributes
    ----------
    name : of the data set, in KNOWN
    looked : where it was looked for, in words
    by_hand : how to get it without us, in words
    """

    def __init__(self, name: str, looked: str, by_hand: str) -> None:
        known, option = KNOWN[name], "" if name == "fashion-mnist" else f" DATASET={name}"
        super().__init__(f"{known.title} is missing: {looked}; `make data{option}` fetches it, or {by_hand}")
        self.name, self.looked, self.by_hand = name, looked, by_hand


@os_errors()
def locate(name: str = "fashion-mnist", data_dir: str | Path | None = None) -> Source:
    """Find the files of a data set on this machine.

    Parameters
    ----------
    name : str
        "fashion-mnist", "mnist" (in any case), or a folder of IDX files or of class-named image folders.
    data_dir : str or Path, optional
        The only place to look for a published data set; empty or None follows the search order: the project's
        ``data/``, then the system's copy.

    Raises
    ------
    MissingData
        A published data set that is not here; `fetch` gets it.
    UserError
        Unknown name; files missing in a folder that was named, or not readable.
    """
    name = str(system.expanded(name)) if str(name).startswith("~") else str(name)
    known = KNOWN.get(name.lower())
    if known is None:
        return _own_folder(name, data_dir)
    name = name.lower()
    given = _folder(data_dir, "data_dir") if data_dir else None
    if given:
        places = [given / layout for layout in dict.fromkeys((".", *known.layouts))]
    else:
        places = [*(system.ROOT / "data" / layout for layout in known.layouts), SYSTEM / name]
    for place in places:
        if len(files := idx_files(place)) == len(FILES):
            return Source(name, place, files)
    looked = "looked in " + ", ".join(_state(place, under=given) for place in places)
    by_hand = f"download {{train,t10k}}-*-ubyte.gz from {known.homepage} by hand into "
    by_hand += "that folder" if given else f"data/{name} or a folder that DATA_DIR names"
    if known.package:
        by_hand = f"apt-get install {known.package} (Debian, Ubuntu), or {by_hand}"
    if given:
        raise UserError(f"{known.title} is missing: {looked}. Leave DATA_DIR empty to have it fetched, {by_hand}")
    raise MissingData(name, looked, by_hand)


@os_errors()
def fingerprint(name: str = "fashion-mnist", data_dir: str | Path | None = None) -> str:
    """Hash the files of a data set as they lie (SHA-256, hex), to tell whether the data has changed.

    IDX files and ``classes.txt`` count with their bytes, images with their names, sizes and times of change, that of
    their content and that of anything about them, which whoever copies the former cannot keep.
    """
    source = locate(name, data_dir)
    digest = hashlib.sha256()
    for path in (*source.files.values(), source.folder / "classes.txt"):
        if path.is_file():
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    if not source.files:
        for classes in image_parts(source.folder).values():
            for image in (path for images in classes.values() for path in images):
                state = os.stat(image)
                digest.update(os.fsencode(image.removeprefix(str(source.folder))))
                digest.update(f"\0{state.st_size}\0{state.st_mtime_ns}\0{state.st_ctime_ns}\0".encode())
    return digest.hexdigest()


def uncompressed(path: Path, called: str = "") -> bytes:
    """Read a file, plain or gzip; UserError if it ends early or is damaged (`called`: its name)."""
    content = path.read_bytes()
    if not content.startswith(b"\x1f\x8b"):  # gzip's first bytes; they tell more than the suffix does
        return content
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise UserError(f"{called or path} is truncated: its gzip stream ends early; get it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{called or path} is damaged: {error}; get it again") from error


def md5(content: bytes) -> str:
    """Checksum (hex) of uncompressed bytes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _is_litter(name: str) -> bool:
    """Whether a file or folder is none of the user's: hidden, or what macOS and network drives leave behind."""
    return name.startswith((".", "@eaDir", "__MACOSX"))


def _is_picture(name: str) -> bool:
    """Whether a file is one of the user's pictures, by its name."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not _is_litter(name)


def image_parts(folder: Path) -> Parts:
    """List paths of images by part ("train" and "test", or "" where there are no such folders) and class."""
    parts = ("train", "test") if all((folder / part).is_dir() for part in ("train", "test")) else ("",)
    return {
        part: {
            entry.name: sorted(image.path for image in os.scandir(entry) if _is_picture(image.name))
            for entry in sorted(os.scandir(folder / part), key=lambda entry: entry.name)
            if entry.is_dir() and not _is_litter(entry.name)
        }
        for part in parts
    }


def lost_links(folder: Path) -> list[Path]:
    """List the links in a folder that lead nowhere, such as to a disk that is not there."""
    return sorted(path for path in folder.iterdir() if path.is_symlink() and not path.exists())


def left_out(folder: Path, parts: Parts) -> list[str]:
    """List the files in folders of images (`image_parts`) whose names do not end as those of pictures do."""
    places = [folder / part / name for part, classes in parts.items() for name in classes]
    files = [entry for place in places for entry in os.scandir(place) if entry.is_file()]
    return [entry.path for entry in files if not _is_picture(entry.name) and not _is_litter(entry.name)]


def unread(folder: Path, parts: Parts) -> list[str]:
    """List the folders below one of images, "." for itself, whose pictures are in no class's folder, and not read."""
    read = {path for classes in parts.values() for images in classes.values() for path in images}
    found = set()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_litter(name))
        if any(os.path.join(place, name) not in read for name in files if _is_picture(name)):
            found.add(Path(place).relative_to(folder).as_posix())
    return sorted(found)


def _own_folder(name: str, data_dir: str | Path | None) -> Source:
    if not ("/" in name or os.sep in name or (name and any((base / name).is_dir() for base in _bases()))):
        allowed = f"allowed are {', '.join(KNOWN)}, or a path to a folder"
        raise UserError(f"dataset {name!r} is unknown: {allowed}{nearest(name, KNOWN)}")
    folder = _folder(name, "dataset")
    if data_dir:
        raise UserError(f"dataset {name!r} is a folder itself: leave data_dir ({str(data_dir)!r}) empty")
    for place in (folder, folder / "raw"):
        if files := idx_files(place):
            if len(files) < len(FILES):
                raise UserError(f"files are missing in {_state(place)} (each may be plain or .gz)")
            return Source(None, place, files)
    return Source(None, folder)


def _bases() -> tuple[Path, Path]:
    return system.ROOT, Path.cwd()  # the project first, so that notebooks and make agree


def _folder(path: str | Path, what: str) -> Path:
    for base in _bases():
        if (folder := (base / system.expanded(path)).resolve()).is_dir():
            return folder
    raise UserError(f"{what} {str(path)!r} is not a folder: give one in {system.ROOT}, or an absolute path")


def idx_files(folder: Path) -> dict[str, Path]:
    """Those of the four files that lie in `folder`; plain goes before .gz, since it loads faster."""
    return {stem: path for stem in FILES for path in (folder / f"{stem}.gz", folder / stem) if path.is_file()}


def _state(folder: Path, under: Path | None = None) -> str:
    """Name a folder, in short if it lies under another one that was just named, and what it lacks."""
    found = idx_files(folder)
    lacking = " and ".join(stem for stem in FILES if stem not in found)
    called = str(folder if under is None or folder == under else folder.relative_to(under))
    return f"{called} (which lacks {lacking})" if found else called
