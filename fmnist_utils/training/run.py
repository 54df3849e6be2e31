"""A run: what came out of training one experiment once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fmnist_utils.basics.errors import UserError
from fmnist_utils.basics.system import put_aside
from fmnist_utils.training.experiment import Experiment

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class Run:
    """The result of one experiment.

    Attributes
    ----------
    experiment : what was trained
    key : its name in the store
    history : one row an epoch: epoch (from 1), train_loss, train_accuracy (of the batches as they were
        trained on), validation_loss, validation_accuracy (None without validation images), lr, seconds
    test_probabilities : float32 (n, classes), of the last epoch; rounded to float16 when stored
    test_labels : int64 (n,)
    view_probabilities : like `test_probabilities`, the mean over six views of each image; None if not asked for
    validation_probabilities : like `test_probabilities`, of the training images that were held out, in the order of
        `split`; None if none were, or the run is of before they were stored
    predictions, view_predictions : int64 (n,), the most probable class of each test image before any rounding;
        every accuracy is counted from them
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
    validation_probabilities: NDArray[np.float32] | None = None
    predictions: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    view_predictions: NDArray[np.int64] | None = None
    folder: Path | None = None
    weights_sha256: str = ""
    fresh: bool = field(default=True)

    def __post_init__(self) -> None:
        if not len(self.predictions):
            self.predictions = self.test_probabilities.argmax(1)
        if self.view_predictions is None and self.view_probabilities is not None:
            self.view_predictions = self.view_probabilities.argmax(1)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each test image is classified correctly, bool (n,)."""
        return self.predictions == self.test_labels

    @property
    def test_accuracy(self) -> float:
        """Share of the test images classified correctly, in 0..1."""
        return float(self.correct.mean())

    @property
    def has_weights(self) -> bool:
        """Whether `model` can rebuild the net: published runs are stored without their weights."""
        return self.weights is not None or bool(self.folder and (self.folder / "weights.safetensors").exists())

    @property
    def seconds(self) -> float:
        """Wall time of all epochs together."""
        return float(sum(row["seconds"] for row in self.history))

    def model(self) -> nn.Module:
        """Rebuild the trained model, in evaluation mode on the CPU.

        It takes float32 (n, 1, h, w), grey levels in 0..1 less the mean and divided by the standard deviation of
        the training images (`trainer.normalization`).
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        from fmnist_utils import models

        if self.provenance.get("model_digest", "") != self.experiment.model_digest:
            raise UserError(
                f"model {self.experiment.model!r} has changed since run {self.key} was trained: train it again"
            )
        weights = self.weights
        if weights is None:
            file = self.folder / "weights.safetensors" if self.folder else None
            if file is None or not file.exists():
                raise UserError(f"the weights of run {self.key} were not kept; train it again in another `out`")
            content = file.read_bytes()
            try:
                if self.weights_sha256 and hashlib.sha256(content).hexdigest() != self.weights_sha256:
                    raise ValueError("its content differs from its checksum")
                weights = load(content)
            except (ValueError, SafetensorError) as error:
                put_aside(file, str(error))
                raise UserError(f"the weights of run {self.key} are damaged; train it again in another `out`") from None
        classes = self.test_probabilities.shape[1]
        model = models.build(self.experiment.model, classes, **self.experiment.model_options)
        model.load_state_dict(weights)
        return model.eval()
