"""Experiments: what is refused, and what names a run."""

import math
import pydoc
import re

import pytest
import torch

from fmnist_utils import Experiment, UserError, models
from fmnist_utils.training import augmentations, optim


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"epoch": 3}, "unknown field 'epoch'; did you mean 'epochs'"),
        ({"lr": -1.0}, "lr: -1.0 is not allowed, must be greater than 0"),
        ({"lr": "fast"}, "lr: 'fast' is not allowed"),
        ({"epochs": 0}, "epochs: 0 is not allowed"),
        ({"model": "cnn-bigg"}, "did you mean 'cnn-big'"),
        ({"optimizer": "adamm"}, "did you mean 'adam'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"model": "base", "model_options": {"dropout": 0.5}}, "model 'base' has no option 'dropout'"),
        (
            {"model": "base", "low_resolution": 0.5},
            "model 'base' takes images of one size only .others: sprint, compact, tiny, best",
        ),
        ({"validation": False, "early_stopping": 2}, "set validation to true"),
        ({"validation": False, "folds": 5}, "two or more, with fold below it and validation true"),
        ({"folds": 1}, "folds: two or more"),
        ({"folds": 5, "fold": 5}, "fold below it"),
        ({"train_size": -1}, "train_size: -1 is not allowed, must be 10 or more, or 0 for all images"),
        ({"optimizer": ["adam"]}, r"unknown optimizer \['adam'\]; did you mean 'adam'\? \(optimizers: "),
        ({"optimizer": {}}, "unknown optimizer {}"),
        ({"schedule": ["cosine"]}, r"unknown schedule \['cosine'\]; did you mean 'cosine'"),
        ({"model": ["base"]}, "unknown model .*base.*; did you mean 'base'"),
        ({"model": {}}, "unknown model '{}'"),
        ({"model": "cnn-big", "model_options": {"dropout_kind": ["2d"]}}, "dropout_kind"),
        ({"model": "cnn-big", "model_options": {"dropout_kind": "3d"}}, "unknown dropout_kind '3d'"),
    ],
)
def test_mistakes_get_one_line(values: dict, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        Experiment(**values)
    assert "\n" not in str(caught.value)


def test_one_field_can_be_checked_alone() -> None:
    Experiment.check_value("lr", 0.1)
    with pytest.raises(UserError, match="lr"):
        Experiment.check_value("lr", 0)


def test_equal_experiments_have_one_key_whatever_their_data_set_is_called() -> None:
    written, short = Experiment(augmentation=[{"name": "flip"}]), Experiment(augmentation="flip", dataset="elsewhere")
    assert written.key("data") == short.key("data")
    assert written.key("data") != written.key("other data")
    assert written.key("data") != written.but(seed=1).key("data")
    assert written.key("data") != Experiment(augmentation="vertical-flip").key("data")


def test_a_round_trip_through_json_keeps_the_key() -> None:
    experiment = Experiment(augmentation=[{"name": "affine", "degrees": 5, "classes": ["Shirt"]}], lr=0.1)
    again = Experiment(**experiment.model_dump(mode="json"))
    assert again == experiment
    assert again.key("x") == experiment.key("x")


def test_defaults_are_pinned() -> None:
    """A run's name leaves defaults out, so a changed default must come with a new TRAINING_VERSION."""
    assert Experiment(seed=3).canonical() == '{"seed":3}'
    fields = {name: field.default for name, field in Experiment.model_fields.items()}
    assert fields == {
        "dataset": "fashion-mnist", "data_dir": "", "train_size": None, "validation": True, "model": "base",
        "model_options": {}, "augmentation": (), "optimizer": "adam", "lr": 1e-3, "other_lr": 0.0, "momentum": 0.9,
        "weight_decay": 0.0, "schedule": "constant", "label_smoothing": 0.0, "class_weights": {}, "ema": 0.0,
        "early_stopping": 0, "batch_size": 64, "epochs": 10, "seed": 0, "low_resolution": 0.0, "test_time_views": False,
        "folds": 0, "fold": 0,
    }  # fmt: skip


def test_options_of_augmentations_are_said() -> None:
    wide = Experiment(augmentation=[{"name": "translate", "pixels": 4}, {"name": "flip", "classes": ["Coat"]}])
    assert "translate (pixels 4), flip (Coat)" in wide.recipe
    assert eval(repr(wide), {"Experiment": Experiment}) == wide
    assert "pixels" in wide._repr_html_()
    plain = Experiment(augmentation="flip+erasing")
    assert repr(plain) == "Experiment(augmentation='flip+erasing')" and "flip, erasing" in plain.recipe


def test_fields_without_a_name_are_refused_in_a_line() -> None:
    with pytest.raises(UserError, match=r"Experiment\('base'\): give its fields by name"):
        Experiment("base")


def test_a_recipe_is_said_in_a_line() -> None:
    assert Experiment(seed=3, epochs=2, train_size=500).recipe == "adam 0.001, constant"
    said = Experiment(
        model="cnn-big",
        model_options={"dropout": 0.4},
        augmentation="flip+translate",
        optimizer="muon",
        lr=0.08,
        schedule="linear",
        class_weights={"T_shirt": 2.0},
        batch_size=256,
        test_time_views=True,
    ).recipe
    assert said == "muon 0.08, linear, flip, translate, dropout 0.4, weight of T_shirt 2.0, batch size 256"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "cnn-big", "model_options": {"dropout": 2.0}}, "'cnn-big' cannot be built with dropout = 2.0"),
        ({"model": "cnn-big", "model_options": {"dropout": math.nan}}, "'dropout' is nan, but must be a finite number"),
        ({"model": "cnn-big", "model_options": {"dropout_kind": "zz"}}, "unknown dropout_kind 'zz'"),
        ({"model": "sprint", "model_options": {"pool": "mx"}}, "unknown pool 'mx'"),
        (
            {"model": "sprint", "model_options": {"stem": -1}},
            "model 'sprint': stem is -1, but must be from 1 to 4,096 filters",
        ),
        (
            {"model": "sprint", "model_options": {"depth": 50, "widths": "4096,4096"}},
            "weights with these options: at most",
        ),
        ({"augmentation": [5]}, "augmentation: unknown augmentation 5"),
        ({"augmentation": [["flip"]]}, r"augmentation: unknown augmentation \['flip'\]"),
        ({"augmentation": [{"name": "erasing", "smallest": 0.5, "largest": 0.1}]}, "smallest .* above largest"),
        ({"augmentation": [{"name": "mixup", "alpha": 1e-9}]}, "alpha: 1e-09 is not allowed, must be greater than"),
        ({"lr": math.nan}, "lr: nan is not allowed"),
        ({"class_weights": {"Shirt": math.inf}}, "class_weights.Shirt: inf is not allowed"),
        ({"class_weights": {1.5: 2.0}}, "class_weights"),
        ({"class_weights": 2}, "class_weights: 2 is not allowed"),
        ({"x" * 9999: 1}, "unknown field 'xxx"),
        ({"model_options": {"x" * 9999: 1}}, "has no option 'xxx"),
    ],
)
def test_what_no_training_can_have_is_told_when_an_experiment_is_made(changes: dict, said: str) -> None:
    state = torch.get_rng_state()
    with pytest.raises(UserError, match=said) as raised:
        Experiment(**changes)
    assert "\n" not in str(raised.value) and len(str(raised.value)) <= 300
    assert torch.get_rng_state().equal(state), "looking draws no random numbers"


def test_help_shows_a_plain_signature_and_what_is_allowed() -> None:
    text = pydoc.render_doc(Experiment, renderer=pydoc.plaintext)
    first = text.splitlines()[3]
    assert "model: str = 'base'" in first
    assert "train_size: int | None = None" in first
    assert "Annotated" not in first
    for allowed in (*models.names(), *optim.OPTIMIZERS, *optim.SCHEDULES, *augmentations.AUGMENTATIONS):
        assert re.search(rf"(: |, ){re.escape(allowed)}(,|$)", text, re.MULTILINE)


def test_classes_that_are_numbers_may_be_written_as_such() -> None:
    assert Experiment(class_weights={10: 2.0}) == Experiment(class_weights={"10": 2.0})
