"""Sentences about changes of one recipe: which of them did something, and which pay off."""

from __future__ import annotations

from itertools import product

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
        }
        for verdict in verdicts
    ]
    return pd.DataFrame(rows, index=[chr(ord("a") + i) for i in range(len(rows))])


@every_table
def test_what_pays_off_is_named_and_counted(verdicts: list[str]) -> None:
    said = sentences.pays_off(table(verdicts), "the base", "change", "with 3 epochs")
    better = [name for name, verdict in zip("abcd", verdicts, strict=False) if verdict == "better"]
    worse, n = verdicts.count("worse"), len(verdicts)
    assert ("pays off" in said) == (len(better) == 1)
    if n == 1:
        does = {"better": "pays off", "worse": "is measurably worse than the base"}
        what = does.get(verdicts[0], "cannot be shown to be better than the base")
        assert said == f"The one change {what} with 3 epochs: a."
        return
    assert said.startswith("None of") == (not better)
    names = said.partition("epochs: ")[2].partition(";")[0].rstrip(".").replace(" and ", ", ")
    assert names.split(", ") == (better or [""])
    assert {0: "none is", 1: "one is"}.get(worse, f"{worse} are") + " measurably worse" in said
    assert f"{n} changes" in said
    assert "with 3 epochs" in said


def test_what_cannot_be_judged_does_not_pay_off() -> None:
    said = sentences.pays_off(table(VERDICTS, judged=False), "the base", budget="with 1 seed")
    assert said.startswith("It cannot be judged with 1 seed") and "pay" not in said
    assert sentences.pays_off(table([]), "the base") == "No change was compared with the base."


def test_names_stay_plain_in_an_answer() -> None:
    odd = table(["better"]).set_axis(["a_b <i>"])
    assert "a_b <i>" in sentences.pays_off(odd, "the base")


def test_changes_that_did_nothing_are_named() -> None:
    assert sentences.did_nothing([], "the base").startswith("Every change did something")
    one = sentences.did_nothing(["a_b"], "the base")
    assert one.startswith("**a&#95;b** did nothing here: its runs are those of the base, bit for bit. It is left out")
    two = sentences.did_nothing(["stop", "plateau"], "the base")
    assert two.startswith("**stop and plateau** did nothing here: their runs") and "They are left out" in two
    assert two.endswith(" left out of the comparisons that follow, and of their number."), "figures still show them"


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ([5, 5], "ended no run before epoch 5."),
        ([5, 4], "ended one of the 2 runs before epoch 5, after 4 of them."),
        ([3, 4], "ended both runs before epoch 5, after 3 to 4 of them."),
    ],
)
def test_early_stopping_is_counted(lengths: list[int], said: str) -> None:
    assert sentences.stopped(lengths, 5) == f"Early stopping {said}"
    same = sentences.stopped(lengths, 5, same=1)
    assert same == f"Early stopping {said} The answers of one of the 2 runs are those of the base, image by image."


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.03, "The recall **rises**: +2.00 points (+1.00 to +3.00)."),
        (-0.03, -0.01, "The recall **falls**: −2.00 points (−3.00 to −1.00)."),
        (-0.01, 0.03, "The recall does not change measurably: +1.00 points (−1.00 to +3.00)."),
        (NAN, NAN, "The recall differs by +1.00 points; one seed: cannot be judged."),
    ],
)
def test_a_quantity_moves_only_if_its_interval_says_so(low: float, high: float, said: str) -> None:
    middle = 0.01 if low != low else (low + high) / 2
    change = metrics.Comparison(middle, low, high, 0.5, 2)
    assert sentences.shift(change, "The recall").replace("+1.00 point ", "+1.00 points ") == said


def test_a_part_of_a_table_keeps_its_verdicts() -> None:
    whole = table(VERDICTS).set_axis(["schedule step", "optimizer sgd", "schedule one-cycle"])
    part = sentences.part(whole, "schedule ")
    assert part["verdict"].to_dict() == {"step": "better", "one-cycle": "no measurable difference"}
    none = sentences.part(whole, "other ")
    assert sentences.verdicts(none, "a constant rate", "schedule") == "No schedule was compared with a constant rate."


def test_rows_that_are_compared_seed_by_seed_are_named() -> None:
    rows = table(VERDICTS).assign(paired=[True, False, False])
    end = " a: its trainings are those of the base, perhaps read out in another way, "
    end += "so it is compared with them seed by seed."
    assert sentences.verdicts(rows, "the base").endswith(end)
    assert "trainings" not in sentences.verdicts(rows[1:], "the base")
    assert " a and c: their trainings " in sentences.verdicts(rows.assign(paired=[True, False, True]), "the base")


def test_an_ingredient_earns_its_place_where_the_recipe_is_worse_without_it() -> None:
    said = sentences.earns(table(VERDICTS), table(["worse"]), "the recipe")
    assert said.startswith(
        "Of 3 changes that take away or replace an ingredient of the recipe, one is measurably worse: **b**. What they "
        "take away or replace earns its place. One is measurably better: **a**. For the other one it is not shown"
    )
    assert said.endswith(
        "Of 1 addition, none is measurably better and one is measurably worse (a change of −2.00 points)."
    )
    none = sentences.earns(table(["better"]), table(VERDICTS)[:0], "the recipe")
    assert "none is measurably worse. One is measurably better: **a**. No addition." in none
    assert "cannot be judged with one seed" in sentences.earns(
        table(VERDICTS, judged=False), table(VERDICTS), "the recipe"
    )


def test_effects_are_unlike_where_their_intervals_do_not_overlap() -> None:
    here, base = table(["better", "worse", "worse"]), table(["worse", "worse"])
    said = sentences.unlike(here, {"against the base": base, "in 03": table([])})
    assert said.startswith("Of 2 changes that another recipe was given, too, one is unlike there: **a** +2.00 points (")
    assert said.endswith(" here and −2.00 points (−3.00 to −1.00) against the base.")
    assert "all intervals overlap" in sentences.unlike(here[1:], {"against the base": base})
    said = sentences.unlike(here, {"in few epochs": base}, "were tried in few epochs, too")
    assert said.startswith("Of 2 changes that were tried in few epochs, too, one is unlike there: **a** +2.00 points (")
    nothing = "There is no change that another recipe was given, too."
    assert sentences.unlike(here, {}) == sentences.unlike(here, {"x": table(VERDICTS, judged=False)}) == nothing


def test_times_are_compared_only_where_equal_trainings_took_alike_long() -> None:
    assert "about the same time (at most 1.2 times" in sentences.timing({"a": [10, 12], "b": [5]})
    assert "about the same time, within a twentieth" in sentences.timing({"a": [10, 10.2], "b": [5]})
    said = sentences.timing({"a": [10, 12], "b_c": [5, 30, 6]})
    assert said.startswith("The times are no comparison")
    assert "up to 6.0 times as long in one training of b&#95;c as in another" in said
    assert sentences.timing({"a": [10], "b": [90]}).startswith("With one training each")
