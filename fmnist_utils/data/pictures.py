"""Pictures of any kind as the nets see them: 28 x 28 grey levels, light ink on a dark ground."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fmnist_utils.basics.errors import UserError, listed
from fmnist_utils.basics.text import counted

SIDE = 28  # pixels
# Of files, whatever their names say. (PIL knows more: it gives PostScript to Ghostscript, which executes it.)
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# What may be white where the levels are bytes, other whole numbers, or not. Cameras and scanners keep 10, 12 or 14 bits
# in 16.
DEEP = {1_023.0: 10, 4_095.0: 12, 16_383.0: 14}
WHITES = {"L": (255.0,), "I": (255.0, *DEEP, 65_535.0, 2.0**32 - 1), "F": (1.0, 255.0, *DEEP, 65_535.0)}
SHOWN = 112  # pixels of a picture of before
COLOUR = 12  # levels by which red, green and blue differ in a picture that is said to have colour


class Pictures(NamedTuple):
    """Pictures that were read: uint8 (n, 28, 28), which of them were turned, and a sentence about what that took."""

    images: NDArray[np.uint8]
    turned: list[int]
    changes: str


def read(pictures: Sequence[Any], invert: bool | None = None) -> Pictures:
    """Read pictures as grey levels on a dark ground, 0 to 255.

    Parameters
    ----------
    pictures : paths of image files, images of PIL, or arrays (h, w), also with one channel first or last, or
        (h, w, 3 or 4): bool, whole numbers from 0 to 255 (or to the most of 10, 12, 14, 16 or 32 bits), or float from
        0 to 1 (or to 255)
    invert : whether dark is ink; None for all of them if the ground of most is light. Grey arrays of 28 x 28 pixels
        of uint8 are taken as they are unless it is True, blank ones, too

    Raises
    ------
    UserError
        A file that is no image, or a picture without any contrast, of which nothing can be learned.
    """
    found = [_read_one(picture, _name(picture, number)) for number, picture in enumerate(pictures)]
    images, as_it_is = np.empty((len(found), SIDE, SIDE), np.uint8), np.array([one.as_it_is for one in found], bool)
    changes = []
    # Levels of more than 8 bits have no white of their own: it is the one that fits the brightest of all such images.
    for mode in WHITES:
        places = [i for i, one in enumerate(found) if one.mode == mode]
        if not places:
            continue
        brightest = max(places, key=lambda i: found[i].peak)
        try:
            white = _white(mode, found[brightest].peak)
        except ValueError as error:
            raise UserError(f"{_name(pictures[brightest], brightest)} cannot be read: {error}") from error
        if white in DEEP:
            changes.append(f"{len(places):,} of {DEEP[white]} bits, to judge by the brightest, brought to 8")
        for i in places:
            levels = found[i].levels
            images[i] = levels if mode == "L" else np.rint(np.clip(levels * (255.0 / white), 0, 255))
    blank = np.flatnonzero((images.min((1, 2)) == images.max((1, 2))) & ~as_it_is)
    if len(blank):
        which = listed([_name(pictures[i], i) for i in blank.tolist()])
        has, it = ("has", "it") if len(blank) == 1 else ("have", "them")
        raise UserError(f"{which} {has} no contrast, all {SIDE} x {SIDE} pixels are alike: remove {it}")
    resized = [one.size != (SIDE, SIDE) for one in found]
    if n := sum(resized):
        changes.append(f"{n:,} brought to {SIDE} x {SIDE} pixels")
    if n := sum(one.coloured for one in found):
        changes.append(f"{n:,} turned from colour to grey levels")
    if n := sum(one.has_more for one in found):
        changes.append(f"{n:,} of several frames or pages, of which the first {'is' if n == 1 else 'are'} read")
    # Ink is light on a dark ground in all published data, and in what the notebooks say of them.
    edges = [images[:, [0, -1]].reshape(len(images), -1), images[:, :, [0, -1]].reshape(len(images), -1)]
    light = np.median(np.concatenate(edges, 1), 1) > 127
    turned = np.zeros(len(images), bool)
    if invert or (invert is None and not as_it_is.all() and light[~as_it_is].mean() > 0.5):
        turned = ~as_it_is if invert is None else ~turned
        images[turned] = 255 - images[turned]
        all_light = light[turned].all()
        share = "100 %" if all_light else f"{min(99, round(100 * light[turned].mean()))} %"
        now = "ink is light now" if all_light else "their ink is light now, that of the others dark"
        changes.append(f"all inverted, since the ground of {share} is light: {now}")
    touched = [i for i, one in enumerate(found) if turned[i] or one.coloured or resized[i]]
    return Pictures(images, touched, f"of {counted(len(images), 'picture')}: {'; '.join(changes)}" if changes else "")


def original(path: str) -> NDArray[np.uint8]:
    """Read a picture as its file has it, at 112 x 112 pixels and in colour: uint8 (112, 112, 3)."""
    with warnings.catch_warnings(action="ignore"), _opened(path) as image:
        upright = _upright(image)
        if upright.mode.startswith(("I", "F")):
            levels = np.asarray(upright, np.float64)
            upright = Image.fromarray((levels * (255 / max(levels.max(), 1e-9))).astype(np.uint8))
        whole = _on_ground(upright.convert("RGBA")) if upright.has_transparency_data else upright
        return np.asarray(whole.convert("RGB").resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))


def names(pictures: Sequence[Any]) -> list[str]:
    """Name pictures for a table: files by their names, or by their paths if two have one name; arrays by numbers."""
    files = [Path(picture) for picture in pictures if _is_path(picture)]
    alone = len({file.name for file in files}) == len({str(file) for file in files})
    short = (lambda file: file.name) if alone else str
    return [short(Path(picture)) if _is_path(picture) else str(i) for i, picture in enumerate(pictures)]


def _is_path(picture: Any) -> bool:
    return isinstance(picture, str | os.PathLike)


def _name(picture: Any, number: int) -> str:
    return str(picture).replace("\n", "\\n") if _is_path(picture) else f"picture {number}"


class _Picture(NamedTuple):
    """A picture as it was read: "L", "I" (whole numbers) or "F" levels, (28, 28), and the largest one in the file."""

    mode: str
    levels: NDArray[Any]
    peak: float
    size: tuple[int, int]  # width and height of before
    coloured: bool = False
    as_it_is: bool = False  # an array of the form that data sets have
    has_more: bool = False  # frames or pages, of which this is the first


def _read_one(picture: Any, name: str) -> _Picture:
    """Read a picture upright and shrink it."""
    try:
        if not _is_path(picture):
            if isinstance(picture, Image.Image):
                return _shrunk(_upright(picture))
            array = np.asarray(picture)
            as_it_is = array.dtype == np.uint8 and array.shape == (SIDE, SIDE)
            return _shrunk(_from_array(array))._replace(as_it_is=as_it_is)
        with warnings.catch_warnings(action="ignore"), _opened(os.path.expanduser(picture)) as image:
            return _shrunk(_upright(image))._replace(has_more=getattr(image, "is_animated", False))
    except FileNotFoundError:
        raise UserError(f"{name} is not there: give the path of an image file") from None
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{name} is not a readable image ({why}): mend or remove it") from error


def _opened(path: str | os.PathLike[str]) -> Image.Image:
    """Open an image file; ValueError for a pipe or a device, which may never end, and for none of FORMATS."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError("it is a pipe or a device")
    try:
        return Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError(f"it is none of {', '.join(FORMATS)}") from None


