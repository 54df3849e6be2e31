"""An experiment: what to train, as data. Checked when it is made, and hashed to name its run."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fmnist_utils import models
from fmnist_utils.basics import own
from fmnist_utils.basics.errors import UserError, brief, nearest
from fmnist_utils.basics.text import html_table, shortened
from fmnist_utils.data.dataset import VALIDATION_SHARE, Dataset, split
from fmnist_utils.training import augmentations, optim, tryout
from fmnist_utils.training.optim import Settings

# Raise by hand when a change of the package alters what a training run ends with: every run is then
# trained anew. The golden test in tests/test_trainer.py fails when results change and this did not.
TRAINING_VERSION = 2
LEAST_IMAGES = 10  # to train on


def _one_of(what: str, allowed: Collection[str]) -> BeforeValidator:
    """Accept a string from `allowed`; name the nearest match otherwise."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"unknown {what} {brief(value)}{nearest(value, allowed)} ({what}s: {', '.join(allowed)})")
        return value

    return BeforeValidator(check)


def _model(value: Any) -> str:
    models.entry(str(value))
    return str(value)


def _train_size(value: Any) -> Any:
    """Take 0 for None, which is all images; say so of what is too little."""
    if isinstance(value, int) and (value < 0 or 0 < value < LEAST_IMAGES):
        raise ValueError(f"{brief(value)} is not allowed, must be {LEAST_IMAGES} or more, or 0 for all images")
    return value or None


def _named(value: Any) -> Any:
    """Take the numbers for names that YAML makes of classes such as 10."""
    if not isinstance(value, Mapping):
        return value
    return {str(name) if type(name) is int else name: weight for name, weight in value.items()}


Rate = Annotated[float, Field(ge=0, lt=1)]


# What a user may add to, and where it is registered, by name.
REGISTRIES: dict[str, dict[str, Any]] = {
    "model": models.REGISTRY,
    "augmentation": augmentations.AUGMENTATIONS,
    "optimizer": optim.OPTIMIZERS,
    "schedule": optim.SCHEDULES,
}


class Part(NamedTuple):
    """A part of an experiment that is known by its name.

    Attributes
    ----------
    kind, name : a key of `REGISTRIES`, and what it is called there
    item : what is registered
    """

    kind: str
    name: str
    item: Any

    @property
    def home(self) -> str:
        """The module that it is from; "__main__" for a notebook."""
        return own.home(self.item.build if self.kind == "model" else self.item)

    @property
    def is_own(self) -> bool:
        """Whether it is the user's, and not the package's."""
        return self.home not in own.PINNED

    @property
    def digest(self) -> str:
        """What tells its versions apart; "" if it is the package's (`own.digest`)."""
        return str(self.item.digest) if self.kind == "model" else own.digest(self.item)

    @property
    def files(self) -> dict[str, str]:
        """Digests of the user's own files that it uses, by their modules' names (`own.modules`)."""
        return own.modules(self.item.build if self.kind == "model" else self.item)

    def register(self) -> None:
        """Make it known here."""
        REGISTRIES[self.kind][self.name] = self.item


