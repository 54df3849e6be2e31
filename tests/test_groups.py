"""Groups of runs: how they are trained, compared and shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmnist_utils import Experiment, Group, Run, compare, metrics, plots, run_groups, verdicts


def run(correct: np.ndarray, train_accuracy: float = 1.0) -> Run:
    """A finished run of two classes that gets the images of `correct` right."""
    probabilities = np.eye(2, dtype=np.float32)[np.where(correct, 0, 1)]
    labels = np.zeros(len(correct), np.int64)
    return Run(Experiment(), "key", [], probabilities, labels, train_accuracy, 1, 1, {})


def test_every_group_is_compared_with_the_reference() -> None:
    images = np.arange(1000)
    groups = {
        "none": Group([run(images < 900), run(images < 902)]),
        "erasing": Group([run(images < 800), run(images < 802)]),
        "flip": Group([run(images < 950, 0.96), run(images < 952, 0.98)]),
    }
    table = compare(groups, "none")
    assert list(table.index) == ["flip", "erasing"]
    assert table["verdict"].tolist() == ["better", "worse"]
    assert table["difference"].tolist() == pytest.approx([0.05, -0.1])
    assert table["accuracy"].tolist() == pytest.approx([0.951, 0.801])
    assert (table["low"] < table["difference"]).all() and (table["difference"] < table["high"]).all()
    assert table.loc["flip", "gap"] == pytest.approx(0.97 - 0.951)
    assert table.attrs["each"]["flip"] == pytest.approx([0.049, 0.051])
    assert groups["none"].accuracy == metrics.accuracy_estimate([images < 900, images < 902])
    said = verdicts(table, "none", "augmentation")
    assert "one is measurably better: **flip** +5.00 points" in said
    assert "One is measurably worse: **erasing** −10.00 points" in said
    plots.intervals(table, "a title")


def test_groups_are_trained_once_and_show_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = Experiment(model="cnn-small", train_size=500, batch_size=50, epochs=1)
    wanted = {"a <b>": base, "same": base.but(), "flip": base.but(augmentation="flip")}
    groups = run_groups(wanted, seeds=2, out=str(tmp_path))
    assert "4 runs: 0 in the store, 4 to train" in capsys.readouterr().out
    assert [[run.experiment.seed for run in group] for group in groups.values()] == [[0, 1]] * 3
    assert groups["same"][0] is groups["a <b>"][0]
    shown = groups._repr_html_()
    assert "a &lt;b&gt;" in shown and "<b>" not in shown and shown.count("± ") == 3
    assert groups["flip"].accuracy.n == 2
    assert repr(groups).startswith("a <b> ") and repr(groups).count("± ") == 3 and len(repr(groups)) < 200
    assert repr(groups["flip"]) == str(groups["flip"].accuracy)
    assert "cnn-small" in groups["flip"]._repr_html_()