def _from_array(array: NDArray[Any]) -> Image.Image:
    """Make a picture of an array (h, w), (1, h, w), (h, w, 1) or (h, w, 3 or 4)."""
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[-1]):
        array = array.squeeze(0 if array.shape[0] == 1 else -1)
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))) or not array.size:
        raise ValueError(f"its shape is {array.shape}, but must be (h, w) or (h, w, 3 or 4)")
    if array.dtype.kind not in "buif":
        raise ValueError(f"its levels are of type {array.dtype}, but must be numbers")
    if array.dtype == bool:
        array = array * np.uint8(255)
    if array.dtype == np.uint8:
        return Image.fromarray(array)
    mode, kind = ("F", np.float32) if array.dtype.kind == "f" else ("I", np.int32)
    if not np.isfinite(array).all() or array.min() < 0 or float(array.max()) >= 2**31:
        raise ValueError("levels below 0, too large, or that are no numbers")
    if array.ndim == 2:
        return Image.fromarray(array.astype(kind))
    white = _white(mode, float(array.max()))
    return Image.fromarray(np.rint(255 * np.clip(array.astype(np.float64) / white, 0, 1)).astype(np.uint8))


def _white(mode: str, peak: float) -> float:
    """Find the level that is white where `peak` is the brightest one; resizing may have gone a little beyond 1.

    Raises
    ------
    ValueError
        A level above all that are known.
    """
    for white in WHITES[mode]:
        if peak <= max(white, 2):
            return white
    raise ValueError(f"its levels go to {peak:g}, but must be at most {WHITES[mode][-1]:g}")


def _upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data say, with levels of 16 bits as whole numbers."""
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data, for which PIL raises whatever comes up: the picture counts
        upright = image
    if upright.mode.startswith("I;16") or (upright.mode == "I" and image.format == "PNG"):
        # 16 bits, which PIL would clip to 255
        upright = Image.fromarray(np.asarray(upright).astype(np.int32))
    return upright


def _shrunk(upright: Image.Image) -> _Picture:
    side = (SIDE, SIDE)
    if upright.mode in ("I", "F"):
        whole = np.asarray(upright, np.float64)
        if not np.isfinite(whole).all() or whole.min() < 0:
            raise ValueError("levels below 0, or that are no numbers")
        small = Image.fromarray(whole.astype(np.float32)).resize(side, Image.Resampling.LANCZOS)
        return _Picture(upright.mode, np.asarray(small), float(whole.max()), upright.size)
    coloured = False
    if upright.mode not in ("L", "1", "LA"):
        colours = np.asarray(upright.convert("RGB").resize(side), np.int16)
        coloured = bool((colours.max(2) - colours.min(2)).max() > COLOUR)
    if upright.has_transparency_data:
        upright = _on_ground(upright.convert("RGBA"))
    levels = np.asarray(upright.convert("L").resize(side, Image.Resampling.LANCZOS))
    return _Picture("L", levels, 255.0, upright.size, coloured)


def _on_ground(image: Image.Image) -> Image.Image:
    """Put a transparent image on the ground that it was drawn for: white under dark ink, black under light."""
    grey, alpha = (
        np.asarray(image.convert("RGB").convert("L"), np.float64),
        np.asarray(image.getchannel("A"), np.float64),
    )
    if not alpha.any():
        return Image.new("L", image.size)
    ground = 255 if (grey * alpha).sum() < 127.5 * alpha.sum() else 0
    return Image.alpha_composite(Image.new("RGBA", image.size, (ground, ground, ground, 255)), image)
