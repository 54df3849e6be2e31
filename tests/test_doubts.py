"""Doubtful labels and kinds of mistakes, on labels that were made wrong on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from fmnist_utils import Dataset, doubts, sentences
from fmnist_utils.analysis.metrics import Estimate


@pytest.fixture(scope="module")
def spoiled(data: Dataset) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """1,500 images of three unlike classes, of which 45 get the label of the next one: places, labels, suspects."""
    chosen = np.flatnonzero(np.isin(data.train_labels.numpy(), (1, 5, 8)))[:1500]
    labels = np.searchsorted((1, 5, 8), data.train_labels.numpy()[chosen])
    wrong = np.random.default_rng(0).choice(1500, 45, replace=False)
    labels[wrong] = (labels[wrong] + 1) % 3
    pixels = data.train_images.numpy()[chosen].reshape(1500, -1) / 255
    sure = cross_val_predict(LogisticRegression(C=0.01, max_iter=300), pixels, labels, cv=3, method="predict_proba")
    return wrong, labels, doubts.suspects(labels, sure, ("Trouser", "Sandal", "Bag"))


def test_wrong_labels_come_first_with_the_right_suggestion(spoiled: tuple) -> None:
    wrong, labels, table = spoiled
    assert sorted(table.index) == list(range(1500))
    assert np.isin(wrong, table.index[:60]).mean() > 0.9
    found = table.loc[wrong]
    assert found["doubtful"].mean() > 0.75 and table["doubtful"].sum() < 90
    right = np.array(["Trouser", "Sandal", "Bag"])[(labels[wrong] - 1) % 3]
    assert (found["suggestion"].to_numpy() == right).mean() > 0.9
    assert table["score"].is_monotonic_increasing and table["score"].between(0, 1).all()


def test_corrected_labels_differ_where_a_label_is_in_doubt_and_nowhere_else(spoiled: tuple) -> None:
    wrong, labels, table = spoiled
    given = labels.copy()
    replaced = doubts.relabelled(labels, table, ("Trouser", "Sandal", "Bag"))
    assert np.array_equal(labels, given)
    assert np.array_equal(np.flatnonzero(replaced != labels), np.sort(table.index[table["doubtful"]]))
    true = labels.copy()
    true[wrong] = (labels[wrong] - 1) % 3
    assert (replaced != true).sum() < 0.5 * (labels != true).sum()


def test_known_wrong_labels_are_counted_among_the_first(spoiled: tuple) -> None:
    wrong, _, table = spoiled
    listed = table.index[table["doubtful"]]
    counts = doubts.found(table, wrong, (1, 20, 1500))
    assert counts.index.tolist() == [1, 20, len(listed)], "there are no 1,500 in doubt"
    assert counts.tolist() == [sum(place in wrong for place in listed[:n]) for n in counts.index]
    said = sentences.recalled(counts, 45)
    assert said.startswith("Of 45 labels that others have shown to be wrong, ")
    assert said.endswith(f" and {counts.iloc[-1]} are among all {len(listed)} that are in doubt here.")
    none = sentences.recalled(doubts.found(table.assign(doubtful=False), wrong, (1, 20)), 45)
    assert none.endswith("wrong, none is in doubt here: no label is.")


def test_a_class_without_images_is_no_hindrance() -> None:
    labels = np.array([0, 0, 0, 2, 2, 2])
    sure = np.array([[0.9, 0.05, 0.05]] * 3 + [[0.05, 0.05, 0.9]] * 2 + [[0.96, 0.02, 0.02]])
    table = doubts.suspects(labels, sure, ("a", "b", "c"))
    assert table.index[0] == 5 and table.loc[5, "suggestion"] == "a"


def test_of_one_class_alone_no_label_is_in_doubt() -> None:
    table = doubts.suspects([1, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], ("a", "b"))
    assert not table["doubtful"].any()
    assert sentences.doubted(table, "test") == "Of 3 test labels, **0** (0.00 %) are in doubt."


def test_the_doubtful_are_written_with_what_a_reader_needs(spoiled: tuple, tmp_path: Path) -> None:
    table = spoiled[2]
    path = doubts.write({"training": table, "test": table.head(3)}, tmp_path)
    written = pd.read_csv(path)
    assert path.name == "suspects.csv"
    assert list(written.columns) == ["part", "index", "label", "suggestion", "score"]
    assert (written["part"] == "training").sum() == table["doubtful"].sum()
    assert written["index"][0] == table.index[table["doubtful"]][0]
    said = sentences.doubted(table, "training")
    assert said.startswith(f"Of 1,500 training labels, **{table['doubtful'].sum()}** (")
    assert "an image labelled" in said
    assert sentences.doubted(table[~table["doubtful"]], "test").endswith("(0.00 %) are in doubt.")


def test_every_mistake_has_one_kind_the_first_that_fits() -> None:
    draw = np.random.default_rng(1)
    wrong = draw.random((4, 500)) < 0.5
    doubtful, duplicate = draw.random((2, 500)) < 0.2
    kinds = doubts.kinds(wrong, doubtful, duplicate)
    assert tuple(kinds) == doubts.KINDS
    assert np.array_equal(np.sum(list(kinds.values()), axis=0), wrong.any(0))
    assert np.array_equal(kinds[doubts.DOUBTFUL], wrong.any(0) & doubtful)
    assert np.array_equal(kinds[doubts.DUPLICATE], wrong.any(0) & duplicate & ~doubtful)
    assert np.array_equal(kinds[doubts.ALL_WRONG], wrong.all(0) & ~duplicate & ~doubtful)


def test_doubts_count_where_judges_know_something_and_are_not_gainsaid() -> None:
    def accuracy(mean: float, half: float = 0.01) -> Estimate:
        return Estimate(mean, 0.01, mean - half, mean + half, 2)

    assert doubts.usable(accuracy(0.92), 0.1, accuracy(0.957), accuracy(0.947))
    assert not doubts.usable(accuracy(0.21), 0.1, accuracy(0.39), accuracy(0.74)), "the nets side with the labels"
    assert not doubts.usable(accuracy(0.5, 0.2), 0.5, accuracy(0.97), accuracy(0.5)), "a guess is no judgement"
    wrong = np.array([[True, True, False], [True, False, False]])
    kinds = doubts.kinds(wrong, None, np.zeros(3, bool))
    assert tuple(kinds) == doubts.KINDS[1:] and kinds[doubts.ALL_WRONG].tolist() == [True, False, False]


def test_no_class_name_in_the_file_is_a_formula(tmp_path: Path) -> None:
    names = ("=1+1", "@SUM(1)")
    sure = np.repeat([[0.99, 0.01], [0.01, 0.99]], 10, axis=0)
    sure[[3, 12]] = sure[[12, 3]]
    suspected = doubts.suspects(np.repeat([0, 1], 10), sure, names)
    rows = pd.read_csv(doubts.write({"training": suspected}, tmp_path))
    assert len(rows) == 2
    assert set(rows["label"]) == set(rows["suggestion"]) == {"'=1+1", "'@SUM(1)"}
