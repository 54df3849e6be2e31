"""Models: the registry, shapes, and the parameter counts that the series quotes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fmnist_utils import Experiment, UserError, models

PARAMETERS = {
    "cnn-small": 15_770,
    "cnn-mid": 105_866,
    "cnn-big": 130_890,
    "base": 421_642,
    "enhanced": 1_702_090,
    "sprint": 279_114,
    "tiny": 86_490,
    "compact": 292_666,
    "best": 893_182,
}
# What the source projects say of their own nets, in millions.
CLAIMED = {
    "conv2d-net": 3.2,
    "inception-cnn": 20.1,
    "conv2d-simple": 0.4,
    "conv2d-simple2": 0.6,
    "conv2d-simple3": 5.6,
    "cnn-23m": 23.123131,
    "resnet18": 11.2,
}


@pytest.mark.parametrize("name", models.names())
def test_logits_have_one_column_a_class(name: str) -> None:
    model = models.build(name, n_classes=7).eval()
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 7)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameter_count(name: str) -> None:
    assert models.count_parameters(models.build(name)) == PARAMETERS[name]


@pytest.mark.parametrize("name", CLAIMED)
def test_parameter_count_is_the_seeds(name: str) -> None:
    assert models.count_parameters(models.build(name)) / 1e6 == pytest.approx(CLAIMED[name], rel=0.05)


def test_multiply_adds_of_a_known_net() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 28 * 28, 10))
    assert models.count_multiply_adds(net) == 28 * 28 * 4 * 9 + 4 * 28 * 28 * 10


def test_every_model_names_its_source() -> None:
    table = models.model_table()
    assert table["source"].all() and (table["parameters"] > 0).all()


def test_adding_a_model_is_one_class() -> None:
    @models.register("one-layer")
    class OneLayer(nn.Module):
        def __init__(self, n_classes: int = 10) -> None:
            super().__init__()
            self.layer = nn.Linear(784, n_classes)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layer(images.flatten(1))

    try:
        assert models.build("one-layer")(torch.zeros(3, 1, 28, 28)).shape == (3, 10)
        assert models.model_table().loc["one-layer", "source"] == "not stated"
    finally:
        del models.REGISTRY["one-layer"]


def test_a_model_that_cannot_be_built_does_not_hide_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    models.register("mine")(NoClasses)
    try:
        assert len(models.model_table()) == len(models.REGISTRY) - 1
    finally:
        del models.REGISTRY["mine"]
    assert capsys.readouterr().err.startswith("Left out: model 'mine' cannot be built: ")


def test_register_without_a_name_says_what_to_write() -> None:
    with pytest.raises(UserError, match=r'write @register\("my-net"\) above the class'):
        models.register(NoClasses)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("cnn-bgi", {}, "did you mean 'cnn-big'"),
        ("cnn-big", {"dropuot": 0.4}, "did you mean 'dropout'"),
        ("cnn-big", {"dropout": "0.4"}, "must be a float"),
        ("base", {"dropout": 0.4}, "it has no options"),
    ],
)
def test_mistakes_are_named(name: str, options: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        models.build(name, **options)


def forward(answer: Callable[[Tensor], Any], weights: int = 784) -> type[nn.Module]:
    """A net of one's own with a layer that makes `answer` of images."""

    class Mine(nn.Module):
        def __init__(self, n_classes: int = 10) -> None:
            super().__init__()
            self.layer = nn.Linear(weights, n_classes) if weights else None

        def forward(self, images: Tensor) -> Any:
            return answer(self.layer(images.flatten(1)) if self.layer else images)

    return Mine


def test_an_option_of_no_type_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def __init__(self: nn.Module, n_classes: int = 10, width: int | None = None) -> None: ...

    monkeypatch.setitem(
        models.REGISTRY, "mine", models.Entry(type("Mine", (nn.Module,), {"__init__": __init__}), "me", {})
    )
    with pytest.raises(UserError, match="option 'width' has no default to tell its type: give it one in the class"):
        models.check_options("mine", {"width": 3})


class NoClasses(nn.Module):
    """Forgets the argument that says how many classes there are."""

    def __init__(self) -> None:
        super().__init__()


class Frozen(nn.Linear):
    """Has weights, none of which learns."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__(784, n_classes)
        self.requires_grad_(False)


class Words(nn.Linear):
    """Keeps something among its weights that is no tensor."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__(784, n_classes)

    def get_extra_state(self) -> dict[str, int]:
        return {"calls": 1}


class Lazy(nn.Module):
    """Has weights without a size."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.layer = nn.LazyLinear(n_classes)


class Viewing(nn.Module):
    """Takes for granted that a convolution's output lies in memory channel by channel."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.convolution, self.dense = nn.Conv2d(1, 8, 3), nn.Linear(8 * 26 * 26, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.dense(self.convolution(images).view(len(images), -1))


