"""What notebooks say: names as plain text, and numbers that follow from the runs."""

from __future__ import annotations

from html import unescape

import numpy as np
import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from fmnist_utils import Experiment, Run, accuracies, changes, md, metrics
from fmnist_utils.studies import recipes


def run(correct: np.ndarray, train_accuracy: float = 1.0) -> Run:
    """A finished run of two classes that gets the images of `correct` right."""
    probabilities = np.eye(2, dtype=np.float32)[np.where(correct, 0, 1)]
    labels = np.zeros(len(correct), np.int64)
    return Run(Experiment(), "key", [], probabilities, labels, train_accuracy, 1, 1, {})


@pytest.mark.parametrize(
    "name",
    [
        "T-shirt/top",
        "men's & boys'",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "$a$ and $$b$$",
        "*a* _b_ **c** `d` ~~e~~",
        "[link](javascript:alert(1))",
        "![picture](https://example.org/x.png)",
        "a | b",
        "1. one",
        "- item",
        "# heading",
        "&lt;",
        "back\\slash",
    ],
)
def test_a_name_is_shown_as_it_is(name: str):
    assert unescape(markdown2html_mistune(md(name)).strip()) == f"<p>{name}</p>"
    bold = markdown2html_mistune(f"The class **{md(name)}** is hard.").strip()
    assert unescape(bold) == f"<p>The class <strong>{name}</strong> is hard.</p>"


def test_a_name_of_several_lines_stays_in_its_sentence():
    assert md("a\n\n# b") == "a &#35; b"


def test_changes_compare_every_group_with_the_reference():
    images = np.arange(1000)
    groups = {
        "none": [run(images < 900), run(images < 902)],
        "flip": [run(images < 950, 0.96), run(images < 952, 0.98)],
        "erasing": [run(images < 800), run(images < 802)],
    }
    table = changes(groups, "none")
    assert list(table.index) == ["flip", "erasing"]
    assert table["verdict"].tolist() == ["better", "worse"]
    assert table["difference"].tolist() == pytest.approx([0.05, -0.1])
    assert table["accuracy"].tolist() == pytest.approx([0.951, 0.801])
    assert (table["low"] < table["difference"]).all() and (table["difference"] < table["high"]).all()
    assert table.loc["flip", "gap"] == pytest.approx(0.97 - 0.951)
    assert accuracies(groups["none"]) == metrics.accuracy_estimate([images < 900, images < 902])


def test_the_headline_experiment_takes_the_callers_budget():
    experiment = recipes.headline("mnist", "somewhere", epochs=3, seed=5, train_size=600)
    assert (experiment.dataset, experiment.data_dir) == ("mnist", "somewhere")
    assert (experiment.epochs, experiment.seed, experiment.train_size) == (3, 5, 600)
    assert experiment.model == "sprint"
