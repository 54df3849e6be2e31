"""The kinds of augmentation, one small class each.

Images are float tensors of shape (n, 1, height, width) with grey levels in 0..1, before normalisation.
Every augmentation is a small frozen model: its fields are its options, checked when an experiment is
made, and `classes` restricts it to images of those classes (but for those that blend images).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Literal, TypeVar

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from torch import Tensor
from torch.nn import functional as F

from fmnist_utils.basics.errors import UserError, brief, nearest

Probability = Annotated[float, Field(ge=0, le=1)]


class Augmentation(BaseModel):
    """Common fields: the probability for an image to be changed, and the classes it is meant for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    probability: Probability = 1.0
    classes: tuple[str, ...] = ()

    def chosen(self, labels: Tensor, class_names: tuple[str, ...], indices: Tensor, epoch: int) -> Tensor | None:
        """Draw the boolean mask (n,) of the images to change; None for all of them.

        `indices` (n,) are their places in the data set, and `epoch` counts from 0.
        """
        if self.probability == 1 and not self.classes:
            return None
        mask = torch.rand(len(labels), device=labels.device) < self.probability
        if self.classes:
            wanted = torch.tensor([class_names.index(name) for name in self.classes], device=labels.device)
            mask &= torch.isin(labels, wanted)
        return mask

    def check_classes(self, class_names: tuple[str, ...]) -> None:
        """Raise UserError if the data set lacks one of the classes that the augmentation is meant for."""
        for name in self.classes:
            if name not in class_names:
                raise UserError(
                    f"augmentation {self.label!r}: unknown class {name!r}{nearest(name, class_names)} "
                    f"(the data set has {', '.join(class_names)})"
                )

    @model_serializer(mode="wrap")
    def _keep_name(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keep the name even where defaults are left out: it is what tells the kinds apart."""
        return {"name": self.name, **serialize(self)}

    @property
    def label(self) -> str:
        """Short name for tables: the augmentation, and what of its options is not at its default."""
        options = self.model_dump(exclude_defaults=True, exclude={"classes"})
        said = [*(f"{name} {value}" for name, value in options.items() if name != "name"), *self.classes]
        return f"{self.name} ({', '.join(said)})" if said else self.name


class Change(Augmentation):
    """Base of the augmentations that change every image by itself and leave its label."""

    @abstractmethod
    def transform(self, images: Tensor) -> Tensor:
        """Return all `images` changed, in their form; they are copies, so that it may write into them."""

    def apply(self, images: Tensor, chosen: Tensor | None) -> Tensor:
        """Change the images that the boolean mask `chosen` (n,) names; all of them for None."""
        changed = self.transform(images.clone())
        return changed if chosen is None else torch.where(chosen[:, None, None, None], changed, images)


class Flip(Change):
    """Mirror left to right."""

    name: Literal["flip"] = "flip"
    probability: Probability = 0.5

    def transform(self, images: Tensor) -> Tensor:
        return images.flip(-1)


class AlternatingFlip(Change):
    """Mirror left to right so that every image is seen both ways in any two epochs.

    Source: K. Jordan, "94 % on CIFAR-10 in 3.29 seconds on a single GPU" (2024), section 3.6.
    """

    name: Literal["alternating-flip"] = "alternating-flip"

    def chosen(self, labels: Tensor, class_names: tuple[str, ...], indices: Tensor, epoch: int) -> Tensor:
        # A multiplicative hash gives every image a fixed, random-looking first side.
        side = ((indices * 2654435761 >> 16) + epoch) % 2 == 0
        drawn = super().chosen(labels, class_names, indices, epoch)
        return side if drawn is None else side & drawn

    def transform(self, images: Tensor) -> Tensor:
        return images.flip(-1)


class VerticalFlip(Change):
    """Turn upside down."""

    name: Literal["vertical-flip"] = "vertical-flip"
    probability: Probability = 0.5

    def transform(self, images: Tensor) -> Tensor:
        return images.flip(-2)


class Translate(Change):
    """Shift by up to `pixels` in both directions; what comes in at the edge is black."""

    name: Literal["translate"] = "translate"
    pixels: Annotated[int, Field(ge=1, le=14)] = 2

    def transform(self, images: Tensor) -> Tensor:
        n, _, height, width = images.shape
        # All shifted windows exist as a view of the padded images; indexing copies the drawn ones only.
        windows = F.pad(images, [self.pixels] * 4).unfold(2, height, 1).unfold(3, width, 1)
        rows, columns = torch.randint(2 * self.pixels + 1, (2, n), device=images.device)
        return windows[torch.arange(n, device=images.device), :, rows, columns]


class Affine(Change):
    """Rotate, shift, scale and shear together, with bilinear interpolation (torchvision's RandomAffine)."""

    name: Literal["affine"] = "affine"
    degrees: Annotated[float, Field(ge=0, le=180)] = 10.0
    translate: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.1
    shear: Annotated[float, Field(ge=0, le=60)] = 0.0

    def transform(self, images: Tensor) -> Tensor:
        n, _, height, width = images.shape
        # Five uniform draws in -1..1 an image: angle, two shifts, scale, shear.
        angle, right, down, scale, shear = torch.empty(5, n, device=images.device).uniform_(-1, 1)
        angle = angle * (self.degrees * torch.pi / 180)
        zoom = 1 / (1 + scale * self.scale)
        cos, sin = angle.cos() * zoom, angle.sin() * zoom
        shift = 2 * self.translate
        rows = [cos, -sin, right * shift, sin, cos, down * shift]
        if self.shear:
            slant = torch.tan(shear * (self.shear * torch.pi / 180))
            rows[1], rows[4] = cos * slant - sin, sin * slant + cos
        # What `affine_grid` computes, in a tenth of its time: one product for all images, x and y in planes.
        across, along = (torch.arange(1, 2 * size, 2, device=images.device) / size - 1 for size in (width, height))
        y, x = torch.meshgrid(along, across, indexing="ij")
        grid = torch.stack(rows, 1).view(2 * n, 3) @ torch.stack([x, y, torch.ones_like(x)]).flatten(1)
        return F.grid_sample(images, grid.view(n, 2, height, width).permute(0, 2, 3, 1), align_corners=False)


class Erasing(Change):
    """Overwrite a random rectangle with noise.

    Source: Zhong et al., "Random Erasing Data Augmentation" (AAAI 2020); `area` is the share of the image.
    """

    name: Literal["erasing"] = "erasing"
    probability: Probability = 0.5
    smallest: Annotated[float, Field(gt=0, le=1)] = 0.02
    largest: Annotated[float, Field(gt=0, le=1)] = 0.4
    aspect: Annotated[float, Field(ge=1, le=10)] = 3.3

    @model_validator(mode="after")
    def _in_order(self) -> Erasing:
        if self.smallest > self.largest:
            raise ValueError(f"smallest ({self.smallest:g}) must not be above largest ({self.largest:g})")
        return self

    def transform(self, images: Tensor) -> Tensor:
        return self.apply(images, None)

    def apply(self, images: Tensor, chosen: Tensor | None) -> Tensor:
        n, _, height, width = images.shape
        area, ratio, top, left = torch.rand(4, n, device=images.device)
        side = (self.smallest + area * (self.largest - self.smallest)).sqrt()
        stretch = self.aspect ** (ratio - 0.5)  # log-uniform between 1/sqrt(aspect) and sqrt(aspect)
        tall, wide = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
        # An image that was not chosen gets an empty rectangle: one pass over all pixels in place of two.
        return torch.where(rectangles(tall, wide, top, left, (height, width), chosen), noise(images), images)


class Cutout(Change):
    """Blacken a square of `size` pixels (DeVries and Taylor, "Improved Regularization … with Cutout", 2017)."""

    name: Literal["cutout"] = "cutout"
    size: Annotated[int, Field(ge=1, le=28)] = 8

    def transform(self, images: Tensor) -> Tensor:
        n, _, height, width = images.shape
        top, left = torch.rand(2, n, device=images.device)
        side = torch.full_like(top, self.size)
        box = rectangles(side / height, side / width, top, left, (height, width))
        return images.masked_fill(box, 0.0)


def noise(images: Tensor) -> Tensor:
    """Grey levels of noise, 0..1 in steps of 1/255, in the shape of `images`; each random number is eight of them."""
    draws = torch.empty(-(-images.numel() // 8), dtype=torch.int64, device=images.device).random_(-(2**63), None)
    return draws.view(torch.uint8)[: images.numel()].view(images.shape) * (1 / 255)


def rectangles(
    tall: Tensor, wide: Tensor, top: Tensor, left: Tensor, size: tuple[int, int], chosen: Tensor | None = None
) -> Tensor:
    """Mask (n, 1, height, width) of one rectangle an image, empty for images that are not `chosen`.

    `tall` and `wide` are shares of the image; `top` and `left` in 0..1 place it within the free space.
    """
    height, width = size
    length = torch.stack([tall * height, wide * width]).round().clamp(min=1)
    free = torch.stack([height - length[0], width - length[1]])
    start = (torch.stack([top, left]) * (free + 1)).floor()
    at = torch.arange(max(size), device=tall.device)
    rows, columns = (at >= start[..., None]) & (at < (start + length)[..., None])
    rows = rows if chosen is None else rows & chosen[:, None]
    # (The product of bytes is twice as fast as the conjunction of booleans, and the same.)
    box = rows[:, :height, None].view(torch.uint8) * columns[:, None, :width].view(torch.uint8)
    return box.view(torch.bool)[:, None]


class TrivialAugment(Change):
    """One random change an image, of random strength (after Müller and Hutter, "TrivialAugment", 2021).

    The pool is what makes sense for small grey images: identity, rotation, shear, shift, scale,
    brightness, contrast, and a rectangle of noise.
    """

    name: Literal["trivial"] = "trivial"

    def transform(self, images: Tensor) -> Tensor:
        pool = [
            Affine(degrees=30, translate=0, scale=0),
            Affine(degrees=0, translate=0, scale=0, shear=20),
            Affine(degrees=0, translate=0.15, scale=0),
            Affine(degrees=0, translate=0, scale=0.25),
            Erasing(smallest=0.02, largest=0.2),
        ]
        choice = torch.randint(len(pool) + 3, (len(images),), device=images.device)[:, None, None, None]
        gain = 1 + 0.6 * (torch.rand(len(images), 1, 1, 1, device=images.device) - 0.5)
        middle = images.mean((2, 3), keepdim=True)
        out = torch.where(choice == 0, (images * gain).clamp(0, 1), images)
        out = torch.where(choice == 1, ((images - middle) * gain + middle).clamp(0, 1), out)
        for number, change in enumerate(pool, start=3):  # choice 2 leaves the image as it is
            out = torch.where(choice == number, change.transform(images), out)
        return out


class Mixing(Augmentation):
    """Base of the augmentations that blend two images and their labels; the share is Beta(alpha, alpha)."""

    alpha: Annotated[float, Field(ge=0.01, le=10)] = 1.0

    @model_validator(mode="after")
    def _of_all_classes(self) -> Mixing:
        if self.classes:
            raise ValueError("classes: an image is blended with any other, so it cannot be meant for some classes")
        return self

    @abstractmethod
    def mix(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Blend `images` (n, 1, h, w) and their class probabilities `targets` (n, classes)."""

    def share(self, n: int, device: torch.device) -> Tensor:
        """Draw n blending shares from Beta(alpha, alpha), as a ratio of two gamma variables."""
        gamma = torch._standard_gamma(torch.full((2, n), self.alpha, device=device))
        # A small alpha draws numbers too small for a float; if both are, either image may be the whole one.
        return (gamma[0] / gamma.sum(0)).nan_to_num_(nan=1.0)


class Mixup(Mixing):
    """Weighted mean of two images and of their labels (Zhang et al., "mixup", ICLR 2018)."""

    name: Literal["mixup"] = "mixup"
    alpha: Annotated[float, Field(ge=0.01, le=10)] = 0.2

    @model_validator(mode="after")
    def _every_image(self) -> Mixup:
        if self.probability != 1:
            raise ValueError(f"probability: {self.probability:g} is not allowed, since every image is blended; 1 is")
        return self

    def mix(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        partner = torch.randperm(len(images), device=images.device)
        share = self.share(len(images), images.device)
        pixels, labels = share[:, None, None, None], share[:, None]
        return images * pixels + images[partner] * (1 - pixels), targets * labels + targets[partner] * (1 - labels)


class Cutmix(Mixing):
    """A rectangle of a second image pasted in, labels by area (Yun et al., "CutMix", ICCV 2019)."""

    name: Literal["cutmix"] = "cutmix"
    probability: Probability = 0.5

    def mix(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        n, _, height, width = images.shape
        partner = torch.randperm(n, device=images.device)
        side = (1 - self.share(n, images.device)).sqrt()
        top, left = torch.rand(2, n, device=images.device)
        box = rectangles(side, side, top, left, (height, width))
        box &= (torch.rand(n, device=images.device) < self.probability)[:, None, None, None]
        kept = 1 - box.float().mean((1, 2, 3))[:, None]
        return torch.where(box, images[partner], images), targets * kept + targets[partner] * (1 - kept)


# --- the registry --------------------------------------------------------------------------------------

KINDS: tuple[type[Change | Mixing], ...] = (
    Flip, AlternatingFlip, VerticalFlip, Translate, Affine, Erasing, Cutout, TrivialAugment, Mixup, Cutmix,
)  # fmt: skip
AUGMENTATIONS: dict[str, type[Change | Mixing]] = {kind.model_fields["name"].default: kind for kind in KINDS}
AnyAugmentation = SerializeAsAny[Change | Mixing]  # with the options of its own class

Own = TypeVar("Own", bound=type[Change | Mixing])


def register(kind: Own) -> Own:
    """Class decorator that makes an augmentation of one's own known, by the default of its field `name`."""
    name = kind.model_fields["name"].default
    if not isinstance(name, str) or name == "none" or AUGMENTATIONS.get(name) in KINDS:
        raise ValueError(f"{kind.__name__}: its field `name` must have a default, and not one of the package's or none")
    AUGMENTATIONS[name] = kind
    return kind


def parse(value: Any) -> list[Any]:
    """Make augmentations of a list of specifications, or of the shorthand ``"flip+translate"`` or ``"none"``."""
    if isinstance(value, str):
        value = [] if value == "none" else value.split("+")
    if not isinstance(value, (list, tuple)):
        raise ValueError('write a list, or a shorthand such as "flip+translate" or "none"')
    return [_build({"name": item.strip()} if isinstance(item, str) else item) for item in value]


def _build(spec: Any) -> Change | Mixing:
    """Make an augmentation of its specification, a dict with its name and options; one that is made already stays."""
    if isinstance(spec, Change | Mixing):
        return spec
    name = spec.get("name", "") if isinstance(spec, dict) else spec
    if name == "none":
        raise ValueError('"none" stands alone: leave it out beside others')
    if not isinstance(name, str) or name not in AUGMENTATIONS:
        hint = nearest(str(name), AUGMENTATIONS)
        raise ValueError(f"unknown augmentation {brief(name)}{hint} (none, {', '.join(AUGMENTATIONS)})")
    try:
        return AUGMENTATIONS[name].model_validate(spec)
    except ValidationError as error:  # it knows its field, but not what it is a field of
        problems: list[Any] = [{**problem, "loc": (name, *problem["loc"])} for problem in error.errors()]
        raise ValidationError.from_exception_data(name, problems) from None
