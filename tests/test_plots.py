"""Every figure is drawn from real shapes of data, at 2x, with an alt text that states what the data say."""

from __future__ import annotations

import base64
import io
import itertools
import sys
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from fmnist_utils import Dataset, metrics, plots

NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def figure(plot: Callable[..., None], *args: object, **kwargs: object) -> tuple[Image.Image, str, dict]:
    """Call a plot as a notebook does; return its picture, alt text and PNG metadata."""
    InteractiveShell.instance()
    with warnings.catch_warnings(), capture_output() as captured:
        warnings.simplefilter("error")  # glyphs that the font lacks, layouts that do not fit
        plot(*args, **kwargs)
    (output,) = captured.outputs
    png = base64.b64decode(output.data["image/png"])
    assert len(png) < 150_000
    image, metadata = Image.open(io.BytesIO(png)), output.metadata["image/png"]
    assert abs(image.width - 2 * metadata["width"]) <= 1 and abs(image.height - 2 * metadata["height"]) <= 1
    assert metadata["width"] == 768
    return image, metadata["alt"], metadata


def history(epochs: int, final: float) -> list[dict[str, float]]:
    return [
        {"epoch": i, "train_loss": 1 / i, "train_accuracy": 0.95, "validation_loss": 1.2 / i,
         "validation_accuracy": final - 0.1 / i + 0.1 / epochs, "lr": 1e-3, "seconds": 1.0}
        for i in range(1, epochs + 1)
    ]  # fmt: skip


def ink(image: Image.Image) -> float:
    """Share of pixels that are not white."""
    return float((np.asarray(image.convert("L")) < 250).mean())


def test_a_grid_names_its_rows_and_shows_the_images():
    black = np.full((6, 28, 28), 255, np.uint8)
    image, alt, _ = figure(plots.image_grid, black, "Six squares", columns=3, row_names=["left", "right"])
    assert alt == "Six squares: 6 images in 2 rows. Rows: left, right."
    assert ink(image) > 0.6
    blank, _, _ = figure(plots.image_grid, 0 * black, "Six squares", columns=3)
    assert ink(blank) < 0.05


@pytest.mark.parametrize("setting", [{"image.origin": "lower"}, {"text.usetex": True}, {"savefig.bbox": "tight"}])
def test_what_the_reader_has_set_of_matplotlib_changes_no_figure(setting: dict[str, Any]) -> None:
    images = np.zeros((6, 28, 28), np.uint8)
    images[:, :7] = np.linspace(50, 255, 6)[:, None, None]
    captions = [f"{i} 100 % T_shirt" for i in range(6)]
    expected = figure(plots.image_grid, images, "Six", columns=3, captions=captions)
    with mpl.rc_context(setting):
        found = figure(plots.image_grid, images, "Six", columns=3, captions=captions)
    assert np.array_equal(np.asarray(found[0]), np.asarray(expected[0])) and found[1:] == expected[1:]


def test_a_hundred_real_images_stay_small(data: Dataset):
    images = data.test_images[:100].numpy()
    figure(plots.image_grid, images, "Ten rows", row_names=NAMES)


def test_a_column_of_single_images_is_no_taller_than_one_of_three():
    images = np.full((4, 28, 28), 255, np.uint8)
    one, _, _ = figure(plots.image_grid, images, "Four rows", columns=1)
    three, _, _ = figure(plots.image_grid, np.tile(images, (3, 1, 1)), "Four rows", columns=3)
    assert one.height == three.height and ink(one) < ink(three) / 2


def test_names_that_no_font_has_are_drawn_without_a_warning():
    names = ["\a bell", "_left out?", "日本", "{x} $y_1$"]
    figure(plots.heatmap, pd.DataFrame(np.eye(4), names, names), "share", "Odd names")
    figure(plots.confusion_matrix, np.eye(4, dtype=int), names, "Odd names")
    with_names, _, _ = figure(plots.scatter, {"x": np.zeros((4, 2))}, range(4), names, "Odd names")
    without, _, _ = figure(plots.scatter, {"x": np.zeros((4, 2))}, range(4), ["", "_", "", ""], "Odd names")
    assert ink(with_names) > ink(without)


def test_captions_are_drawn_and_told():
    images = np.zeros((3, 28, 28), np.uint8)
    _, alt, _ = figure(plots.image_grid, images, "Mistakes", columns=5, captions=["Shirt\nas Coat", "b", "c"])
    assert alt.endswith("Captions: Shirt, as Coat; b; c.")


def test_bars_say_every_value():
    _, alt, _ = figure(plots.bars, pd.Series([6000, 5999], ["Coat", "Bag"]), "images", "Balance", digits=0)
    assert alt == "Balance: bars of images. Coat 6,000; Bag 5,999."


