"""The nets of the five source projects (`fmnist_utils.studies.projects`), each at its own size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmnist_utils.models.layers import conv_block, dense_block, feature_dropout, reduced_block
from fmnist_utils.models.registry import register


class Stack(nn.Module):
    """Feature layers, then a classifier on the flattened features."""

    def __init__(self, features: list[nn.Module], classifier: list[nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Flatten(), *classifier)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


@register("cnn-small", source="project 000")
class CNNSmall(Stack):
    """One convolution of 8 filters and one dense layer: the smallest net of source project 000.

    Sizes chosen, the project states none.
    """

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__(conv_block(1, 8), [nn.Linear(8 * 14 * 14, n_classes)])


@register("cnn-mid", source="project 000")
class CNNMid(Stack):
    """Two convolutions (16, 32 filters) and a dense layer of 64; sizes chosen, the project states none."""

    def __init__(self, n_classes: int = 10) -> None:
        classifier = [nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, n_classes)]
        super().__init__([*conv_block(1, 16), *conv_block(16, 32)], classifier)


@register("cnn-big", source="project 000")
class CNNBig(Stack):
    """Three convolutions (32, 64, 64 filters) and a dense layer of 128; sizes chosen, the project states none.

    Parameters
    ----------
    conv_dropout : probability of dropout after each of the first two blocks (the project's 0.2)
    dropout : probability of dropout before the last layer (the project's 0.4)
    dropout_kind : "element", which the project came to call wrong between convolutions, or "2d"
    batch_norm : normalize after each convolution
    dense : size of the dense layer
    """

    def __init__(
        self,
        n_classes: int = 10,
        conv_dropout: float = 0.0,
        dropout: float = 0.0,
        dropout_kind: str = "2d",
        batch_norm: bool = False,
        dense: int = 128,
    ) -> None:
        drop = feature_dropout(conv_dropout, dropout_kind)
        features = [
            *conv_block(1, 32, batch_norm=batch_norm), *drop,
            *conv_block(32, 64, batch_norm=batch_norm), *drop,
            *conv_block(64, 64, batch_norm=batch_norm),
        ]  # fmt: skip
        classifier = [nn.Linear(64 * 3 * 3, dense), nn.ReLU(), nn.Dropout(dropout), nn.Linear(dense, n_classes)]
        super().__init__(features, classifier)


@register("base", source="project 002")
class Base(Stack):
    """Two convolutions (32, 64 filters) with max-pooling and a dense layer of 128.

    The assignment that fixed the project's Base Model is not public; this is the usual tutorial net that
    fits its description (convolutions, ReLU, max-pooling, dense layers, Adam).
    """

    def __init__(self, n_classes: int = 10) -> None:
        classifier = [nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, n_classes)]
        super().__init__([*conv_block(1, 32), *conv_block(32, 64)], classifier)


@register("enhanced", source="project 002")
class Enhanced(Stack):
    """Deeper and wider than Base, with batch norm after every convolution and dense layer, and dropout.

    Sizes chosen, the project states none: convolutions of 32, 64 and 128 filters, a dense layer of 256.
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


@register("resnet18", source="project 002 (yardstick)")
class ResNet18(nn.Module):
    """torchvision's ResNet-18 for 28 x 28 grey images, the net that the project's Enhanced Model did not beat.

    Source: He et al., "Deep Residual Learning" (CVPR 2016). The first convolution is 3 x 3 with stride 1
    on one channel; the max-pooling after it stays, which brings the images to 14 x 14.
    """

    def __init__(self, n_classes: int = 10) -> None:
        from torchvision.models import resnet  # takes as long to import as torch itself

        super().__init__()
        self.net = resnet.resnet18(num_classes=n_classes)
        self.net.conv1 = nn.Conv2d(1, 64, 3, padding=1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images)


@register("conv2d-net", source="project 001")
class Conv2Dnet(Stack):
    """Two convolutions (32, 64 filters), pooled once, and a dense layer of 256: the project's 3.2M parameters.

    The project states layers and parameters, not sizes; these reach its count.
    """

    def __init__(self, n_classes: int = 10) -> None:
        features = [*conv_block(1, 32), *conv_block(32, 64, pool=False)]
        super().__init__(features, [nn.Linear(64 * 14 * 14, 256), nn.ReLU(), nn.Linear(256, n_classes)])


class Inception(nn.Module):
    """One Inception block: 1x1, reduced 3x3, reduced 5x5 and pooled branches, side by side.

    Source: Szegedy et al., "Going Deeper with Convolutions" (CVPR 2015).
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Conv2d(inputs, 40, 1),
                nn.Sequential(nn.Conv2d(inputs, 32, 1), nn.ReLU(), nn.Conv2d(32, 96, 3, padding=1)),
                nn.Sequential(nn.Conv2d(inputs, 16, 1), nn.ReLU(), nn.Conv2d(16, 32, 5, padding=2)),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(inputs, 32, 1)),
            ]
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([branch(features) for branch in self.branches], 1).relu()


@register("inception-cnn", source="project 001")
class InceptionCNN(Stack):
    """A convolution of 32 filters, one Inception block of 200 and a dense layer of 512: 20.1M parameters.

    Nearly all of them sit in the dense layer. The project states the count only; the sizes reach it.
    """

    def __init__(self, n_classes: int = 10) -> None:
        features = [*conv_block(1, 32), Inception(32)]
        super().__init__(features, [nn.Linear(200 * 14 * 14, 512), nn.ReLU(), nn.Linear(512, n_classes)])


@register("conv2d-simple", source="project 001")
class Conv2Dsimple(Stack):
    """A convolution, a 1x1 reduction with its 3x3 convolution, a dense layer of 128: 0.4M parameters."""

    def __init__(self, n_classes: int = 10) -> None:
        features = [*conv_block(1, 32), *reduced_block(32, 16, 64)]
        super().__init__(features, [nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, n_classes)])


@register("conv2d-simple2", source="project 001")
class Conv2Dsimple2(Stack):
    """Two reduced convolutions (32, 64 filters), two dense layers (184, 64), dropout 25 %: 0.6M parameters.

    Max-pooling, batch norm and dropout follow each convolution, dropout each dense layer, as the project says.
    """

    def __init__(self, n_classes: int = 10) -> None:
        features = [*reduced_block(1, 8, 32, dropout=0.25), *reduced_block(32, 16, 64, dropout=0.25)]
        classifier = [*dense_block(64 * 7 * 7, 184, 0.25), *dense_block(184, 64, 0.25), nn.Linear(64, n_classes)]
        super().__init__(features, classifier)


@register("conv2d-simple3", source="project 001")
class Conv2Dsimple3(Stack):
    """Like Conv2Dsimple2 with more filters (64, 128) and a third dense layer (810, 512, 128): 5.6M parameters."""

    def __init__(self, n_classes: int = 10) -> None:
        features = [*reduced_block(1, 16, 64, dropout=0.25), *reduced_block(64, 32, 128, dropout=0.25)]
        dense = [*dense_block(128 * 7 * 7, 810, 0.25), *dense_block(810, 512, 0.25), *dense_block(512, 128, 0.25)]
        super().__init__(features, [*dense, nn.Linear(128, n_classes)])


@register("he-cnn", source="project 003")
class HeCNN(Stack):
    """Three He-normal convolutions (64, 128, 256 filters), dense layers of 2048 and 1028: 7.2M parameters.

    Batch norm and max-pooling follow each convolution, dropout 50 % the last one; batch norm and dropout
    follow both dense layers. The project states the dense sizes; the filters are the usual doubling.
    """

    def __init__(self, n_classes: int = 10, dropout: float = 0.5) -> None:
        features = [
            *conv_block(1, 64, batch_norm=True),
            *conv_block(64, 128, batch_norm=True),
            *conv_block(128, 256, batch_norm=True),
            nn.Dropout(dropout),
        ]
        classifier = [
            *dense_block(256 * 3 * 3, 2048, dropout, batch_norm=True),
            *dense_block(2048, 1028, dropout, batch_norm=True),
            nn.Linear(1028, n_classes),
        ]
        super().__init__(features, classifier)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")


@register("cnn-23m", source="project 004")
class CNN23M(Stack):
    """Convolutions of 128, 128 and 256 filters, a dense layer of 256, dropout 50 %: 24.1M parameters.

    Batch norm follows every activation. The project states 23,123,131 parameters, which with a dense layer
    of 256 means about 346 places before it; unpadded convolutions with 2x2 max-pooling of stride 1 leave
    19 x 19 = 361, the nearest square.

    Parameters
    ----------
    dense : size of the dense layer, whose reduction the project says costs accuracy
    """

    def __init__(self, n_classes: int = 10, dense: int = 256) -> None:
        features: list[nn.Module] = []
        for inputs, outputs in ((1, 128), (128, 128), (128, 256)):
            pool = nn.MaxPool2d(2, stride=1)
            features += [nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.BatchNorm2d(outputs), pool]
        hidden = [nn.Linear(256 * 19 * 19, dense), nn.ReLU(), nn.BatchNorm1d(dense), nn.Dropout(0.5)]
        super().__init__(features, [*hidden, nn.Linear(dense, n_classes)])
