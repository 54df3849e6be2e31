"""The most alike images, on real ones with copies among them."""

from __future__ import annotations

import warnings

import numpy as np

from fmnist_utils import Dataset, neighbours


def test_copies_are_found_with_their_distance(data: Dataset) -> None:
    images = data.train_images.numpy()[:800]
    copies = images[[3, 500, 77]].copy()
    copies[1] = np.where(copies[1] < 250, copies[1] + 5, copies[1])  # five grey levels lighter
    found = neighbours.nearest(copies, images)
    assert found.place.tolist() == [3, 500, 77]
    assert found.distance[0] == found.distance[2] == 0
    assert 4 < found.distance[1] <= 5


def test_an_image_is_not_its_own_neighbour(data: Dataset) -> None:
    images = data.train_images.numpy()[:600]
    found = neighbours.nearest(images)
    assert (found.place != np.arange(600)).all()
    flat = images.reshape(600, -1).astype(float)
    apart = np.sqrt(((flat[:, None] - flat[found.place][:, None]) ** 2).mean(-1))[:, 0]
    np.testing.assert_allclose(found.distance, apart, rtol=1e-5)
    exact = np.sqrt(((flat[:50, None] - flat[None]) ** 2).mean(-1)) + np.where(np.eye(50, 600), np.inf, 0)
    assert (found.distance[:50] <= 1.1 * exact.min(1)).mean() > 0.9  # the components leave little out


def test_an_image_alone_has_no_neighbour(data: Dataset) -> None:
    one = data.train_images.numpy()[:1]
    alone = neighbours.nearest(one)
    assert alone.place.tolist() == [0] and alone.distance.tolist() == [np.inf]
    assert neighbours.counts(alone, [3], [3], (10, 20))["alike"].tolist() == [0, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        twins = neighbours.nearest(np.repeat(one, 3, axis=0))  # which do not vary
    assert twins.distance.tolist() == [0, 0, 0] and (twins.place != [0, 1, 2]).all()


def test_counts_say_how_many_are_close_and_bear_another_label() -> None:
    found = neighbours.Nearest(np.array([1, 0, 1, 2]), np.array([5.0, 5.0, 12.0, 30.0]))
    table = neighbours.counts(found, [0, 0, 1, 1], [0, 0, 1, 1], (4, 10, 20))
    assert table["alike"].tolist() == [0, 2, 3]
    assert table["another label"].tolist() == [0, 0, 1]


def test_features_are_compared_by_their_direction() -> None:
    draw = np.random.default_rng(0)
    pool = draw.standard_normal((500, 32)).astype(np.float32)
    found = neighbours.nearest_by_features(3 * pool[[7, 400]] + 0.01, pool)
    assert found.place.tolist() == [7, 400] and (found.distance < 1e-4).all()
    wanted = draw.standard_normal((40, 32))
    cosine = (wanted / np.linalg.norm(wanted, axis=1)[:, None]) @ (pool / np.linalg.norm(pool, axis=1)[:, None]).T
    found = neighbours.nearest_by_features(wanted, pool)
    assert (found.place == cosine.argmax(1)).all()
    np.testing.assert_allclose(found.distance, 1 - cosine.max(1), atol=1e-5)
    assert neighbours.nearest_by_features(np.zeros((1, 32)), pool).distance == [1.0]
    table = neighbours.counts(found, np.zeros(40), np.zeros(500), (0.5, 1.0), "angle")
    assert table.index.name == "angle" and table["alike"].tolist() == [(found.distance < t).sum() for t in (0.5, 1.0)]