def test_estimates_say_every_share_and_its_interval():
    nan = float("nan")
    values = {
        "Coat": metrics.Estimate(0.25, 0.01, 0.2, 0.3, 3),
        "Bag": metrics.Estimate(0.1, nan, nan, nan, 1),
        "Shirt": metrics.Estimate(nan, nan, nan, nan, 2),
    }
    _, alt, _ = figure(plots.estimates, values, "share (%)", "Mistakes", highlight=["Coat"])
    assert alt.startswith(
        "Mistakes: bars of share (%) with 95 % intervals. Coat 25.00 % ± 5.00 (3 seeds); Bag 10.00 % (one"
    )


def test_histograms_say_the_medians():
    groups = {"right": np.array([0.9, 1.0, 0.8]), "wrong": np.array([0.5])}
    _, alt, _ = figure(plots.histograms, groups, "confidence", "How sure?")
    assert "right median 0.9; wrong median 0.5" in alt


def test_curves_say_where_each_group_ends():
    groups = {"none": [history(4, 0.90), history(4, 0.92)], "dropout": [history(4, 0.93), history(2, 0.93)]}
    _, alt, _ = figure(plots.curves, groups, "Curves")
    assert "none ends at 91.0 % of the validation images and 95.0 % of the training images" in alt


def test_curves_without_validation_images():
    rows = [{**row, "validation_loss": None, "validation_accuracy": None} for row in history(3, 0.9)]
    _, alt, _ = figure(plots.curves, {"base": [rows]}, "Curves")
    assert "base ends at 95.0 % of the training images" in alt and "nan" not in alt


def test_the_confusion_matrix_says_its_worst_mistakes():
    matrix = np.diag(np.full(10, 900))
    matrix[6, 0], matrix[0, 6], matrix[2, 4] = 120, 80, 60
    _, alt, _ = figure(plots.confusion_matrix, matrix, NAMES, "Mistakes")
    assert "9000 of 9260 right" in alt
    assert "Shirt taken for T-shirt/top 120; T-shirt/top taken for Shirt 80; Pullover taken for Coat 60" in alt


def test_mistakes_as_frequent_as_others_are_not_called_the_most_frequent():
    matrix = np.diag([5, 5, 5])
    matrix[0] = [5, 2, 1]
    _, alt, _ = figure(plots.confusion_matrix, matrix, ["a", "b", "c"], "Few")
    assert alt.endswith(" Most frequent mistakes: a taken for b 2; a taken for c 1.")
    matrix[1:] += 1 - np.eye(3, dtype=int)[1:]
    _, alt, _ = figure(plots.confusion_matrix, matrix, ["a", "b", "c"], "Few")
    assert " Among the most frequent mistakes: a taken for b 2; a taken for c 1; " in alt


def test_a_confusion_matrix_without_mistakes():
    _, alt, _ = figure(plots.confusion_matrix, np.diag([5, 5, 5]), ["a", "b", "c"], "Perfect")
    assert alt == "Perfect: confusion matrix of 3 classes, 15 of 15 right."


def test_intervals_say_each_change_and_verdict():
    rows = {"flip": (0.003, 0.001, 0.005, "better"), "erasing": (0.0, -0.002, 0.002, "no measurable difference")}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["difference", "low", "high", "verdict"])
    _, alt, _ = figure(plots.intervals, table, "Against none")
    assert "flip +0.30 (+0.10 to +0.50), better; erasing 0.00 (−0.20 to +0.20), no measurable difference" in alt
    _, alt, _ = figure(plots.intervals, table, "Gaps", "narrowing (points)", "narrower", "wider")
    assert "flip +0.30 (+0.10 to +0.50), narrower; erasing" in alt


def test_an_interval_that_one_seed_cannot_give_is_not_called_no_difference():
    table = pd.DataFrame(
        [[0.003, np.nan, np.nan, "no measurable difference"]], ["flip"], ["difference", "low", "high", "verdict"]
    )
    _, alt, _ = figure(plots.intervals, table, "Against none")
    assert alt == "Against none: change in accuracy (points). flip +0.30, one seed: cannot be judged."
    one = {"Coat": metrics.Estimate(0.5, np.nan, np.nan, np.nan, 1)}
    _, alt, _ = figure(plots.estimates, one, "share (%)", "Mistakes")
    assert alt == "Mistakes: bars of share (%). Coat 50.00 % (one seed: cannot be judged)."