class Experiment(BaseModel):
    """What to train and how; frozen, so that two equal experiments are one run.

    Attributes
    ----------
    dataset : "fashion-mnist", "mnist", or the path of a folder with data
    data_dir : folder to take the named data set from; empty for the usual places
    train_size : number of training images, a fixed stratified subset; None or 0 for all
    validation : hold a twelfth of the training images (5,000) out for choices; False trains on all
    folds, fold : hold the `fold`-th (from 0) of `folds` equal parts out in place of a twelfth, for cross-validation;
        0 folds for none
    model, model_options : a name of the registry, and keyword arguments of its class
    augmentation : a shorthand ("flip+translate") or a list of specifications, applied in order
    optimizer, lr, momentum, weight_decay : `momentum` is for "sgd" and "muon"
    other_lr : learning rate of what "muon" does not orthogonalize; 0 for `lr`
    schedule : learning rate over the training
    low_resolution : share of the epochs, the first ones, trained on images shrunk to 20 x 20 pixels, at half the
        cost (progressive resizing); only for models that take any size
    label_smoothing : share of the target probability spread over all classes
    class_weights : weight of a class in the loss, by its name; 1 for classes not named
    ema : decay of the exponential moving average of the weights, which is then what is evaluated; 0 for none
    early_stopping : end after so many epochs without a lower validation loss; 0 for never
    batch_size, epochs, seed : as usual
    test_time_views : evaluate the test images once more as the mean over six views of each, reported apart
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    dataset: str = "fashion-mnist"
    data_dir: str = ""
    train_size: Annotated[Annotated[int, Field(ge=LEAST_IMAGES)] | None, BeforeValidator(_train_size)] = None
    validation: bool = True
    folds: Annotated[int, Field(ge=0, le=100)] = 0
    fold: Annotated[int, Field(ge=0)] = 0
    model: Annotated[str, BeforeValidator(_model)] = "base"
    model_options: dict[str, int | float | bool | str] = {}
    augmentation: Annotated[tuple[augmentations.AnyAugmentation, ...], BeforeValidator(augmentations.parse)] = ()
    optimizer: Annotated[str, _one_of("optimizer", optim.OPTIMIZERS)] = "adam"
    lr: Annotated[float, Field(gt=0, le=10)] = 1e-3
    other_lr: Annotated[float, Field(ge=0, le=10)] = 0.0
    momentum: Rate = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    schedule: Annotated[str, _one_of("schedule", optim.SCHEDULES)] = "constant"
    low_resolution: Rate = 0.0
    label_smoothing: Rate = 0.0
    class_weights: Annotated[dict[str, Annotated[float, Field(gt=0, le=1e6)]], BeforeValidator(_named)] = {}
    ema: Rate = 0.0
    early_stopping: Annotated[int, Field(ge=0)] = 0
    batch_size: Annotated[int, Field(ge=2, le=10_000)] = 64
    epochs: Annotated[int, Field(ge=1, le=2000)] = 10
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    test_time_views: bool = False

    def __init__(self, *unnamed: Any, **values: Any) -> None:
        """Check the fields; UserError names each that is wrong, and what is allowed."""
        if unnamed:
            raise UserError(f"Experiment({brief(unnamed[0])}): give its fields by name, as in Experiment(model='base')")
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise UserError(_explain(error)) from None

    @model_validator(mode="after")
    def _fits_together(self) -> Experiment:
        models.check_options(self.model, self.model_options)
        if self.folds == 1 or self.fold >= max(1, self.folds) or (self.folds and not self.validation):
            raise UserError("folds: two or more, with fold below it and validation true; 0 for no cross-validation")
        if not self.validation and (self.early_stopping or self.schedule == "plateau"):
            raise UserError("early_stopping and schedule 'plateau' watch the validation loss: set validation to true")
        if self.low_resolution and not models.entry(self.model).any_size:
            fit = ", ".join(name for name in models.names() if models.entry(name).any_size)
            raise UserError(f"low_resolution: model {self.model!r} takes images of one size only (others: {fit})")
        return self

    @classmethod
    def check_value(cls, field: str, value: Any) -> None:
        """Raise UserError if `value` cannot stand in `field`."""
        cls(**{field: value})

    def but(self, **changes: Any) -> Experiment:
        """Make a copy with some fields changed, checked like any other experiment."""
        return Experiment(**{**self.model_dump(), **changes})

    def __hash__(self) -> int:
        return hash((self.dataset, self.data_dir, self.canonical()))

    def canonical(self) -> str:
        """One line of JSON with all that a result depends on, the data apart (its content is hashed instead).

        Fields at their default are left out, so that a new field does not rename the runs of old ones.
        """
        values = self.model_dump(mode="json", exclude_defaults=True, exclude={"dataset", "data_dir"})
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    def key(self, checksum: str, version: int = TRAINING_VERSION, digests: Mapping[str, str] | None = None) -> str:
        """Name of the run: SHA-256 of experiment, data set content and training version, 16 hex digits.

        The sources of its parts that are not the package's own count, too (`digests`; None for today's).
        """
        own_parts = self.digests if digests is None else digests
        text = "|".join([self.canonical(), checksum, str(version), *own_parts.values()])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def parts(self) -> list[Part]:
        """Its model, augmentations, optimizer and schedule."""
        return [
            Part("model", self.model, models.entry(self.model)),
            *(Part("augmentation", item.name, type(item)) for item in self.augmentation),
            Part("optimizer", self.optimizer, optim.OPTIMIZERS[self.optimizer]),
            Part("schedule", self.schedule, optim.SCHEDULES[self.schedule]),
        ]

    @property
    def digests(self) -> dict[str, str]:
        """What tells versions of its own parts apart, by kind of part; those of the package have none."""
        found = dict[str, str]()
        for part in self.parts:
            if digest := part.digest:
                found[part.kind] = f"{found[part.kind]}+{digest}" if part.kind in found else digest
        return found

    def labels(self, class_names: Sequence[str]) -> dict[str, int]:
        """Return the label of every class that it names, given the data's names; of those that the data lack -1.

        The key has the names alone: of data of one's own they may come to mean other classes.
        """
        named = {*self.class_weights, *(name for item in self.augmentation for name in item.classes)}
        return {name: class_names.index(name) if name in class_names else -1 for name in sorted(named)}

    def check_data(self, dataset: Dataset) -> None:
        """Raise UserError if it cannot be trained on these data: too few images, unknown classes, a part that fails."""
        training, _ = split(dataset.train_labels, self.train_size, self.validation, self.folds, self.fold)
        self.check_classes(dataset.class_names)
        models.check_options(self.model, self.model_options, len(dataset.class_names))
        own_parts = {(part.kind, part.name) for part in self.parts if part.is_own}
        for item in self.augmentation:
            if ("augmentation", item.name) in own_parts:
                height, width = dataset.train_images.shape[1:]
                tryout.augmentation(item, len(dataset.class_names), (height, width))
        if ("optimizer", self.optimizer) in own_parts:
            tryout.optimizer(self.optimizer, self.settings)
        if ("schedule", self.schedule) in own_parts:
            steps = self.steps_an_epoch(len(training)) * self.epochs
            tryout.schedule(self.schedule, self.optimizer, self.settings, steps)

    @property
    def settings(self) -> Settings:
        """What its optimizer is set to."""
        return Settings(self.lr, self.other_lr, self.momentum, self.weight_decay)

    def steps_an_epoch(self, images: int) -> int:
        """Count the batches of an epoch on so many training images: whole ones, but at least one."""
        return max(1, images // self.batch_size)

    def check_classes(self, names: tuple[str, ...]) -> None:
        """Raise UserError if it names a class that is none of `names`."""
        for augmentation in self.augmentation:
            augmentation.check_classes(names)
        for name in self.class_weights:
            if name not in names:
                raise UserError(f"class_weights: unknown class {name!r}{nearest(name, names)} ({', '.join(names)})")

    @property
    def _said(self) -> dict[str, Any]:
        """The fields that are not at their default, augmentations by their shorthand where they have no options."""
        fields = type(self).model_fields.items()
        values = {name: getattr(self, name) for name, field in fields if getattr(self, name) != field.default}
        if self.augmentation:
            short = "+".join(item.name for item in self.augmentation)
            plain = tuple(augmentations.parse(short)) == self.augmentation
            full = [item.model_dump(mode="json", exclude_defaults=True) for item in self.augmentation]
            values["augmentation"] = short if plain else full
        return values

    def said(self, field: str) -> Any:
        """Value of a field, as it is shown."""
        at_default = {"augmentation": "none", "train_size": "all"}.get(field, getattr(self, field))
        return self._said.get(field, at_default)

    def __repr__(self) -> str:
        return shortened(f"Experiment({', '.join(f'{name}={value!r}' for name, value in self._said.items())})")

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        return html_table({"model": self.model, **self._said, "all else": "default"})

    @property
    def held_out(self) -> float:
        """Share of the training images that is held out for choices."""
        return (1 / self.folds if self.folds else VALIDATION_SHARE) if self.validation else 0.0

    @property
    def label(self) -> str:
        """A few words for progress lines: the model and the seed, or the fold that a cross-validation holds out."""
        return f"{self.model}, {f'fold {self.fold + 1}' if self.folds else f'seed {self.seed}'}"

    @property
    def recipe(self) -> str:
        """How it trains, in a line: optimizer, rate, schedule, augmentation, and all else that is not a default."""
        values = json.loads(self.canonical())
        weights = [f"weight of {name} {weight}" for name, weight in values.pop("class_weights", {}).items()]
        options = values.pop("model_options", {})
        if self.folds:
            values["fold"] = f"{self.fold + 1} of {values.pop('folds')}"
        told = ("model", "seed", "optimizer", "lr", "schedule", "augmentation", "epochs", "train_size", "validation")
        others = {name: value for name, value in values.items() if name not in (*told, "test_time_views")}
        of_model, of_rest = (
            [f"{name.replace('_', ' ')} {value}" for name, value in part.items()] for part in (options, others)
        )
        changes = [item.label for item in self.augmentation]
        return ", ".join([f"{self.optimizer} {self.lr:g}", self.schedule, *changes, *of_model, *weights, *of_rest])


def recorded_digests(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Read the digests of own parts that a run was trained with (`Experiment.digests`)."""
    return {kind: provenance[f"{kind}_digest"] for kind in REGISTRIES if provenance.get(f"{kind}_digest")}


