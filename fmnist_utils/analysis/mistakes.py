"""Mistakes one by one: which test images a cell of the confusion matrix holds, and what every run says of them."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fmnist_utils.basics.text import counted, mean_count, shortened

if TYPE_CHECKING:
    from fmnist_utils.data.dataset import Dataset

MIME = "application/vnd.fmnist.mistakes+json"
COLUMNS = 40  # images a row of the sprite
SPRITE_SIZE = 220_000  # bytes at most, so that a report stays below 1.5 MB
QUALITIES = (75, 50, 25, 10, 0)  # of WebP, from fine to coarse
MOST_IMAGES, MOST_CLASSES = 10_000, 64  # what a page has room for


@dataclass(frozen=True, eq=False)
class Mistakes:
    """The test images that at least one of some runs gets wrong.

    Attributes
    ----------
    data : the data set that they are tested on
    predictions : int (runs, images), the class that each run answers
    confidence : float (runs, images), the probability that each run gives its answer, in 0..1
    runs : name of each run, such as "seed 0"; "" if there is one and it needs none
    """

    data: Dataset
    predictions: NDArray[np.int64]
    confidence: NDArray[np.floating]
    runs: tuple[str, ...] = ("",)

    def __repr__(self) -> str:
        wrong = counted(int(self.wrong.any(0).sum()), "test image")
        return shortened(f"{wrong} of {self.data.name} that one of {counted(len(self.predictions), 'run')} gets wrong")

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The true classes, int64 (images,)."""
        labels: NDArray[np.int64] = self.data.test_labels.cpu().numpy()
        return labels

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Whether at least one run answers a class for an image, bool (images, classes)."""
        answered = np.zeros((len(self.labels), len(self.data.class_names)), bool)
        for predictions in self.predictions:
            answered[np.arange(len(predictions)), predictions] = True
        return answered

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Which runs are wrong about which images, bool (runs, images)."""
        return self.predictions != self.labels

    @property
    def counts(self) -> NDArray[np.int64]:
        """Count the images of each cell, int64 (classes, classes): the truth in rows, the answers in columns.

        Off the diagonal are the images that at least one run takes for the class, on it those that all runs get
        right. Of one run this is the confusion matrix.
        """
        n = len(self.data.class_names)
        counts = np.stack([self.answered[self.labels == true].sum(0) for true in range(n)])
        np.fill_diagonal(counts, np.bincount(self.labels[~self.wrong.any(0)], minlength=n))
        return counts

    @property
    def right(self) -> str:
        """Say how many images are right."""
        seeds = {1: "", 2: " for both seeds"}.get(len(self.runs), f" for all {len(self.runs)} seeds")
        return f"{(~self.wrong.any(0)).sum():,} of {len(self.labels):,} images right{seeds}"

    @property
    def note(self) -> str:
        """Say what the numbers of the matrix count."""
        if len(self.runs) == 1:
            return "Every number counts test images."
        return (
            f"A number counts the test images that at least one of the {len(self.runs)} seeds takes for that class; "
            "on the diagonal, those that all of them get right. So a row may add up to more than its class has images, "
            f"and this is no mean over the seeds.{self._largest}"
        )

    @property
    def _largest(self) -> str:
        """Say how many images of the largest cell of mistakes a single seed has there; "" without any."""
        counts = self.counts
        np.fill_diagonal(counts, 0)
        true, predicted = np.unravel_index(counts.argmax(), counts.shape)
        if not counts.max():
            return ""
        first = "such as " if (counts == counts.max()).sum() > 1 else ""
        each = ((self.labels == true) & (self.predictions == predicted)).sum(1)
        names, mean = self.data.class_names, mean_count(float(each.mean()))
        cell = f"{first}{names[true]} taken for {names[predicted]}"
        return f" The largest number of mistakes, {counts.max():,} ({cell}), is {mean} for a single seed on average."

    def cell(self, true: int, predicted: int) -> NDArray[np.int64]:
        """Find the images of a class that at least one run takes for another."""
        return np.flatnonzero((self.labels == true) & self.answered[:, predicted])

    def content(self) -> dict[str, Any] | None:
        """Put all that a page needs into what JSON can write; None if there is nothing to show, or too much.

        "images" has a row an image, the surest mistakes first: its index, its label, and each run's answer and
        confidence in percent. The sprite holds the pictures in this order.
        """
        images = np.flatnonzero(self.wrong.any(0))
        if not 0 < len(images) <= MOST_IMAGES or len(self.data.class_names) > MOST_CLASSES:
            return None
        surest = np.where(self.wrong, self.confidence, 0).max(0)
        images = images[np.argsort(-surest[images], kind="stable")]
        percent = (100 * self.confidence).round().astype(int)
        answers = np.stack([self.predictions, percent], axis=-1)  # (runs, images, 2)
        rows = ((i, self.labels[i], *answers[:, i].ravel()) for i in images)
        return {
            "classes": list(self.data.class_names),
            "runs": list(self.runs),
            "counts": self.counts.tolist(),
            "note": self.note,
            "images": ";".join(",".join(map(str, row)) for row in rows),
            "columns": COLUMNS,
            "sprite": _sprite(self.data.test_images.cpu().numpy()[images]),
        }


def _sprite(images: NDArray[np.uint8]) -> str:
    """Draw images (n, height, width), dark on white, as one picture: WebP in base64."""
    n, height, width = images.shape
    rows = -(-n // COLUMNS)
    tiles = np.full((rows * COLUMNS, height, width), 255, np.uint8)
    tiles[:n] = 255 - images
    sheet = tiles.reshape(rows, COLUMNS, height, width).swapaxes(1, 2).reshape(rows * height, COLUMNS * width)
    picture, content = Image.fromarray(sheet), b""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "webp", quality=quality)
        content = buffer.getvalue()
        if len(content) <= SPRITE_SIZE:
            break
    return base64.b64encode(content).decode()