def test_a_heatmap_says_its_extremes_and_leaves_out_what_is_missing():
    table = pd.DataFrame([[1.0, -2.5], [np.nan, 0.5]], ["flip", "affine"], ["Coat", "Shirt"])
    _, alt, _ = figure(plots.heatmap, table, "change (points)", "Recall")
    assert "lowest −2.5 (flip, Shirt); highest +1.0 (flip, Coat)" in alt
    _, alt, _ = figure(plots.heatmap, -0.0 * table, "change (points)", "Recall")
    assert "lowest 0.0 (" in alt and "−0.0" not in alt and "+" not in alt
    _, alt, _ = figure(plots.heatmap, table * np.nan, "change (points)", "Recall")
    assert alt == "Recall: 2 by 2 table of change (points). No cell has a number."


def test_points_of_more_classes_than_there_are_colours_are_left_out_and_that_is_said():
    points, names = {"x": np.random.default_rng(0).random((52, 2))}, [f"<{i}>" for i in range(26)]
    _, alt, _ = figure(plots.scatter, points, np.arange(52) % 26, names, "Plane")
    assert alt.startswith("Plane: 40 images as points, by x; the first 20 of 26 classes <0>, <1>, ")
    _, alt, _ = figure(plots.scatter, {"x": points["x"][:3]}, [0, 1, 1], names, "Plane")
    assert alt == "Plane: 3 images as points, by x; classes <0>, <1>."


def test_reliability_says_who_is_overconfident():
    sure, right = np.array([[0.9, 0.1]] * 10), np.array([0] * 5 + [1] * 5)
    _, alt, _ = figure(plots.reliability_diagram, {"base": metrics.reliability(sure, right)}, "Honest?")
    assert "base confidence less accuracy +40.0 points on average" in alt


