"""The most alike images: nearest neighbours by pixels or by a net's features, and near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from fmnist_utils.basics.text import public_names

COMPONENTS = 64  # of the pixels: enough to find an image that is nearly the same
ALIKE = 20.0  # grey levels, root mean square: closer images are near-duplicates, by eye the same cut of cloth


class Nearest(NamedTuple):
    """The most alike other image of each: its place, int (n,), and the distance, float (n,).

    By pixels the distance is in grey levels, by features it is one less the cosine of their angle.
    """

    place: NDArray[np.int64]
    distance: NDArray[np.float64]


def nearest(images: ArrayLike, among: ArrayLike | None = None) -> Nearest:
    """Find the most alike image of each, by pixels.

    They are looked for in the first principal components; the distance is that of all pixels, root mean square.

    Parameters
    ----------
    images : uint8 (n, height, width)
    among : uint8 (m, height, width), where to look; None for the other ones of `images`

    Returns
    -------
    Nearest
        Of an image without another one: place 0 at an infinite distance.
    """
    wanted = np.asarray(images)
    if among is None and len(wanted) < 2:  # there is no other one
        return Nearest(np.zeros(len(wanted), np.int64), np.full(len(wanted), np.inf))
    pool = wanted if among is None else np.asarray(among)
    flat = pool.reshape(len(pool), -1).astype(np.float32)
    with np.errstate(invalid="ignore"):  # the share of a variance that is 0, where all images are one
        projection = PCA(min(COMPONENTS, *flat.shape), svd_solver="covariance_eigh").fit(flat)
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(projection.transform(flat))
    if among is None:
        place = index.kneighbors(return_distance=False)[:, 0]  # without the image itself
    else:
        asked = wanted.reshape(len(wanted), -1).astype(np.float32)
        place = index.kneighbors(projection.transform(asked), return_distance=False)[:, 0]
    distance = np.empty(len(wanted))
    for part in np.array_split(np.arange(len(wanted)), -(-len(wanted) // 10_000)):
        apart = wanted[part].astype(np.float32) - pool[place[part]]
        distance[part] = np.sqrt((apart**2).mean(axis=(1, 2), dtype=np.float64))
    return Nearest(place, distance)


def nearest_by_features(features: ArrayLike, among: ArrayLike) -> Nearest:
    """Find the most alike image of each, by what a net makes of it.

    Parameters
    ----------
    features : float (n, features), such as those of `Run.features`
    among : float (m, features), where to look

    Returns
    -------
    Nearest
        The distance is one less the cosine: 0 for the same direction, 1 for nothing in common.
    """
    wanted, pool = (_directions(array) for array in (features, among))
    # Of vectors of length 1, those of the smallest angle are the nearest; scikit-learn is faster at these.
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(pool)
    place = index.kneighbors(wanted, return_distance=False)[:, 0]
    cosine = np.einsum("ij,ij->i", wanted, pool[place], dtype=np.float64)
    return Nearest(place, np.maximum(0, 1 - cosine))


def _directions(features: ArrayLike) -> NDArray[np.float32]:
    rows = np.asarray(features, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))


def counts(
    found: Nearest, labels: ArrayLike, among: ArrayLike, thresholds: Sequence[float], unit: str = "grey levels"
) -> pd.DataFrame:
    """Count the images whose nearest one is closer than each threshold, and those of them under another label.

    Parameters
    ----------
    found : of `nearest`
    labels, among : int (n,) and (m,), of the images and of those among which they were looked for
    thresholds : grey levels, or in another `unit`

    Returns
    -------
    DataFrame, int, one row a threshold: alike, another label
    """
    other = np.asarray(labels) != np.asarray(among)[found.place]
    close = [found.distance < threshold for threshold in thresholds]
    rows = {
        "alike": [int(near.sum()) for near in close],
        "another label": [int((near & other).sum()) for near in close],
    }
    return pd.DataFrame(rows, index=pd.Index(thresholds, name=unit))


def __dir__() -> list[str]:
    return public_names(globals())
