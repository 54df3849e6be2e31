"""What 06 says of mistakes follows from its numbers, over random ones where a word depends on them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_utils import metrics, sentences, trust

RNG = np.random.default_rng(0)


def estimate(low: float, mean: float, high: float, n: int = 3) -> metrics.Estimate:
    return metrics.Estimate(mean, 0.01, low, high, n)


def test_most_is_said_of_a_share_only_if_its_whole_interval_is_above_half() -> None:
    for low, mean, high in np.sort(RNG.random((300, 3)), axis=1):
        said = sentences.majority(estimate(low, mean, high), "Coat")
        assert said.startswith(f"Coat: {100 * mean:.2f} % ± ") and " of all mistakes" in said
        assert ("which is most of them" in said) == (low > 0.5)
        assert ("less than half of them" in said) == (high < 0.5)
        assert ("cannot be told" in said) == (low <= 0.5 <= high)


def test_none_of_the_mistakes_is_not_called_undecided() -> None:
    said = sentences.majority(estimate(0, 0, 1), "Images whose label is in doubt")
    assert said == (
        "Images whose label is in doubt: 0.00 % (0.00 to 100.00 %; 3 seeds) of all mistakes, that is none of them"
    )


def test_repaired_mistakes_are_means_and_a_third_of_one_is_not_none() -> None:
    before, after = np.zeros((3, 50), bool), np.zeros((3, 50), bool)
    before[0, 0] = after[:, 1] = True
    assert sentences.repairs("six views", before, after) == (
        "**six views**: mistakes of a net repaired: 0.3; new ones made: 1."
    )
    before[:, 10:30] = before[1, 40] = True
    assert ": 20.7; " in sentences.repairs("six views", before, after)


def test_the_nets_of_a_mean_that_are_weaker_are_counted() -> None:
    assert sentences.weaker([0.93, 0.94, 0.95], 0.945).startswith(
        "Of the 3 nets in this mean, 2 are less accurate alone"
    )
    assert "none is less accurate" in sentences.weaker([0.95, 0.96], 0.945)
    assert "in this mean, 1 is less accurate" in sentences.weaker([0.95, 0.94], 0.945)


def test_the_mistakes_in_short_are_whole_sentences() -> None:
    ends = {"a": estimate(0.3, 0.4, 0.5), "b": estimate(0.5, 0.6, 0.7), "c": estimate(0.1, 0.2, 0.3)}
    said = sentences.in_short(("a", "b"), estimate(0.2, 0.25, 0.3), ends, estimate(0.1, 0.2, 0.3))
    assert said == (
        "Of all mistakes, 25.0 % take a and b for each other, and 60.0 % have b as label or prediction. In 20.0 % of "
        "all mistakes the label is in doubt."
    )
    tied = sentences.in_short(("a", "b"), estimate(0.2, 0.25, 0.3), ends | {"a": ends["b"]})
    assert "and 60.0 % have a and b as label or prediction each. Which labels are wrong cannot be told" in tied
    two = sentences.in_short(("a", "b"), estimate(1, 1, 1), {"a": ends["a"], "b": ends["b"]})
    assert two.startswith("Every mistake takes one of the two classes for the other. ")
    assert sentences.in_short(("a", "b"), estimate(np.nan, np.nan, np.nan), ends) == "There are no mistakes."


def test_pairs_with_as_many_mistakes_are_named_beside_the_one_that_is_looked_at() -> None:
    pairs = {
        ("a", "b"): estimate(0.3, 0.4, 0.5),
        ("a_1", "c"): estimate(0.3, 0.4, 0.5),
        ("b", "c"): estimate(0, 0.2, 1),
    }
    assert sentences.as_often(pairs, ("a", "b")) == "Taken for each other just as often: a&#95;1 / c."
    assert sentences.as_often(pairs, ("b", "c")) == ""
    assert sentences.as_often(pairs, ("x", "y")) == "", "a pair that is none of the first"
    none = dict.fromkeys(pairs, estimate(np.nan, np.nan, np.nan))
    assert sentences.as_often(none, ("a", "b")) == ""


def test_a_share_of_one_seed_or_of_nothing_is_not_judged() -> None:
    nan = float("nan")
    assert sentences.majority(estimate(nan, 0.9, nan, 1), "Coat").endswith(
        "(one seed: cannot be judged) of all mistakes"
    )
    assert sentences.majority(estimate(nan, nan, nan), "Coat") == "there are no mistakes"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.51, 0.6, "shown"), (0.3, 0.49, "contradicted"), (0.5, 0.6, "not shown"), (0.4, 0.5, "not shown"),
     (float("nan"), float("nan"), "cannot be judged")],
)  # fmt: skip
def test_a_statement_is_shown_or_contradicted_by_a_whole_interval(low: float, high: float, word: str) -> None:
    assert sentences.shown(low, high, 0.5) == word


def test_mistakes_that_all_seeds_make_are_counted_against_chance() -> None:
    wrong = np.zeros((2, 1000), bool)
    wrong[0, :100], wrong[1, 50:150] = True, True
    same = np.arange(1000) < 60
    said = sentences.shared_mistakes(wrong, same)
    assert said.startswith("**50 of 1,000 test images** (5.00 %) are wrong for both seeds, where 10.0 would be")
    assert "50.0 % of the mistakes of a single seed" in said
    assert said.endswith("the same wrong class for 10 of them.")
    assert "wrong class for" not in sentences.shared_mistakes(np.eye(2, 1000, dtype=bool), same)
    assert sentences.shared_mistakes(wrong[:1], same).startswith("The one seed gets 100 of 1,000 test images wrong")
    assert sentences.shared_mistakes(~wrong & wrong, same) == "No seed gets any of the 1,000 test images wrong."


def test_one_image_is_no_plural() -> None:
    wrong = np.zeros((2, 257), bool)
    wrong[:, 3] = wrong[0, 7] = True
    said = sentences.shared_mistakes(wrong, np.arange(257) > 5)
    assert said.startswith("**1 of 257 test images** (0.39 %) is wrong for both seeds, where ")
    assert said.endswith(" The seeds do not all give the same wrong class for it.")
    assert sentences.shared_mistakes(wrong, np.arange(257) < 5).endswith(" The seeds give the same wrong class for it.")
    assert sentences.always_wrong(wrong) == "1 of 257 test images is wrong for every seed (of 2)."
    assert sentences.always_wrong(wrong[:1]) == "2 of 257 test images are wrong for the one seed."
    assert sentences.wrong_for(wrong) == "Of 257 test images 2 are wrong for one net or more, 1 for all of them."
    assert sentences.wrong_for(wrong[1:]) == "Of 257 test images 1 is wrong for it."
    assert sentences.sure_mistakes([0.7]) == "This one is made with a confidence of 70 %."
    assert sentences.sure_mistakes([0.7, 0.9]) == "These are made with a confidence of 70 to 90 %."
    assert sentences.resembles([0, 1], [1, 1], [1, 1]).startswith("Of the one mistake of this net, the nearest ")


@pytest.mark.parametrize(
    ("alike", "other", "said"),
    [
        (
            [0, 0, 0, 0],
            [1, 0, 0, 0],
            "**0 of 4 test images** (0.00 %) have a near-duplicate among the training images.",
        ),
        ([1, 0, 0, 0], [1, 0, 0, 0], "(25.00 %) has a near-duplicate among the training images, under another label."),
        ([1, 0, 0, 0], [0, 1, 0, 0], "(25.00 %) has a near-duplicate among the training images, under the same label."),
        (
            [1, 1, 0, 0],
            [0, 1, 1, 0],
            "(50.00 %) have a near-duplicate among the training images, 1 of them under another label.",
        ),
    ],
)
def test_near_duplicates_are_counted(alike: list[int], other: list[int], said: str) -> None:
    assert sentences.near_duplicates(np.array(alike, bool), np.array(other, bool)).endswith(said)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([], "are in doubt."),
        (["ab"], "is in doubt: an image labelled a looks like b."),
        (["ab", "ba"], "are in doubt; no two of them have the same label and the same suggestion."),
        (["ab", "ab"], "are in doubt: an image labelled a looks like b."),
        (["ab", "ab", "ba"], "are in doubt; most often (2) an image labelled a looks like b."),
        (
            ["ab", "ab", "ba", "ba", "ca"],
            "are in doubt; most often (2 each) an image labelled a looks like b and an image labelled b looks like a.",
        ),
    ],
)
def test_the_most_frequent_doubts_are_named_with_all_that_tie(pairs: list[str], said: str) -> None:
    rows = [(label, suggestion, True) for label, suggestion in pairs] + [("a", "b", False)]
    table = pd.DataFrame(rows, columns=["label", "suggestion", "doubtful"])
    assert sentences.doubted(table, "test").endswith(f" {said}")


def test_corrected_labels_give_an_accuracy_beside_the_other_one() -> None:
    said = sentences.corrected(156, estimate(0.95, 0.96, 0.97), estimate(0.94, 0.95, 0.96))
    assert said.startswith("With 156 doubtful test labels replaced by ")
    assert said.index("**96.00 % ± 1.00 (3 seeds)**") < said.index("with the labels of the files it is 95.00 %")
    assert sentences.corrected(1, *[estimate(0.9, 0.9, 0.9)] * 2).startswith("With 1 doubtful test label replaced")
    assert sentences.corrected(0, *[estimate(0.9, 0.9, 0.9)] * 2) == "No test label is in doubt, so none is corrected."


def test_averaging_says_what_its_interval_covers() -> None:
    images = np.arange(1000)
    gain = metrics.compare([images < 950], [images < 900, images < 910], metrics.NO_SPREAD)
    said = sentences.averaging(gain, 2)
    assert "of the 2 nets helps: +4.50 points (" in said
    assert "another test sample only, not other nets" in said
    assert "hurts: " in sentences.averaging(metrics.compare([images < 900], [images < 950] * 2, metrics.NO_SPREAD), 2)
    assert "nothing can be averaged" in sentences.averaging(gain, 1)


def test_confidence_leans_only_if_the_interval_says_so() -> None:
    for difference, half in zip(RNG.normal(0, 0.02, 200), RNG.random(200) * 0.03, strict=True):
        said = sentences.lean(metrics.Comparison(difference, difference - half, difference + half, 0.5, 3))
        assert ("it is overconfident" in said) == (difference - half > 0)
        assert ("it is underconfident" in said) == (difference + half < 0)
        assert ("neither" in said) == (difference - half <= 0 <= difference + half)
    one = metrics.Comparison(0.02, float("nan"), float("nan"), float("nan"), 1)
    assert "it is" not in sentences.lean(one) and "cannot be judged" in sentences.lean(one)


def test_what_tells_two_classes_apart_is_said_of_the_best_part_first() -> None:
    reached = {"collar": estimate(0.6, 0.7, 0.8), "sleeves": estimate(0.8, 0.82, 0.9)}
    said = sentences.tells_apart(("Shirt", "Coat"), reached, "sleeves")
    assert (
        said
        == "a linear model tells Shirt and Coat apart in 82 % of their images from the sleeves, in 70 % from the collar"
    )
    assert sentences.tells_apart(("a", "b"), {"x": estimate(0.6, 0.7, 0.8)}, "x").endswith(
        "in 70 % of their images from the x"
    )
    nan = float("nan")
    assert "no test image of a and b" in sentences.tells_apart(("a", "b"), {"x": estimate(nan, nan, nan)}, "x")


def test_a_part_that_tells_no_more_than_the_commoner_class_is_said_to() -> None:
    reached = {"collar": estimate(0.5, 0.58, 0.66), "sleeves": estimate(0.5, 0.6, 0.7)}
    said = sentences.tells_apart(("a", "b"), reached, "sleeves", 0.58)
    assert said.startswith("from no part does a linear model tell a and b apart measurably better than always naming")
    assert said.endswith("the commoner of the two, which is right for 58 % of their images")
    assert "collar and sleeves are not measurably above that" in sentences.no_better(reached, 0.58)
    above = reached | {"sleeves": estimate(0.59, 0.7, 0.8)}
    assert sentences.tells_apart(("a", "b"), above, "sleeves", 0.58).startswith(
        "a linear model tells a and b apart in 70 %"
    )
    assert "; collar is not measurably above that" in sentences.no_better(above, 0.58)
    assert sentences.no_better({"sleeves": above["sleeves"]}, 0.58) == ""
    nan = float("nan")
    assert sentences.no_better({"x": estimate(nan, nan, nan)}, 0) == ""


def test_the_class_at_an_end_of_most_mistakes_is_named_with_all_that_tie() -> None:
    ends = {"a": estimate(0.3, 0.4, 0.45), "b": estimate(0.6, 0.8, 0.9), "c": estimate(0.6, 0.8, 0.9)}
    assert sentences.most_involved(ends) == "**b and c** as label or prediction: 80.0 % of all mistakes each"
    alone = sentences.most_involved(ends | {"c": estimate(0.6, 0.7, 0.9)})
    assert alone.startswith("**b** as label or prediction: 80.00 %") and alone.endswith("which is most of them")
    assert sentences.most_involved({"a": estimate(1, 1, 1), "b": estimate(1, 1, 1)}) == sentences.ONE_PAIR
    nan = float("nan")
    assert (
        sentences.most_involved({"a": estimate(nan, nan, nan)} | {"b": estimate(nan, nan, nan)})
        == "there are no mistakes"
    )
    assert sentences.majority(estimate(0.3, 1, 1), "Coat").endswith("of all mistakes, that is all of them")


def test_judges_say_how_good_they_are_and_why_their_doubts_tell_nothing() -> None:
    good = sentences.judges(estimate(0.91, 0.92, 0.93), 0.925, 0.1, True)
    assert good.startswith(
        "The 3 nets that judge are right on 92.00 % ± 1.00 of the test images, each by itself, and on"
    )
    assert " on 92.5 % of the training images" in good
    assert "nothing" not in good
    assert "side with the label more often" in sentences.judges(estimate(0.2, 0.21, 0.22), 0.2, 0.1, False)
    guessing = sentences.judges(estimate(0.4, 0.5, 0.6), 0.5, 0.5, False)
    assert guessing.endswith("always naming the most frequent label reaches (50.0 %).")


def test_a_temperature_at_the_end_of_the_search_is_none() -> None:
    ends = metrics.TEMPERATURES
    said = sentences.temperatures([0.64, 0.66], [0.078, 0.083], [0.02, 0.02], ends)
    assert said.startswith("The temperature of the 2 nets is 0.64 to 0.66; below 1 a net was not sure enough")
    assert said.endswith("is 7.8 to 8.3 % (over the nets) before and 2.0 % after.")
    assert " is 1.00; " in sentences.temperatures([1, 1], [0.1, 0.1], [0.1, 0.1], ends)
    right = metrics.temperature([[0.01, 0.99]] * 50, [1] * 50)
    wrong = metrics.temperature([[0.01, 0.99]] * 50, [0] * 50)
    assert right < 0.5 and wrong > 10
    said = sentences.temperatures([wrong, 0.7, ends[0]], [0.9, 0.1, 0.4], [0.5, 0.05, 0.0], ends)
    assert said.startswith("The temperature of the 1 net that has one is 0.70; ")
    assert "Their ECE on the test images is 10.0 % before and 5.0 % after. For one of the 3 nets " in said
    assert said.count("For one of the 3 nets the fit ran to the end of its search, ") == 2
    assert ": the surer the answers, the better they fit the images that were held out." in said
    assert said.endswith(": the less sure the answers, the better, as where they are no better than guessing.")


def test_a_tenth_is_one() -> None:
    assert [sentences.tenth(share) for share in (0.1, 0.1016, 2 / 14, 1)] == ["tenth"] * 2 + [
        "14 %",
        "100 %",
    ]


def test_a_recipe_in_fewer_epochs_is_a_preview() -> None:
    assert sentences.preview(6, 6) == ""
    assert sentences.preview(1, 6) == "A preview: 1 epoch of a recipe that is made for 6."
    assert sentences.preview(9, 6).startswith("Longer than meant: 9 epochs")


def test_the_densest_part_is_the_one_with_most_for_its_size() -> None:
    parts = {"a-b": (0.5, 0.6), "small": (0.1, 0.2)}
    assert sentences.densest(parts, "the difference") == (
        "**small** has 20.0 % of the difference on 10.0 % of the pixels, the most for its size"
    )
    assert sentences.densest({"a-b": (0.5, 0.4)}, "it").startswith(
        "none of the parts has more of it than its size; **a&#45;b**"
    )


def test_a_part_may_be_large_by_its_ink() -> None:
    parts = {"collar": (0.094, 0.126), "sleeves": (0.906, 0.874), "void": (0.0, 0.0)}
    said = sentences.densest(parts, "it", "the ink", "its ink")
    assert said == "**collar** has 12.6 % of it on 9.4 % of the ink, the most for its ink"
    told = {"collar": estimate(0.6, 0.7, 0.8), "sleeves": estimate(0.7, 0.8, 0.9), "void": estimate(0.4, 0.5, 0.6)}
    beside = sentences.beside_linear(parts, told)
    assert "for its ink gives the order collar, then sleeves, then void; " in beside
    assert "the linear model above gives the order sleeves, then collar, then void. " in beside
    alike = sentences.beside_linear(parts, told | {"collar": estimate(0.8, 0.9, 1.0)})
    assert alike.endswith("gives the same order: collar, then sleeves, then void.")
    level = {"a": (0.5, 0.5), "b": (0.5, 0.501)}
    assert "b and a; what" in sentences.beside_linear(level, {"a": told["collar"], "b": told["sleeves"]})


def test_parts_as_dense_as_each_other_are_named_together() -> None:
    parts = {"a": (0.5, 0.6), "b": (0.1, 0.12), "c": (0.1, 0.05)}
    assert (
        sentences.densest(parts, "it")
        == "**a and b** have the most of it for their size, each about 1.2 times as much as its size"
    )
    none = sentences.densest({"a": (0.5, 0.5), "b": (0.1, 0.1)}, "it")
    assert none == "none has more of it for its size than another: each about 1.0 times as much as its size"


def test_what_is_answered_is_said_with_its_range() -> None:
    said = sentences.answered([0.7, 0.712], 0.99)
    assert said == "at an accuracy of 99 % a net answers **70 to 71 % (over the seeds)** of the images"
    assert "**70 %** of" in sentences.answered([0.7], 0.99)


def test_the_surest_tenth_is_set_beside_the_next_and_explained_only_where_it_is_worse() -> None:
    for wrong, then in ((5, 50), (50, 5), (5, 2)):
        first, second = (np.arange(1000) < 1000 - mistakes for mistakes in (wrong, then))
        both = metrics.accuracy_estimate([first] * 2), metrics.accuracy_estimate([second] * 2)
        said = sentences.surest_tenths(*both, metrics.paired([~first] * 2, [~second] * 2))
        assert said.startswith(f"On the surest tenth of the images a net is right on {both[0]}, on the next on ")
        assert ("less often where it is surer" in said) == ("neither is tested here" in said) == (wrong > then)
        assert (", measurably." in said) == (wrong == 50) and (", though not measurably." in said) == (then == 2)
    one = [estimate(np.nan, mean, np.nan, 1) for mean in (0.9, 0.95)]
    alone = sentences.surest_tenths(*one, metrics.Comparison(0.05, np.nan, np.nan, np.nan, 1))
    assert "less often where it is surer. It may be" in alone
    assert sentences.surest_tenths(one[0], estimate(np.nan, np.nan, np.nan), metrics.paired([[0]], [[0]])).startswith(
        "There are too few test images"
    )


# --- what 06 asks beyond the test images ---


def test_what_is_left_out_is_named_and_counted() -> None:
    assert sentences.unmeasured({}) == ""
    said = sentences.unmeasured({"compact": 2, "<best>": 1})
    assert said.endswith("is stored: 2 runs of compact and 1 run of &#60;best&#62;.")
    assert "No run of compact" in sentences.weightless("compact")


def test_disturbances_are_told_in_their_order_and_not_ranked() -> None:
    left = {"noise": estimate(0.1, 0.2, 0.3), "blur": estimate(0.3, 0.4, 0.5)}
    said = sentences.hurts("net", estimate(0.9, 0.95, 1.0), left)
    assert said.startswith("**net**: 95.00 % ± 5.00 (3 seeds) on the test images as they are. ")
    assert said.endswith("of each kind: noise 20.00 % ± 10.00 (3 seeds); blur 40.00 % ± 10.00 (3 seeds).")
    one = sentences.hurts("net", estimate(np.nan, 0.95, np.nan, 1), {"blur": estimate(np.nan, 0.4, np.nan, 1)})
    assert one.startswith("**net** (one seed: cannot be judged): 95.00 % on the test images as they are. ")
    assert one.endswith("of each kind: blur 40.00 %.")


def gains(rows: dict[tuple[str, str], tuple[float, str]]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["name", "part"])
    table = pd.DataFrame(list(rows.values()), index, ["difference", "verdict"])
    return table.assign(low=table["difference"] - 0.01, high=table["difference"] + 0.01, p=0.5, seeds=3)


VERDICTS = st.tuples(st.floats(-0.5, 0.5), st.sampled_from(["better", "worse", "no measurable difference"])).map(
    lambda row: (abs(row[0]) * {"better": 1, "worse": -1}.get(row[1], np.sign(row[0])), row[1])
)


@given(st.data())
def test_only_what_helps_measurably_protects_and_the_most_goes_first(data: st.DataObject) -> None:
    names, parts = ["flip", "cutout", "affine"], ["as they are", "shift", "noise"]
    rows = {(name, part): data.draw(VERDICTS) for name in names for part in parts}
    said = sentences.protection(gains(rows))
    assert "as they are" not in said
    for part in ("shift", "noise"):
        helping = {name: rows[name, part][0] for name in names if rows[name, part][1] == "better"}
        match = re.search(rf"gainst {part}, \*\*(\w+)\*\*", said)
        assert (match is not None) == bool(helping)
        if match:
            assert helping[match[1]] == max(helping.values())
        bare = re.search(r"Against ([\w ,]+) none protects measurably", said)
        assert (bare is not None and part in bare[1]) == (not helping)


def test_with_one_seed_nothing_protects() -> None:
    table = gains({("flip", "shift"): (0.1, "no measurable difference")}).assign(low=np.nan, high=np.nan)
    assert sentences.protection(table) == "What protects cannot be judged with one seed."


def test_the_surest_and_the_least_sure_of_what_has_no_class_are_named() -> None:
    test = np.array([[0.6, 0.4], [0.3, 0.7], [0.8, 0.2], [0.95, 0.05]])
    odd = {"noise": [[0.9, 0.1]] * 3, "blank": [[0.5, 0.5], [0.35, 0.65]]}
    table = trust.beside(odd, test, ["Coat", "Bag"])
    assert list(table.index) == ["noise", "blank"]
    assert table.loc["noise", ["images", "answer", "share", "less sure"]].tolist() == [3, "Coat", 1.0, 0.75]
    assert table["told apart"].tolist() == [0.25, pytest.approx(7 / 8)]
    said = sentences.strangest(table)
    assert "surest of **noise**: half of them get 90.0 % or more, which 75.0 % of the test images do not reach" in said
    assert "least sure of **blank**: half of them get 57.5 %" in said
    assert sentences.told_apart(table, 0.8) == (
        "The net is surer of a test image than of a picture of this kind in at least 80 % of all pairs for blank; for "
        "noise in 25.0 % of the pairs only."
    )
    certain = table.assign(confidence=[1.0, 0.9994])
    assert "get more than 99.9 %, while 75.0 % of the test images get less" in sentences.strangest(certain)
    assert "99.9 % or more, which" in sentences.strangest(certain)
    assert "least" not in sentences.strangest(table.iloc[:1])
    assert "for none of them; for noise" in sentences.told_apart(table)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=30))
def test_what_the_nearest_training_images_bear_is_counted(rows: list[tuple[int, int, int]]) -> None:
    labels, predictions, borne = np.array(rows).T
    said = sentences.resembles(labels, predictions, borne)
    wrong = labels != predictions
    if not wrong.any():
        assert said == "This net makes no mistake."
        return
    as_answer = metrics.percent((wrong & (borne == predictions)).sum() / wrong.sum(), 1)
    as_label = metrics.percent((wrong & (borne == labels)).sum() / wrong.sum(), 1)
    assert f"**{as_answer}**, and the label of the test image in {as_label}" in said
    same = metrics.percent((~wrong & (borne == labels)).sum() / max(1, (~wrong).sum()), 1)
    assert said.endswith(f"the nearest training image bears the same class in {same}.") == (not wrong.all())


def test_how_often_pixels_and_features_agree_is_counted() -> None:
    assert sentences.same_nearest([1, 2, 3], [1, 2, 4]).endswith("is the same for most of the 3 test images (2).")
    assert "none of the 2 test images" in sentences.same_nearest([1, 2], [2, 1])
