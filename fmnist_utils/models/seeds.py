"""The models of the five public projects that the series starts from, each at its own size."""

from __future__ import annotations

from torch import Tensor, nn

from fmnist_utils.models import register
from fmnist_utils.models.layers import conv_block, feature_dropout


class Stack(nn.Module):
    """Feature layers, then a classifier on the flattened features."""

    def __init__(self, features: list[nn.Module], classifier: list[nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Flatten(), *classifier)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


@register("cnn-small", source="seed 000")
class CNNSmall(Stack):
    """One convolution of 8 filters and one dense layer: the smallest net of seed 000.

    The seed states no sizes; these were chosen so that the net ends, like the seed's, well below 90 %.
    """

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__(conv_block(1, 8), [nn.Linear(8 * 14 * 14, n_classes)])


@register("cnn-mid", source="seed 000")
class CNNMid(Stack):
    """Two convolutions (16, 32 filters) and a dense layer of 64; sizes chosen, the seed states none."""

    def __init__(self, n_classes: int = 10) -> None:
        classifier = [nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, n_classes)]
        super().__init__([*conv_block(1, 16), *conv_block(16, 32)], classifier)


@register("cnn-big", source="seed 000")
class CNNBig(Stack):
    """Three convolutions (32, 64, 64 filters) and a dense layer of 128; sizes chosen, the seed states none.

    Parameters
    ----------
    conv_dropout : probability of dropout after each of the first two blocks (the seed's 0.2)
    dropout : probability of dropout before the last layer (the seed's 0.4)
    dropout_kind : "element", which the seed came to call wrong between convolutions, or "2d"
    batch_norm : normalise after each convolution
    """

    def __init__(
        self,
        n_classes: int = 10,
        conv_dropout: float = 0.0,
        dropout: float = 0.0,
        dropout_kind: str = "2d",
        batch_norm: bool = False,
    ) -> None:
        drop = feature_dropout(conv_dropout, dropout_kind)
        features = [
            *conv_block(1, 32, batch_norm=batch_norm), *drop,
            *conv_block(32, 64, batch_norm=batch_norm), *drop,
            *conv_block(64, 64, batch_norm=batch_norm),
        ]  # fmt: skip
        classifier = [nn.Linear(64 * 3 * 3, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, n_classes)]
        super().__init__(features, classifier)


@register("base", source="seed 002")
class Base(Stack):
    """Two convolutions (32, 64 filters) with max-pooling and a dense layer of 128.

    The assignment that fixed the seed's Base Model is not public; this is the usual tutorial net that
    fits its description (convolutions, ReLU, max-pooling, dense layers, Adam).
    """

    def __init__(self, n_classes: int = 10) -> None:
        classifier = [nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, n_classes)]
        super().__init__([*conv_block(1, 32), *conv_block(32, 64)], classifier)


@register("enhanced", source="seed 002")
class Enhanced(Stack):
    """Deeper and wider than Base, with batch norm after every convolution and dense layer, and dropout.

    Sizes chosen, the seed states none: convolutions of 32, 64 and 128 filters, a dense layer of 256.
    """

    def __init__(self, n_classes: int = 10, dropout: float = 0.25) -> None:
        features = [
            *conv_block(1, 32, batch_norm=True, pool=False),
            *conv_block(32, 64, batch_norm=True),
            *conv_block(64, 128, batch_norm=True),
        ]
        classifier = [
            nn.Linear(128 * 7 * 7, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(dropout), nn.Linear(256, n_classes),
        ]  # fmt: skip
        super().__init__(features, classifier)
