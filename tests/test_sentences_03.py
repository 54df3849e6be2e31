"""Sentences about several changes and a claim about all of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from fmnist_utils import metrics, sentences

NAN = float("nan")
VERDICTS = ["better", "worse", "no measurable difference"]
every_table = pytest.mark.parametrize(
    "verdicts", [list(verdicts) for n in range(1, 5) for verdicts in product(VERDICTS, repeat=n)]
)


def table(verdicts: list[str], judged: bool = True) -> pd.DataFrame:
    """Comparisons with these verdicts, the rows called a, b, …."""
    middle = {"better": 0.02, "worse": -0.02, "no measurable difference": 0.001}
    rows = [
        {
            "difference": middle[verdict],
            "low": middle[verdict] - 0.01 if judged else NAN,
            "high": middle[verdict] + 0.01 if judged else NAN,
            "verdict": verdict,
            "p": 0.5 if judged else NAN,
            "seeds": 3,
        }
        for verdict in verdicts
    ]
    return pd.DataFrame(rows, index=[chr(ord("a") + i) for i in range(len(rows))])


@every_table
def test_the_answer_to_help_or_hurt_fits_the_verdicts(verdicts: list[str]) -> None:
    said = sentences.help_or_hurt(table(verdicts), "change", "with 3 epochs")
    better, worse, n = verdicts.count("better"), verdicts.count("worse"), len(verdicts)
    assert said.startswith("It helps") == (better == n)
    assert said.startswith("It only hurts") == (worse == n)
    assert said.startswith("Both") == (better > 0 and worse > 0)
    assert said.startswith("Neither can be shown") == (better == worse == 0)
    assert said.startswith("Some help") == (worse == 0 and 1 < better < n)
    assert said.startswith("One hurts") == (better == 0 and worse == 1 < n)
    assert not said.startswith(("Yes", "No "))
    assert "with 3 epochs: of " in said


@every_table
def test_a_claim_about_all_is_shown_by_all_and_contradicted_by_one(verdicts: list[str]) -> None:
    said = sentences.every(table(verdicts), "worse", "change")
    assert ("**Shown**" in said) == (set(verdicts) == {"worse"})
    assert ("**Contradicted**" in said) == ("better" in verdicts)
    assert ("**Not shown**" in said) == ("better" not in verdicts and set(verdicts) != {"worse"})


def test_a_claim_is_not_shown_while_some_that_it_is_about_were_not_tried() -> None:
    said = sentences.every(table(["worse", "worse"]), "worse", "change", about=["a", "b", "c_d"])
    assert said.startswith("**Not shown**: of 2 changes, 2 are measurably worse ")
    assert said.endswith(" Not tried: c&#95;d.")
    assert sentences.every(table(["worse"]), "worse", "change", about=["a"]).startswith("**Shown**")
    assert sentences.every(table(["better"]), "worse", "change", about=["a", "b"]).startswith("**Contradicted**")


def test_with_one_seed_or_no_row_nothing_is_judged() -> None:
    alone = table(VERDICTS[2:] * 2, judged=False)
    many = alone.set_axis(pd.MultiIndex.from_tuples([("flip", "Coat"), ("flip", "Bag")]))
    said = [
        sentences.help_or_hurt(alone, "change"),
        sentences.every(alone, "worse", "change"),
        sentences.extremes(many, "recall"),
        sentences.narrowed(alone, alone, "change", 0.1),
        sentences.longer_training("a", alone, alone, alone, 1, 2),
    ]
    for sentence in said:
        assert "one seed" in sentence and "judged" in sentence
        assert "measurabl" not in sentence and "nan" not in sentence
    assert sentences.help_or_hurt(alone, "change", "with 1 seed") == "It cannot be judged with 1 seed."
    assert sentences.help_or_hurt(alone[:0], "change") == "It cannot be judged without any change."


def test_a_row_keeps_the_verdict_that_is_corrected() -> None:
    """Its interval leaves out zero by itself, and the correction for the table takes that back."""
    row = table(["better"]).assign(verdict="no measurable difference")
    assert sentences.row(row, "a").low > 0
    said = "makes no measurable difference when corrected for all comparisons of the table: +2.00 points"
    assert sentences.effect(sentences.row(row, "a")).startswith(said)


def test_the_largest_changes_are_named_only_if_they_are_measurable() -> None:
    many = table(["no measurable difference", "worse", "worse", "better"])
    many.index = pd.MultiIndex.from_product([["flip", "erasing"], ["a_b", "Coat"]])
    many.loc[("erasing", "a_b"), "difference"] = -0.03
    many.loc[("flip", "a_b"), "difference"] = -0.5
    said = sentences.extremes(many, "recall")
    assert "one is measurably higher (Coat with erasing, +2.00 points" in said
    assert "2 are measurably lower (most of all a&#95;b with erasing, −3.00 points" in said
    assert "none is measurably higher; none is measurably lower" in sentences.extremes(many[:1], "recall")


def test_a_narrower_gap_is_free_only_without_a_measurable_loss() -> None:
    gaps = table(["better", "better", "no measurable difference"])
    said = sentences.narrowed(gaps, table(["worse", "no measurable difference", "better"]), "change", 0.05)
    assert "the gap is +5.00 points" in said
    assert "most of the 3 changes (2): a and b." in said
    assert said.endswith("There, test accuracy falls measurably with a; with the other no loss is shown.")
    for verdicts, end in (
        (["no measurable difference", "better"], "No loss of test accuracy is shown there."),
        (["worse", "worse"], "There, test accuracy falls measurably with a and b."),
    ):
        assert sentences.narrowed(gaps, table([*verdicts, "better"]), "change", 0.05).endswith(end)
    assert "none narrows" in sentences.narrowed(gaps[2:], gaps, "change", 0.05)
    wide = sentences.narrowed(table(["worse", "no measurable difference", "worse"]), gaps, "change", 0.05)
    assert wide.endswith(
        "none narrows it measurably. It is measurably wider with a (+7.00 points) and c (+7.00 points)."
    )


def test_a_gap_below_zero_that_grows_is_not_called_narrower() -> None:
    gaps = table(["better", "no measurable difference"])
    said = sentences.narrowed(gaps, gaps, "change", -0.005)
    assert "the gap is −0.50 points. It is measurably lower with one of the 2 changes: a (−2.50 points)." in said
    assert "narrow" not in said


def test_a_loss_that_only_the_correction_hides_is_named() -> None:
    gaps, accuracies = table(["better"] * 3), table(["worse", "worse", "better"])
    accuracies.loc["b", "verdict"] = "no measurable difference"  # its own interval leaves out zero
    assert sentences.narrowed(gaps, accuracies, "change", 0.05).endswith(
        "measurably with a, and with b by its own interval, before the correction; with the other no loss is shown."
    )
    accuracies.loc["a", "verdict"] = "no measurable difference"
    assert sentences.narrowed(gaps[:2], accuracies, "change", 0.05).endswith(
        "There, test accuracy falls with a and b by their own intervals, before the correction."
    )


def test_the_class_that_is_given_what_others_lose_is_named_with_its_price() -> None:
    labels = np.array([0, 0, 0, 1, 2])
    before, after = np.array([[0, 0, 0, 0, 2]] * 2), np.array([[1, 1, 0, 1, 2], [1, 2, 0, 1, 0]])
    names = ("a", "b_c", "d")
    scores = tuple(
        sum(metrics.per_class(labels, seed, names).fillna(0) for seed in answers) / 2 for answers in (before, after)
    )
    said = sentences.taken("aimed", labels, (before, after), labels == 0, scores)
    assert "wrong with it, 2 on average, **b&#95;c** is given 75 %." in said
    assert "Its recall goes from 0.00 % to 100.00 %, its precision from 0.00 % to 41.67 %" in said
    assert said.endswith("without this class, the accuracy on all other classes goes from 100.00 % to 50.00 %.")
    own = sentences.taken("aimed", labels, (before, after), labels != 2, scores)
    assert own.endswith(" to 41.67 %."), "a class that is aimed at is no other class"
    assert sentences.taken("aimed", labels, (before, before), labels == 0, scores).startswith("No image of its own")


def test_what_hurts_less_after_longer_training_is_not_called_useful() -> None:
    before, after = table(["worse"]), table(["worse"])
    before[["difference", "low", "high"]] -= 0.02
    said = sentences.longer_training("a", before, after, table(["better"]), 1, 20)
    assert "after 1 epoch it hurts: −4.00 points" in said and "after 20 epochs it hurts" in said
    assert said.endswith("Longer training changes this by +2.00 points (+1.00 to +3.00): it hurts less.")
    assert "no measurable dependence" in sentences.longer_training("a", before, after, table(VERDICTS[2:]), 1, 2)