def _signature() -> inspect.Signature:
    """Signature of Experiment for people: plain types in place of pydantic's annotations."""
    plain = {"augmentation": str | list, "train_size": int | None}
    return inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default,
                              annotation=plain.get(name) or type(field.default))
            for name, field in Experiment.model_fields.items()
        ]
    )  # fmt: skip


own.load(f"{own.PACKAGE}.training")  # before what is allowed is listed
Experiment.__signature__ = _signature()
Experiment.__doc__ = f"""{inspect.cleandoc(Experiment.__doc__ or "")}

Allowed are
    model : {", ".join(models.names())}
    augmentation : none, {", ".join(augmentations.AUGMENTATIONS)}, or several of them joined by +
    optimizer : {", ".join(optim.OPTIMIZERS)}
    schedule : {", ".join(optim.SCHEDULES)}
"""


def _explain(error: ValidationError) -> str:
    """Turn pydantic's list of problems into one line that names each field and what is allowed."""
    problems = []
    for item in error.errors():
        # Union members and list positions are of no use to a reader; the field's name is.
        field = str(item["loc"][0]) if item["loc"] else "experiment"
        if item["type"] == "extra_forbidden":
            where = str(item["loc"][-1])
            known = list(Experiment.model_fields) if len(item["loc"]) == 1 else []
            problems.append(f"unknown field {brief(where)}{nearest(where, known)}")
            continue
        said = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        inner = "".join(f".{part}" for part in item["loc"][1:] if isinstance(part, str))
        problem = said if item["type"] == "value_error" else f"{brief(item['input'])} is not allowed, must be {said}"
        problems.append(f"{field}{inner}: {problem}")
    return "; ".join(dict.fromkeys(problems))