@pytest.mark.parametrize(
    ("plot", "group", "labels"),
    [
        (plots.histograms, np.array([0.9, 1.0, 0.8]), ("confidence", "Title")),
        (plots.curves, [history(3, 0.9)], ("Title",)),
        (plots.reliability_diagram, metrics.reliability(np.array([[0.9, 0.1]] * 10), np.arange(10) % 2), ("Title",)),
    ],
)
def test_the_eleventh_group_is_drawn_otherwise_than_the_first(
    plot: Callable[..., None], group: object, labels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = dict[str, set[tuple[object, ...]]]()

    def look(fig: Figure, alt: str) -> None:
        for ax in fig.axes:
            for item in (*ax.lines, *ax.patches):
                colour = item.get_edgecolor() if isinstance(item, Patch) else item.get_color()
                mark = None if isinstance(item, Patch) else item.get_marker()
                looks = (to_hex(colour), item.get_linestyle(), mark)
                drawn.setdefault(str(item.get_label()).partition(",")[0], set()).add(looks)

    monkeypatch.setattr(plots, "show", look)
    plot({f"group {i}": group for i in range(12)}, *labels)
    looks = [drawn[f"group {i}"] for i in range(12)]
    assert all(not one & other for one, other in itertools.combinations(looks, 2))


def test_pareto_says_the_front():
    table = pd.DataFrame(
        {"accuracy": [0.9, 0.8, 0.85], "low": [0.89, 0.79, 0.84], "high": [0.91, 0.81, 0.86],
         "parameters": [300_000, 20_000, 500_000], "seconds": [40.0, 20.0, 10.0]},
        index=["fast", "small", "big"],
    )  # fmt: skip
    _, alt, _ = figure(plots.pareto, table, {"parameters": "weights", "seconds": "time (s)"}, "Cost")
    assert "Front for weights: small, fast; Front for time (s): big, fast" in alt


def test_learning_rates_are_told_from_first_to_last():
    step = [{**row, "lr": 0.1 ** row["epoch"]} for row in history(3, 0.9)]
    _, alt, _ = figure(plots.learning_rates, {"constant": history(3, 0.9), "step": step}, "Rates")
    assert "constant from 0.001 to 0.001; step from 0.1 to 0.001" in alt


def test_pairs_are_drawn_where_they_differ():
    images = np.arange(1000)
    groups = {name: [images < right, images < right + 2] for name, right in (("a", 950), ("b", 900), ("c", 902))}
    _, alt, _ = figure(plots.pairs, metrics.compare_pairs(groups), list(groups), "Pairs")
    assert "lowest −5.0 (b, a); highest +5.0 (a, b)" in alt
    for few in ("bc", "a"):  # no measurable difference, and no pair at all
        with capture_output() as captured:
            plots.pairs(metrics.compare_pairs({name: groups[name] for name in few}), list(few), "Nothing")
        assert not captured.outputs


def test_names_with_dollars_markup_and_great_length_are_plain_text():
    names = ["$\\frac{1}{0}$", "<b>coat</b>", "a very long name of a class that would fill the whole page"]
    _, alt, _ = figure(plots.confusion_matrix, np.ones((3, 3), int), names, "<i>Odd</i> $names$")
    assert "$\\frac{1}{0}$ taken for <b>coat</b> 1" in alt


@pytest.mark.parametrize("classes", [2, 40])
def test_any_number_of_classes(classes):
    names = [f"class {i}" for i in range(classes)]
    matrix = np.random.default_rng(1).integers(1, 9, (classes, classes))
    figure(plots.confusion_matrix, matrix, names, "Many")
    figure(plots.heatmap, pd.DataFrame(matrix - 4.0, names, names), "points", "Many")
    figure(plots.bars, pd.Series(matrix[0], names), "images", "Many")


def test_figures_leave_no_global_state():
    before = dict(mpl.rcParams)
    figure(plots.bars, pd.Series([1.0, 2.0], ["a", "b"]), "images", "Bars")
    assert dict(mpl.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_pictures_stand_above_what_became_of_them():
    before = [np.full((112, 112, 3), (200, 30, 30), np.uint8)] * 3
    image, alt, _ = figure(plots.before_and_after, before, np.full((3, 28, 28), 255, np.uint8), "Before and after")
    assert alt == "Before and after: 3 pictures, each above what became of it; black is 0 in both rows."
    colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
    assert (200, 30, 30) in colours
    lower = np.asarray(image.convert("L"))[int(0.75 * image.height)]
    assert (lower > 250).all(), "what is light for the model is light"


def test_names_that_begin_alike_have_a_bar_each() -> None:
    long = "a gradient that fades from the side to the"
    rows = pd.Series([2.0, 1.0], [f"{long} left", f"{long} right"])
    image, alt, _ = figure(plots.bars, rows, "images", "Bars")
    assert f"{long} left 2.0; {long} right 1.0" in alt
    two, _, _ = figure(plots.bars, pd.Series([2.0, 1.0], ["a", "b"]), "images", "Bars")
    blue = [sum(n for n, colour in one.convert("RGB").getcolors(1 << 20) if colour[2] > colour[0] + 60) / one.width
            for one in (image, two)]  # fmt: skip
    assert blue[0] > 0.4 * blue[1]
    assert plots._short("stripes, thick", 9) != plots._short("stripes, thin", 9)


def test_lines_and_points_say_what_they_show() -> None:
    image, alt, _ = figure(plots.lines, {"a": ([0, 1, 2], [90, 80, 70])}, ("strength", "accuracy (%)"), "Shifted")
    assert alt == "Shifted: accuracy (%) over strength. a begins at 90.0 and ends at 70.0." and ink(image) > 0.01
    points = np.random.default_rng(0).random((300, 2))
    image, alt, _ = figure(
        plots.scatter, {"components": points, "islands": points}, np.arange(300) % 3, NAMES, "In the plane"
    )
    classes = "T-shirt/top, Trouser, Pullover"
    assert alt == f"In the plane: 300 images as points, by components and islands; classes {classes}."
    assert ink(image) > 0.02


def test_panels_say_where_every_line_ends():
    shift = pd.DataFrame({"flip": [0.9, 0.5], "none": [0.91, 0.4]}, pd.Index([0, 6], name="pixels"))
    _, alt, _ = figure(
        plots.panels, {"shift": shift, "turn": shift.rename_axis("degrees")}, "accuracy (%)", "Disturbed"
    )
    assert alt.startswith(
        "Disturbed: accuracy (%) by strength, in 2 panels. shift at 6 pixels: flip 50.0 %, none 40.0 %"
    )
    figure(plots.panels, {f"kind {i}": shift for i in range(7)}, "accuracy (%)", "Seven")


def test_attributions_are_blue_for_the_first_class_and_orange_for_the_second():
    images, maps = np.zeros((6, 28, 28), np.uint8), np.zeros((6, 28, 28))
    maps[:3], maps[3:] = 1, -1
    captions = ["Coat\n80 %"] * 3 + ["Shirt\n3 %"] * 3
    image, _, _ = figure(plots.attributions, images, maps, ("Coat", "Shirt"), "Boundary", captions)
    few, alt, _ = figure(plots.attributions, images[2:4], maps[2:4], ("Coat", "Shirt"), "Boundary", captions[2:4])
    assert few.height == image.height
    assert "blue where they speak for Coat and orange where they speak for Shirt" in alt
    assert alt.endswith("Captions: Coat, 80 %; Shirt, 3 %.")
    red, _, blue = np.asarray(image.convert("RGB"), int)[image.height // 2 :].transpose(2, 0, 1)
    half = image.width // 2
    assert ((blue - red)[:, :half] > 100).sum() > 1000 and ((red - blue)[:, half:] > 100).sum() > 1000
    assert ((red - blue)[:, :half] > 100).sum() == ((blue - red)[:, half:] > 100).sum() == 0
    figure(plots.attributions, images[:1], 0 * maps[:1], ("Coat", "Shirt"), "Nothing")
