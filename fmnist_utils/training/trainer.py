"""Training: one experiment in, one run out, on whatever device there is."""

from __future__ import annotations

import hashlib
import io
import pickle
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from fmnist_utils import models
from fmnist_utils.basics import own, randomness
from fmnist_utils.basics.errors import DIFFERS, MAKE_ROOM, UserError, os_errors
from fmnist_utils.basics.system import provenance, put_aside, write_whole
from fmnist_utils.data.dataset import Dataset, sample, split
from fmnist_utils.training import batches
from fmnist_utils.training.device import choose_device, choose_precision, device_name, reproducible
from fmnist_utils.training.evaluate import SAMPLE, channels_last, normalization, normalized, probabilities
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.optim import build_optimizer, build_schedule, plain
from fmnist_utils.training.progress import Progress, alone
from fmnist_utils.training.run import Run

STEM_IMAGES = 5_000  # shown to a model that prepares itself for the data before training
LOW_RESOLUTION = (20, 20)  # pixels: half as many as 28 x 28


@dataclass
class Trainer:
    """One training on its way: the parts that a checkpoint saves, and the steps that use them.

    Parameters
    ----------
    experiment : what to train
    dataset : the data, on any device; it is moved to `device` once
    device : where to train
    precision : "fp32", or "bf16" to compute convolutions and matrix products of a training step in bfloat16;
        weights, batch-norm statistics, loss and optimizer stay float32, and so does all evaluation

    The weights begin as torch's random state has it: seed it first, as `reproducible` does.
    """

    experiment: Experiment
    dataset: Dataset
    device: torch.device
    precision: str = "fp32"
    history: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        experiment = self.experiment
        self.digests = experiment.digests  # before a part of a notebook may change what it reads
        experiment.check_classes(self.dataset.class_names)
        training, validation = split(
            self.dataset.train_labels, experiment.train_size, experiment.validation, experiment.folds, experiment.fold
        )
        # As they were made: one of one's own may count, in another training, too, that has it in common.
        self.augmentation = tuple(type(item).model_construct(**vars(item)) for item in experiment.augmentation)
        self.mean, self.std = normalization(self.dataset.train_images)
        self.data = self.dataset.to(self.device)
        self.training, self.validation = training.to(self.device), validation.to(self.device)
        self.class_weights = self._class_weights()
        self.steps = experiment.steps_an_epoch(len(training))

        model = models.build(experiment.model, len(self.dataset.class_names), **experiment.model_options)
        self.built = _counts(_module_attributes(model))
        shown = training[sample(self.dataset.train_labels[training], STEM_IMAGES)]
        models.prepare(model, normalized(self.dataset.train_images[shown], self.mean, self.std))
        self.model = model.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema: AveragedModel | None = None
        if experiment.ema:
            average = get_ema_multi_avg_fn(experiment.ema)
            try:
                self.ema = AveragedModel(self.model, multi_avg_fn=average, use_buffers=True)
            except RuntimeError as error:
                why = str(error).partition("\n")[0][:150]
                raise UserError(
                    f"ema needs a copy of model {experiment.model!r}, which cannot be made: {why}"
                ) from error
        self.optimizer = build_optimizer(experiment.optimizer, self.model, experiment.settings)
        self.schedule = build_schedule(experiment.schedule, self.optimizer, self.steps * experiment.epochs)

    def _class_weights(self) -> Tensor | None:
        weights, names = self.experiment.class_weights, self.dataset.class_names
        return torch.tensor([weights.get(name, 1.0) for name in names], device=self.device) if weights else None

    @property
    def evaluated(self) -> nn.Module:
        """The model whose accuracy counts: the moving average where there is one."""
        if self.ema is None:
            return self.model
        counts = _counts(_module_attributes(self.model))  # which are in no average
        _set_counts(_module_attributes(self.ema.module), counts)
        return self.ema.module

    def batch(self, indices: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """Gather, augment and normalize the training images at `indices`, on the device.

        Returns images (n, 1, h, w), float32, channels last, and targets: labels or class probabilities.
        """
        images = self.data.train_images[indices].unsqueeze(1).float().div_(255)
        labels = self.data.train_labels[indices]
        names = self.dataset.class_names
        images, targets = batches.augment(images, labels, self.augmentation, names, indices, epoch)
        if epoch < self.experiment.low_resolution * self.experiment.epochs:
            images = F.interpolate(images, size=LOW_RESOLUTION, mode="bilinear", antialias=True)
        return channels_last(images.sub_(self.mean).div_(self.std)), targets

    def step(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Update the weights once; returns loss (scalar) and logits (n, classes), both detached."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            logits = self.model(images)
        smoothing = self.experiment.label_smoothing
        loss = F.cross_entropy(logits.float(), targets, weight=self.class_weights, label_smoothing=smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for group in self.optimizer.param_groups:
            group["lr"] = plain(group["lr"])  # a schedule of one's own may have set a number of NumPy's
        self.optimizer.step()
        if not isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step()
        if self.ema is not None:
            self.ema.update_parameters(self.model)
        return loss.detach(), logits.detach()

    def epoch(self, progress: Progress) -> dict[str, Any]:
        """Train one epoch, evaluate it on the validation images, and return its row of the history.

        All that is random in an epoch follows from the seed and the epoch's number, so a run that goes
        on from a checkpoint draws what an undisturbed one would have drawn.
        """
        number = len(self.history)
        started = time.perf_counter()
        randomness.seed_all(self.experiment.seed * 100_003 + number + 1)
        order = self.training[torch.randperm(len(self.training), device=self.device)]
        self.model.train()
        # Loss and hits are summed on the device: reading them every step would make a GPU wait.
        sums, seen = torch.zeros(2, device=self.device), 0
        rate = float(self.optimizer.param_groups[0]["lr"])
        for indices in order.split(self.experiment.batch_size)[: self.steps]:
            loss, logits = self.step(*self.batch(indices, number))
            correct = (logits.argmax(1) == self.data.train_labels[indices]).sum()
            sums += torch.stack([loss * len(indices), correct])
            seen += len(indices)
            progress.batch()
        train_loss, train_accuracy = (sums / seen).tolist()
        if not np.isfinite(train_loss):
            raise self._diverged(f"in epoch {number + 1} (loss {train_loss})")
        validation_loss, validation_accuracy = self.validate()
        if isinstance(self.schedule, ReduceLROnPlateau) and validation_loss is not None:
            self.schedule.step(validation_loss)
        row = {
            "epoch": number + 1,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
            "lr": rate,
            "seconds": time.perf_counter() - started,
        }
        self.history.append(row)
        return row

    def _diverged(self, how: str) -> UserError:
        label, lr, optimizer = self.experiment.label, self.experiment.lr, self.experiment.optimizer
        advice = f"lr {lr:g} is too high for {optimizer}, try a tenth of it"
        return UserError(f"training of {label} diverged {how}: {advice}")

    def probabilities(self, images: Tensor) -> Tensor:
        """Class probabilities (n, classes), float32 on the CPU, of uint8 images (n, h, w)."""
        return probabilities(self.evaluated, images, self.mean, self.std)

    def validate(self) -> tuple[float | None, float | None]:
        """Cross-entropy and accuracy on the validation images; None where there are none."""
        if not len(self.validation):
            return None, None
        probabilities = self.probabilities(self.data.train_images[self.validation])
        labels = self.data.train_labels[self.validation].cpu()
        loss = F.nll_loss(probabilities.clamp(min=1e-12).log(), labels)
        return loss.item(), (probabilities.argmax(1) == labels).double().mean().item()

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping says so."""
        patience, losses = self.experiment.early_stopping, [row["validation_loss"] for row in self.history]
        if patience and len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience]):
            return True
        return len(self.history) >= self.experiment.epochs

    @os_errors("write", MAKE_ROOM)
    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all: its SHA-256 (32 bytes), then what `torch.save` makes of it."""
        content = io.BytesIO()
        torch.save({**self._origin, "history": self.history, **self._states()}, content)
        written = content.getvalue()
        write_whole(path, lambda part: part.write_bytes(hashlib.sha256(written).digest() + written))

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `read_checkpoint` returned."""
        for name in self._parts:
            getattr(self, name).load_state_dict(state[name])
        _set_counts(self._attributes, state.get("attributes", {}))
        self.history = state["history"]

    @property
    def _origin(self) -> dict[str, Any]:
        """What a checkpoint must have in common with the training that goes on from it, or decides for it."""
        return {
            "experiment": self.experiment.canonical(),
            "labels": self.experiment.labels(self.dataset.class_names),
            "precision": self.precision,
            "threads": torch.get_num_threads(),
        }

    @property
    def _attributes(self) -> dict[str, dict[str, Any]]:
        """The attributes of all parts that may be one's own and count, by where they are."""
        own = {f"/augmentation {i}": item.__pydantic_private__ or {} for i, item in enumerate(self.augmentation)}
        return {**_module_attributes(self.model), "/optimizer": vars(self.optimizer), **own}

    def _states(self) -> dict[str, Any]:
        states = {name: plain(getattr(self, name).state_dict()) for name in self._parts}
        return {"attributes": _counts(self._attributes), **states}

    @property
    def _parts(self) -> list[str]:
        return ["model", "optimizer", "schedule", *(["ema"] if self.ema is not None else [])]

    def evaluate(self) -> Run:
        """Evaluate the finished training on the test set, once, and return the run.

        Raises
        ------
        UserError
            Its last step made a net that answers with what is no number.
        """
        started = time.perf_counter()
        seen = self.training[sample(self.data.train_labels[self.training], SAMPLE).to(self.device)]
        train_labels = self.data.train_labels[seen].cpu()
        train_hits = self.probabilities(self.data.train_images[seen]).argmax(1) == train_labels
        test = self.probabilities(self.data.test_images).numpy()
        held_out = None
        if self.experiment.folds:
            held_out = self.probabilities(self.data.train_images[self.validation]).numpy()
        views = None
        if self.experiment.test_time_views:
            weighted = batches.test_time_views(self.data.test_images)
            views = np.sum([weight * self.probabilities(images).numpy() for weight, images in weighted], axis=0)
        if any(answers is not None and not np.isfinite(answers).all() for answers in (test, held_out, views)):
            raise self._diverged("at its end (its net answers with what is no number)")
        evaluation = time.perf_counter() - started
        now = _counts(_module_attributes(self.evaluated))
        counted = {name: counts for name, counts in now.items() if counts != self.built[name]}
        return Run(
            experiment=self.experiment,
            key=self.experiment.key(self.dataset.checksum, digests=self.digests),
            history=self.history,
            test_probabilities=test,
            view_probabilities=views,
            held_out_probabilities=held_out,
            test_labels=self.dataset.test_labels.cpu().numpy(),
            train_accuracy=train_hits.double().mean().item(),
            parameters=models.count_parameters(self.model),
            multiply_adds=models.count_multiply_adds(self.model),
            weights={name: value.cpu() for name, value in self.evaluated.state_dict().items()},
            provenance={
                "dataset": self.dataset.name,
                "dataset_checksum": self.dataset.checksum,
                **({"labels": labels} if (labels := self.experiment.labels(self.dataset.class_names)) else {}),
                **{f"{part}_digest": digest for part, digest in self.digests.items()},
                **({"attributes": counted} if counted else {}),  # of its modules, by their names: what weights lack
                "train_size": len(self.training),
                "device": self.device.type,
                "device_name": device_name(self.device),
                "precision": self.precision,
                "threads": torch.get_num_threads(),
                "evaluation_seconds": evaluation,
                **provenance(),
            },
        )


def _module_attributes(model: nn.Module) -> dict[str, dict[str, Any]]:
    """Return the attributes of each module, by its name: the very ones, not copies."""
    return {name: vars(module) for name, module in model.named_modules()}


def _counts(attributes: dict[str, dict[str, Any]]) -> dict[str, dict[str, int | float | str]]:
    """Take out what parts of one's own may count in: numbers and text, which are in no state_dict."""
    return {
        part: {
            name: plain(value)
            for name, value in values.items()
            if isinstance(value, int | float | str) and name != "training"  # a module's mode
        }
        for part, values in attributes.items()
    }


def _set_counts(attributes: dict[str, dict[str, Any]], counts: dict[str, dict[str, int | float | str]]) -> None:
    """Set the attributes of each part to what `_counts` once took out of the same parts."""
    for part, values in counts.items():
        attributes[part].update(values)


def read_checkpoint(
    path: Path, experiment: Experiment, device: torch.device, labels: dict[str, int] | None = None
) -> dict[str, Any] | None:
    """Read what `Trainer.save` wrote; None, and the file is put aside, if it is damaged or of another experiment.

    It is so, too, if the classes that the experiment names had other labels (`Experiment.labels`) than `labels`.
    """
    try:
        content = path.read_bytes()
        if hashlib.sha256(content[32:]).digest() != content[:32]:
            raise ValueError(DIFFERS)
        state: dict[str, Any] = torch.load(io.BytesIO(content[32:]), map_location=device, weights_only=True)
        if state["experiment"] != experiment.canonical():
            raise ValueError("it is of another experiment")
        if labels is not None and state.get("labels", labels) != labels:
            raise ValueError("the names of the classes have changed since")
    except FileNotFoundError:
        return None
    except (RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as e:
        unread = (
            "it holds what no checkpoint may" if isinstance(e, pickle.UnpicklingError) else str(e).partition("\n")[0]
        )
        put_aside(path, unread or type(e).__name__)
        return None
    return state


def train(
    experiment: Experiment,
    dataset: Dataset,
    device: str = "auto",
    checkpoint: Path | None = None,
    precision: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train one experiment to its end, or from its last checkpoint to its end.

    Parameters
    ----------
    experiment : what to train
    dataset : the data that the experiment names
    device : "auto", "cuda", "cuda:1" and so on, "mps" or "cpu"
    checkpoint : file written after every epoch, and read first if it is there; None for none
    precision : "auto", "fp32" or "bf16"
    threads : of the CPU to compute with; None for torch's own number
    progress : is told how far the training is; None shows it here

    Precision and threads may decide the last bits of a result, so a training that goes on from a checkpoint keeps
    those that it was begun with.

    Returns
    -------
    Run
        Evaluated on the test set after its last epoch, with its weights.

    Raises
    ------
    UserError
        A class name that the data set lacks, a device that is not there, a loss that is not finite, or whatever the
        user's own parts raise.
    """
    where = choose_device(device)
    labels = experiment.labels(dataset.class_names)
    state = read_checkpoint(checkpoint, experiment, where, labels) if checkpoint is not None else None
    if state is not None:
        precision, threads = state["precision"], state["threads"]
    precision, progress = choose_precision(precision, where), progress or alone(experiment.label)
    with reproducible(where, threads or torch.get_num_threads(), experiment.seed):
        try:
            trainer = Trainer(experiment, dataset, where, precision)
            if state is not None:
                trainer.restore(state)
            progress.begin(experiment.epochs, trainer.steps, len(trainer.history))
            while not trainer.finished:
                progress.epoch(trainer.epoch(progress))
                if checkpoint is not None:
                    trainer.save(checkpoint)
            return trainer.evaluate()
        except Exception as error:
            if isinstance(error, UserError) or not (where_own := own.line(error)):
                raise
            said = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
            raise UserError(f"training of {experiment.label} failed: {said} ({where_own})") from error
        finally:
            progress.close()
