"""A run: what came out of training one experiment once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray

from fmnist_utils.basics.errors import DIFFERS, UserError, brief
from fmnist_utils.basics.system import put_aside
from fmnist_utils.basics.text import counted, duration, html_table, percent, shortened
from fmnist_utils.data import pictures as reader
from fmnist_utils.data.dataset import Dataset, load_dataset
from fmnist_utils.training import evaluate
from fmnist_utils.training.attribution import attributions
from fmnist_utils.training.evaluate import normalization
from fmnist_utils.training.experiment import Experiment

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = "weights.safetensors"


@dataclass(eq=False)
class Run:
    """The result of one experiment.

    Attributes
    ----------
    experiment : what was trained
    key : its name in the store
    history : one row an epoch: epoch (from 1), train_loss, train_accuracy (of the batches as they were
        trained on), validation_loss, validation_accuracy (None without validation images), lr, seconds
    test_probabilities : float32 (n, classes), of the last epoch; rounded when stored (see `answers.packed`). UserError
        if it is asked for and the run is thin (`store.Store.thin`)
    test_labels : int64 (n,)
    view_probabilities : like `test_probabilities`, the mean over six views of each image (`batches.test_time_views`);
        None if not asked for, or if the run is thin
    held_out_probabilities : like `test_probabilities`, of the held-out fold of the training images, in the order
        of `split`; None without cross-validation
    predictions, view_predictions : int64 (n,), the most probable class of each test image before any rounding;
        every accuracy is counted from them
    confidence : float32 (n,), the probability of each prediction
    classes : how many classes it tells apart
    train_accuracy : share in 0..1, in evaluation mode, of up to 10,000 of the training images
    parameters, multiply_adds : size of the model
    provenance : data set and its checksum, device, versions, commit, date
    weights : state dict of the evaluated model; None if it was not kept in memory
    folder : where the run is stored, if it is
    weights_sha256 : checksum of the stored weights; "" where none was recorded
    fresh : whether it was trained now, not read
    """

    experiment: Experiment
    key: str
    history: list[dict[str, Any]]
    test_probabilities: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    train_accuracy: float
    parameters: int
    multiply_adds: int
    provenance: dict[str, Any]
    weights: dict[str, Any] | None = None
    view_probabilities: NDArray[np.float32] | None = None
    held_out_probabilities: NDArray[np.float32] | None = None
    predictions: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    view_predictions: NDArray[np.int64] | None = None
    confidence: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    classes: int = 0
    folder: Path | None = None
    weights_sha256: str = ""
    fresh: bool = True
    _kept: NDArray[np.float32] | None = field(init=False, repr=False)  # set through `test_probabilities`

    def __post_init__(self) -> None:
        if not len(self.predictions):
            self.predictions = self.test_probabilities.argmax(1)
        if not len(self.confidence):
            self.confidence = np.take_along_axis(self.test_probabilities, self.predictions[:, None], 1)[:, 0]
        self.classes = self.classes or self.test_probabilities.shape[1]
        if self.view_predictions is None and self.view_probabilities is not None:
            self.view_predictions = self.view_probabilities.argmax(1)

    def called(self, key: str, digests: Mapping[str, str]) -> Run:
        """Give it the key, and the digests of its own parts, that it was asked for by; returns it."""
        self.key = key
        self.provenance |= {f"{kind}_digest": digest for kind, digest in digests.items()}
        return self

    def __repr__(self) -> str:
        accuracy = f"{percent(self.test_accuracy)} of {counted(len(self.test_labels), 'test image')}"
        time = f"{counted(len(self.history), 'epoch')} in {duration(self.seconds)}"
        return shortened(f"Run {self.key}: {self.experiment.label}, {accuracy}, {time}")

    def _repr_html_(self) -> str:
        return html_table(
            {
                "run": self.key,
                "model": f"{self.experiment.model}, {self.parameters:,} parameters",
                "trained by": f"{self.experiment.recipe}, seed {self.experiment.seed}",
                "test accuracy": percent(self.test_accuracy),
                "training accuracy": percent(self.train_accuracy),
                "epochs": f"{len(self.history)}, in {duration(self.seconds)}",
            }
        )

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each test image is classified correctly, bool (n,)."""
        return self.predictions == self.test_labels

    @property
    def test_accuracy(self) -> float:
        """Share of the test images classified correctly, in 0..1."""
        return float(self.correct.mean())

    @property
    def seconds(self) -> float:
        """Wall time of all epochs together."""
        return float(sum(row["seconds"] for row in self.history))

    @property
    def precision(self) -> str:
        """Precision of the training, "fp32" or "bf16"; the first runs do not record it, as there was no choice."""
        return str(self.provenance.get("precision", "fp32"))

    @property
    def is_thin(self) -> bool:
        """Whether only its predictions and their probabilities were kept (`Store.thin`)."""
        return self._kept is None

    @property
    def has_weights(self) -> bool:
        """Whether its weights were kept, so that `model` and `predict` work; those of published runs were not."""
        return self.weights is not None or (self.folder is not None and (self.folder / WEIGHTS).is_file())

    def predict(self, pictures: Any, invert: bool | None = None, data: Dataset | None = None) -> pd.DataFrame:
        """Classify pictures of one's own, brought to the form that the net was trained on.

        Parameters
        ----------
        pictures : the path of an image file, an image of PIL, or an array (h, w) or (h, w, 3); or several: a list, an
            array (n, h, w)
        invert : whether dark is ink; None decides by whether the ground of most is light (arrays of 28 x 28 uint8,
            the form of the data sets, are taken as they are)
        data : the data set that the net was trained on; loaded if left out

        Returns
        -------
        DataFrame, one row a picture, one column a class
            Probabilities, 0..1.
        """
        if invert not in (None, True, False):
            raise UserError(
                f"invert = {brief(invert)}: True if dark is ink, False if light is, None to have it found out"
            )
        pictures = _array(pictures)
        if (shape := np.shape(pictures) if hasattr(pictures, "ndim") else ())[1:] == (reader.SIDE**2,):
            several = f"(n, {reader.SIDE}, {reader.SIDE})"
            raise UserError(f"an array of the shape {shape} is no picture: give several as {several}")
        one = isinstance(pictures, str | os.PathLike) or not isinstance(pictures, Iterable)  # such as an Image
        one = one or (hasattr(pictures, "ndim") and _is_one(np.asarray(pictures)))
        given = [pictures] if one else [_array(picture) for picture in pictures]
        if not given:
            raise UserError("there are no pictures to classify: give paths or arrays")
        model = self.model()
        data = load_dataset(self.experiment.dataset, self.experiment.data_dir) if data is None else data
        found = evaluate.probabilities(model, torch.from_numpy(reader.read(given, invert).images), *self._scale(data))
        return pd.DataFrame(found.numpy(), reader.names(given), data.class_names)

    def probabilities(self, images: ArrayLike, data: Dataset) -> NDArray[np.float32]:
        """Class probabilities, (n, classes), of uint8 `images` (n, h, w); `data` is what the net was trained on."""
        scale = self._scale(data)
        return evaluate.probabilities(self.model(), _pixels(images, data), *scale).numpy()

    def features(self, images: ArrayLike, data: Dataset) -> NDArray[np.float32]:
        """What the last dense layer is given, (n, features); arguments as in `probabilities`."""
        scale = self._scale(data)
        return evaluate.features(self.model(), _pixels(images, data), *scale).numpy()

    def attributions(self, images: ArrayLike, data: Dataset, first: int, second: int) -> NDArray[np.float32]:
        """What each pixel adds to the logit of class `first` less that of `second` (`attribution.attributions`)."""
        scale = self._scale(data)
        for number in (first, second):
            if number not in range(self.classes):
                raise UserError(f"class {brief(number)} is not allowed, must be a number from 0 to {self.classes - 1}")
        return attributions(self.model(), _pixels(images, data), *scale, first, second).numpy()

    def check_data(self, data: Dataset) -> None:
        """Raise UserError if `data` is another data set than the net was trained and tested on.

        (Where a run does not say which that was, its number of classes must do.)
        """
        if not isinstance(data, Dataset):
            raise UserError(f"{brief(data)} is no data set: give load_dataset({brief(self.experiment.dataset)})")
        if self.provenance.get("dataset_checksum", data.checksum) != data.checksum:
            raise UserError(
                f"run {self.key} was trained on other images than {data.source} holds now: give the data set "
                "that it was trained on"
            )
        self.check_classes(data)

    def check_classes(self, data: Dataset) -> None:
        """Raise UserError if `data` has another number of classes than the net tells apart, or calls them otherwise.

        (Of the names only those count that the experiment has, in runs that say what they meant.)
        """
        named = len(data.class_names)
        if self.classes != named:
            raise UserError(
                f"run {self.key} tells {self.classes} classes apart, but {data.source} has {named} now: name as "
                "many as before in its classes.txt, or delete the run"
            )
        then, now = self.provenance.get("labels", {}), self.experiment.labels(data.class_names)
        for name in now:
            if now[name] != then.get(name, now[name]):
                raise UserError(
                    f"run {self.key} was trained when {brief(name)} was the name of class {then[name]} (from 0) of "
                    f"{data.source}, which it is no more: mend its classes.txt, or train again with RETRAIN=1"
                )

    def _scale(self, data: Dataset) -> tuple[float, float]:
        """How the images were normalized that the net was trained on, which must be those of `data`."""
        self.check_data(data)
        return normalization(data.train_images)

    def model(self) -> nn.Module:
        """Rebuild the trained model, in evaluation mode on the CPU.

        It takes float32 (n, 1, h, w), grey levels in 0..1 less the mean and divided by the standard deviation of
        the training images (`evaluate.normalization`).
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        from fmnist_utils import models

        if self.provenance.get("model_digest", "") != models.entry(self.experiment.model).digest:
            raise UserError(
                f"model {self.experiment.model!r} has changed since run {self.key} was trained: train it again"
            )
        weights = self.weights
        if weights is None:
            file = self.folder / WEIGHTS if self.folder else None
            if file is None or not file.is_file():
                raise UserError(
                    f"the weights of run {self.key} are not here, as of most published runs: its experiment, run with "
                    "run_all into a folder of your own, trains it again"
                )
            content = file.read_bytes()
            try:
                if self.weights_sha256 and hashlib.sha256(content).hexdigest() != self.weights_sha256:
                    raise ValueError(DIFFERS)
                weights = load(content)
            except (ValueError, SafetensorError) as error:
                put_aside(file, str(error), "its predictions stay; RETRAIN=1 trains it again")
                raise UserError(f"the weights of run {self.key} are damaged: train it again with RETRAIN=1") from None
        model = models.build(self.experiment.model, self.classes, **self.experiment.model_options)
        model.load_state_dict(weights)
        for name, counts in self.provenance.get("attributes", {}).items():
            vars(model.get_submodule(name)).update(counts)
        return model.eval()


class _Kept:
    """`Run.test_probabilities`, which a thin run does not have; who asks for them is told so."""

    def __get__(self, run: Run, owner: type[Run]) -> NDArray[np.float32]:
        kept: NDArray[np.float32] | None = run._kept
        if kept is None:
            why = f"run {run.key} is thin: of its probabilities only those of its predictions were kept"
            raise UserError(f"{why}; train it again with RETRAIN=1")
        return kept

    def __set__(self, run: Run, probabilities: NDArray[np.float32] | None) -> None:
        run._kept = probabilities


Run.test_probabilities = _Kept()  # type: ignore[assignment]  # (after dataclass has made a field of it)


def _array(picture: Any) -> Any:
    """Take a tensor of any kind for the array that it holds; all else is left as it is."""
    if not isinstance(picture, torch.Tensor):
        return picture
    held = picture.detach().cpu()
    return (held.float() if held.dtype == torch.bfloat16 else held).numpy()


def _pixels(images: ArrayLike, data: Dataset) -> torch.Tensor:
    """Take images for what nets are given; UserError if they are not of the form of those of `data`."""
    wanted = tuple(data.train_images.shape[1:])
    try:
        pixels = torch.as_tensor(images)
    except (ValueError, TypeError, RuntimeError):  # paths, for one
        raise UserError(f"{brief(images)} are no images: `predict` takes files and pictures of any form") from None
    if pixels.dtype != torch.uint8 or pixels.shape[1:] != wanted or not len(pixels):
        form = f"uint8 (n, {wanted[0]}, {wanted[1]})"
        found = f"{str(pixels.dtype).removeprefix('torch.')} {tuple(pixels.shape)}"
        raise UserError(
            f"images of the form {found} are not allowed, must be {form}; `predict` takes pictures of any form"
        )
    return pixels


def _is_one(array: NDArray[Any]) -> bool:
    """Whether an array is one picture: (h, w), or (h, w, 3 or 4)."""
    return array.ndim <= 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))