class Prepared(nn.Linear):
    """Has a method for something else, which is called as those that prepare a net are."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__(784, n_classes)

    def prepare(self) -> None:
        """Take no images."""


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        (
            Viewing,
            r"fails on images .1, 1, 28, 28.: images are stored channels last, so write reshape in place of view",
        ),
        (
            forward(lambda logits: logits.squeeze()),
            "makes .10,. of images .1, 1, 28, 28., but must make logits .1, 10.",
        ),
        (Prepared, r"cannot prepare itself by training images .50, 1, 28, 28.: .*takes 1 positional argument"),
        (NoClasses, "cannot be built: .*unexpected keyword argument 'n_classes'"),
        (
            forward(lambda logits: logits, weights=700),
            r"fails on images .1, 1, 28, 28.: mat1 and mat2.*\(test_models.py, line \d+\)",
        ),
        (forward(lambda logits: logits[:, :5]), "makes .1, 5. of images .1, 1, 28, 28., but must make logits .1, 10."),
        (forward(lambda logits: (logits, logits)), "makes a tuple of images"),
        (forward(lambda images: images.flatten(1)[:, :10], weights=0), "has no weights to train"),
        (Frozen, "has no weights to train"),
        (Words, "keeps '_extra_state', which is no tensor, with its weights"),
        (Lazy, "cannot be built: Attempted to use an uninitialized parameter"),
        (forward(lambda logits: logits[:2]), "makes .2, 10. of images .4, 1, 28, 28. in training, but must make"),
        (forward(lambda logits: (logits,) if logits.requires_grad else logits), "makes a tuple of images .* training"),
        (forward(lambda logits: logits.long()), "makes logits of type torch.int64, but must make floats"),
        (forward(lambda logits: logits.detach()), "cannot be trained: element 0 of tensors does not require grad"),
    ],
)
def test_an_own_model_that_makes_no_logits_is_told_in_a_line(mine: type[nn.Module], said: str) -> None:
    models.register("mine", source="a test")(mine)
    try:
        before = torch.get_rng_state()
        with pytest.raises(UserError, match=f"^(experiment: )?model 'mine' {said}") as caught:
            Experiment(model="mine")
        assert len(str(caught.value)) <= 300
        assert torch.equal(torch.get_rng_state(), before)
    finally:
        del models.REGISTRY["mine"]


def test_an_own_model_must_make_as_many_logits_as_the_data_have_classes() -> None:
    models.register("mine", source="a test")(forward(lambda logits: F.pad(logits, (0, 10 - logits.shape[1]))))
    try:
        assert models.build("mine")(torch.zeros(3, 1, 28, 28)).shape == (3, 10)
        with pytest.raises(UserError, match=r"makes .1, 10. of images .1, 1, 28, 28., but must make logits .1, 3."):
            models.build("mine", n_classes=3)
    finally:
        del models.REGISTRY["mine"]


@pytest.mark.parametrize("name", ["", " mine", "a\nb", "a\0b", "\x1b[31mred", "\u202emine", "\ud800", "x" * 61])
def test_a_name_that_tables_and_terminals_cannot_show_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot name a model: write 1 to 60 characters") as caught:
        models.register(name, source="a test")
    assert str(caught.value).isprintable()


def test_element_and_2d_dropout_differ() -> None:
    """2-d dropout zeroes whole feature maps, element-wise dropout single values."""
    images = torch.ones(8, 1, 28, 28)
    dead = {}
    for kind in ("element", "2d"):
        torch.manual_seed(0)
        model = models.build("cnn-big", conv_dropout=0.5, dropout_kind=kind).train()
        features = model.features[:4](images)  # through the first block and its dropout
        dead[kind] = (features == 0).all((2, 3)).float().mean().item()
    assert dead["2d"] > dead["element"] + 0.2


def test_groups_may_have_channels_of_ones_own() -> None:
    net = models.build("compact", widths="32, 32,64")
    assert [group.widen[0].out_channels for group in net.groups] == [32, 32, 64]
    assert (
        models.build("compact", widths="32,64,128").state_dict().keys() == models.build("compact").state_dict().keys()
    )
    assert net(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    narrow = models.build("compact", stem=1, widths="1, 2", excite=True)
    assert narrow(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"widths": "32;64"}, "widths '32;64' are not read .allowed: whole numbers from 1 to 4,096 between commas"),
        ({"widths": "0"}, "widths '0' are not read"),
        ({"widths": "8,8,8,8,8"}, "name 5 groups: after this stem 4 fit"),
        ({"stem": 0}, "stem is 0, but must be from 1 to 4,096 filters"),
        ({"stem": 4097}, "stem is 4097, but must be from 1 to 4,096 filters"),
        ({"depth": 1}, "depth is 1, but must be from 2 to 50"),
        ({"whitening": True}, "whitening needs stem 18, two filters for each of 3 x 3 pixels"),
    ],
)
def test_channels_and_stems_that_do_not_fit_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        models.build("compact", **options)


@pytest.mark.parametrize(("name", "options"), [("sprint", {}), ("compact", {"stem": 18})])
def test_a_whitening_stem_makes_what_its_filters_see_of_equal_variance(name: str, options: dict[str, Any]) -> None:
    images = torch.rand(300, 1, 28, 28).cumsum(2)  # neighbours alike, as in pictures
    images -= images.mean()
    net = models.build(name, **options, whitening=True)
    net.prepare(images)
    filters = net.stem[0].weight
    kernel = filters.shape[-1]
    half = len(filters) // 2
    patches = images.unfold(2, kernel, 1).unfold(3, kernel, 1).reshape(-1, kernel**2)
    seen = (patches @ filters[:half].reshape(half, -1).T).square().mean(0)
    assert half == kernel**2 and torch.equal(filters[:half], -filters[half:]) and not filters.requires_grad
    torch.testing.assert_close(seen, torch.ones(half), rtol=0.05, atol=0)
