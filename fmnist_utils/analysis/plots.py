"""The figures of the notebooks, in one style, safe for colour-blind readers, with computed alt text."""

from __future__ import annotations

import base64
import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from fmnist_utils.analysis.compare import lost_by_correction
from fmnist_utils.analysis.metrics import CANNOT_BE_JUDGED, Estimate, pareto_front
from fmnist_utils.analysis.mistakes import MIME as MISTAKES
from fmnist_utils.analysis.mistakes import Mistakes
from fmnist_utils.basics.text import counted, interval, number, percent, public_names

P = ParamSpec("P")
WIDTH = 8.0  # inches of every figure
DPI = 96  # CSS pixels an inch; the PNG has twice as many
COLOURS = sns.color_palette("colorblind").as_hex()
BLUE, ORANGE, RED, GREY, INK = COLOURS[0], COLOURS[1], COLOURS[3], "#8a8a8a", "#262626"
LINES, MARKS = ("-", "--", "-.", ":"), "os^vDP"
VERDICTS = {"better": BLUE, "worse": RED, "no measurable difference": GREY}
STYLE = sns.axes_style("whitegrid") | {
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so figures are the same everywhere
    "font.size": 9.5,
    "axes.edgecolor": "#cccccc",
    "grid.color": "#e6e6e6",
    "axes.titlesize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "text.parse_math": False,  # a "$" in a class name is a dollar
}


@contextlib.contextmanager
def _boxes_for_unknown_letters() -> Iterator[None]:
    """Let boxes stand for the letters of a name that the font lacks, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield


def show(fig: Figure, alt: str, more: Mapping[str, Any] | None = None) -> None:
    """Display a figure as a PNG of twice the pixels of its size on the page, with `alt` as its alt text.

    `more` is what else the output holds, by MIME type, for who can show more than a picture.
    """
    drawn, buffer = io.BytesIO(), io.BytesIO()
    with style.context(STYLE, after_reset=True), _boxes_for_unknown_letters():
        fig.savefig(drawn, dpi=2 * DPI)
    # 256 colours are enough for our flat style, and a third of the bytes
    Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    width, height = (round(float(inches) * DPI) for inches in fig.get_size_inches())
    data = {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": alt, **(more or {})}
    display(data, raw=True, metadata={"image/png": {"alt": alt, "width": width, "height": height}})


def _styled(plot: Callable[P, None]) -> Callable[P, None]:
    @wraps(plot)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        # In our style whatever the user has set; some letters are measured while they are placed.
        with style.context(STYLE, after_reset=True), _boxes_for_unknown_letters():
            plot(*args, **kwargs)

    return wrapper


def _figure(title: str, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    # not pyplot's: no global state, nothing to close, never displayed twice
    fig = Figure(figsize=(WIDTH, height))
    axes = fig.subplots(1, columns, squeeze=False)[0]
    fig.suptitle(title, x=0.01, ha="left", color=INK)
    return fig, list(axes)


def _name_cells(ax: Axes, rows: Sequence[object], columns: Sequence[object]) -> None:
    slanted: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(np.arange(len(columns)) + 0.5, [_short(name, 16) for name in columns], **slanted)
    ax.set_yticks(np.arange(len(rows)) + 0.5, [_short(name, 26) for name in rows], rotation=0)
    ax.grid(False)


def _short(name: object, limit: int = 22) -> str:
    """Leave out the middle of a long name: names that begin or end alike stay apart."""
    text = " ".join(str(name).split())
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[len(text) - (limit - 1 - limit // 2) :]}"


def _below(caption: str, across: int) -> str:
    """Shorten the lines of a caption to the width of one of so many images across."""
    return "\n".join(_short(line, 130 // across) for line in caption.split("\n"))


def _listing(values: Mapping[str, str], limit: int = 20) -> str:
    rest = f"; and {len(values) - limit} more" if len(values) > limit else ""
    return "; ".join(f"{name} {value}" for name, value in list(values.items())[:limit]) + rest


@_styled
def image_grid(
    images: ArrayLike,
    title: str,
    columns: int = 10,
    captions: Sequence[str] = (),
    row_names: Sequence[str] = (),
) -> None:
    """Show grey images (n, height, width; 0 to 255, dark is high) row by row, with a caption below each."""
    array = np.asarray(images, dtype=np.float32)
    n, height, width = array.shape
    rows, across = -(-n // columns), max(columns, 3)  # fewer would fill the page with one image
    foot, told = _captioned(captions, across)
    high, wide = height + 2 + foot, width + 2
    canvas = np.full((rows * high, across * wide), np.nan, np.float32)
    labels_width = 0.075 * max((len(_short(name)) for name in row_names), default=0)
    fig, (ax,) = _figure(title, 0.4 + (WIDTH - 0.2 - labels_width) * canvas.shape[0] / canvas.shape[1])
    for i, image in enumerate(array):
        top, left = i // columns * high, i % columns * wide
        canvas[top : top + height, left : left + width] = image
        if captions:
            ax.text(
                left + width / 2, top + height + 0.5, _below(captions[i], across), ha="center", va="top", fontsize=7.5
            )
    ax.imshow(canvas, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_xticks([])
    ax.set_yticks(np.arange(len(row_names)) * high + height / 2, [_short(name) for name in row_names])
    detail = f" Rows: {', '.join(map(str, row_names))}." if len(row_names) else ""
    show(fig, f"{title}: {counted(n, 'image')} in {counted(rows, 'row')}.{detail}{told}")


def _captioned(captions: Sequence[str], across: int) -> tuple[int, str]:
    """Room in pixels that captions need below images, so many across, and what the alternative text says of them."""
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    told = [caption.replace("\n", ", ") for caption in captions[:20]]
    return round(across * 0.55 * lines), f" Captions: {'; '.join(told)}." if told else ""


@_styled
def before_and_after(before: Sequence[ArrayLike], after: ArrayLike, title: str) -> None:
    """Show pictures in colour (112, 112, 3) and below each what became of it: grey (n, 28, 28), black is 0 in both."""
    above = np.concatenate([np.asarray(picture) for picture in before], axis=1)
    below = np.concatenate([np.kron(image, np.ones((4, 4), np.uint8)) for image in np.asarray(after)], axis=1)
    fig, (ax,) = _figure(title, 0.4 + WIDTH * 2 / max(len(before), 4))
    ax.imshow(np.concatenate([above, np.repeat(below[..., None], 3, axis=2)]))
    ax.set_axis_off()
    show(fig, f"{title}: {counted(len(before), 'picture')}, each above what became of it; black is 0 in both rows.")


@_styled
def bars(values: pd.Series[float], label: str, title: str, digits: int = 1, highlight: Sequence[str] = ()) -> None:
    """Draw one horizontal bar an entry of `values`, the first at the top; `label` names axis and unit."""
    fig, (ax,) = _figure(title, 0.9 + 0.27 * len(values))
    colours = [RED if name in highlight else BLUE for name in values.index]
    texts = [f"{value:,.{digits}f}" for value in values]
    container = ax.barh(range(len(values)), values, color=colours, height=0.72)
    ax.set_yticks(range(len(values)), [_short(name, 40) for name in values.index])
    ax.bar_label(container, texts, padding=4, color=INK)
    ax.margins(x=0.1)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.set_xlabel(label)
    entries = dict(zip(map(str, values.index), texts, strict=True))
    show(fig, f"{title}: bars of {label}. {_listing(entries)}.")


@_styled
def estimates(values: Mapping[str, Estimate], label: str, title: str, highlight: Sequence[str] = ()) -> None:
    """Draw one horizontal bar a share with its 95 % interval, the first at the top; `label` names axis and unit (%).

    A share that is not judged (one seed) has a bar without an interval; NaN has none at all.
    """
    fig, (ax,) = _figure(title, 0.9 + 0.27 * len(values))
    told = {}
    for i, (name, value) in enumerate(values.items()):
        ends = np.nan_to_num(100 * np.array([[value.mean - value.low], [value.high - value.mean]]))
        ax.barh(i, np.nan_to_num(100 * value.mean), color=RED if name in highlight else BLUE, height=0.72, alpha=0.85)
        ax.errorbar(100 * value.mean, i, xerr=ends, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5)
        end = 100 * float(np.nanmax([value.mean, value.high, 0]))
        ax.annotate(percent(value.mean, 1), (end, i), (4, 0), textcoords="offset points", va="center", color=INK)
        told[str(name)] = str(value)
    ax.set_yticks(range(len(values)), [_short(name, 40) for name in values])
    ax.margins(x=0.12)
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    ax.set_xlabel(label)
    intervals = "" if all(np.isnan(value.low) for value in values.values()) else " with 95 % intervals"
    show(fig, f"{title}: bars of {label}{intervals}. {_listing(told)}.")


@_styled
def histograms(groups: Mapping[str, ArrayLike], label: str, title: str, bins: int = 32) -> None:
    """Draw the distribution of each group's values as the share of its values in each bin."""
    fig, (ax,) = _figure(title, 3.0)
    arrays = {name: np.asarray(values).ravel() for name, values in groups.items()}
    filled = np.concatenate(list(arrays.values()))
    edges = np.linspace(filled.min(), filled.max(), bins + 1)
    for i, (name, array) in enumerate(arrays.items()):
        share = 100 * np.histogram(array, edges)[0] / max(1, array.size)
        ax.stairs(share, edges, linewidth=1.8, linestyle=LINES[i // 10 % 4], label=name, color=COLOURS[i % 10])
    ax.set(xlabel=label, ylabel="share (%)")
    ax.legend(loc="best")
    medians = {name: f"median {np.median(array):.3g}" for name, array in arrays.items() if array.size}
    show(fig, f"{title}: histogram of {label}. {_listing(medians)}.")


@_styled
def scatter(panels: Mapping[str, NDArray[Any]], labels: ArrayLike, class_names: Sequence[str], title: str) -> None:
    """Draw points in the plane, coloured by class, one panel a projection: ``{name: (n, 2)}``.

    The first twenty classes have a colour and a mark of their own; points of others are left out, which is said.
    """
    fig, axes = _figure(title, 4.4, columns=len(panels))
    classes = np.asarray(labels)
    present = np.unique(classes)
    kinds = present[:20]
    for ax, (name, points) in zip(axes, panels.items(), strict=True):
        for i, kind in enumerate(kinds):
            x, y = points[classes == kind].T
            ax.scatter(x, y, s=7, color=COLOURS[i % 10], marker="os"[i // 10], linewidths=0, alpha=0.7)
            name_shown = f" {_short(class_names[kind])}"  # a space: a name that begins with _ would be left out
            ax.scatter([], [], s=28, color=COLOURS[i % 10], marker="os"[i // 10], label=name_shown)
        ax.set(xticks=[], yticks=[], xlabel=name)
    longest = max(len(_short(class_names[kind])) for kind in kinds)
    first = f"the first {len(kinds)} of {len(present)} classes" if len(kinds) < len(present) else ""
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5 if longest <= 12 else 3, title=first
    )
    drawn, names = int(np.isin(classes, kinds).sum()), ", ".join(class_names[kind] for kind in kinds)
    show(fig, f"{title}: {drawn} images as points, by {' and '.join(panels)}; {first or 'classes'} {names}.")


@_styled
def lines(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]], labels: tuple[str, str], title: str, ends: str = "ends"
) -> None:
    """Draw one line a group, from its x and its y values; `labels` name the axes and `ends` the last point in words."""
    fig, (ax,) = _figure(title, 3.4)
    told = {}
    for i, (name, (x, y)) in enumerate(groups.items()):
        across, up = np.asarray(x, float), np.asarray(y, float)
        few: dict[str, Any] = {"marker": MARKS[i % 6], "ms": 4} if len(across) <= 20 else {}
        ax.plot(across, up, LINES[i % 4], color=COLOURS[i % 10], label=_short(name, 40), **few)
        told[str(name)] = f"begins at {up[0]:.1f} and {ends} at {up[-1]:.1f}"
    ax.set(xlabel=labels[0], ylabel=labels[1])
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    show(fig, f"{title}: {labels[1]} over {labels[0]}. {_listing(told)}.")


@_styled
def curves(groups: Mapping[str, Sequence[Sequence[Mapping[str, float]]]], title: str) -> None:
    """Draw loss and accuracy over epochs; `groups` maps a name to the histories of its runs.

    Solid lines are the validation images, dashed ones the training images: thick the mean over runs,
    thin each run. Every ten groups have a mark of their own.
    """
    fig, axes = _figure(title, 3.4, columns=2)
    told = {}
    for i, (name, histories) in enumerate(groups.items()):
        colour, mark = COLOURS[i % 10], MARKS[i // 10 % 6]
        runs = [pd.DataFrame(list(history)).set_index("epoch").astype(float) for history in histories]
        # without validation images their columns are empty
        mean = pd.concat(runs).groupby(level="epoch").mean().dropna(axis="columns", how="all")
        for part, line in (("validation", "-"), ("train", "--")):
            if f"{part}_loss" not in mean:
                continue
            text = f"{name}, {part}" if len(groups) > 1 else part
            shade = colour if len(groups) > 1 or part == "validation" else ORANGE
            for ax, quantity, scale in zip(axes, ("loss", "accuracy"), (1, 100), strict=True):
                column = f"{part}_{quantity}"
                ax.plot(mean.index, scale * mean[column], line, color=shade, label=text, marker=mark, ms=3)
                for run in runs if len(runs) > 1 else ():
                    ax.plot(run.index, scale * run[column], line, color=shade, lw=0.7, alpha=0.5)
        last = mean.iloc[-1].filter(like="accuracy")
        parts = {"validation_accuracy": "validation", "train_accuracy": "training"}
        ends = [f"{100 * last[key]:.1f} % of the {word} images" for key, word in parts.items() if key in last]
        told[name] = f"ends at {' and '.join(ends)}"
    for ax, label in zip(axes, ("loss (nats)", "accuracy (%)"), strict=True):
        ax.set(xlabel="epoch", ylabel=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    show(fig, f"{title}: loss and accuracy over epochs. {_listing(told)}.")


@_styled
def confusion_matrix(
    matrix: NDArray[np.int64],
    class_names: Sequence[str],
    title: str,
    turned: bool = False,
    right: str = "",
    more: Mapping[str, Any] | None = None,
) -> None:
    """Draw counts (truth in rows; if `turned`, in columns), coloured by mistakes; the diagonal stays grey.

    `right` says how many are right, if that is not the sum of the diagonal; `more` as in `show`.
    """
    n = len(class_names)
    diagonal = np.eye(n, dtype=bool)
    mistakes = np.where(diagonal, 0, matrix)
    fig, (ax,) = _figure(title, 1.5 + min(0.5 * n, 7))
    shown, axes = mistakes.T if turned else mistakes, ("predicted class", "true class")
    sns.heatmap(
        shown, mask=diagonal, cmap="YlOrBr", vmin=0, vmax=max(1, int(mistakes.max())), linewidths=0.6,
        annot=np.where(shown > 0, shown.astype(str), "") if n <= 20 else None, fmt="", ax=ax,
        cbar_kws={"label": "mistakes (images)"}, annot_kws={"size": 8.5},
    )  # fmt: skip
    for i in range(n if n <= 20 else 0):
        ax.text(i + 0.5, i + 0.5, str(matrix[i, i]), ha="center", va="center", color=GREY, fontsize=8.5)
    _name_cells(ax, class_names, class_names)
    ax.set(xlabel=axes[turned], ylabel=axes[not turned])
    worst = np.dstack(np.unravel_index(np.argsort(-mistakes, axis=None)[:3], mistakes.shape))[0]
    told = {f"{class_names[i]} taken for {class_names[j]}": str(mistakes[i, j]) for i, j in worst if mistakes[i, j]}
    tied = (mistakes >= max(1, min(mistakes[i, j] for i, j in worst))).sum() > len(told)  # others are as frequent
    detail = f" {'Among the most' if tied else 'Most'} frequent mistakes: {_listing(told)}." if told else ""
    right = right or f"{np.trace(matrix)} of {matrix.sum()} right"
    show(fig, f"{title}: confusion matrix of {n} classes, {right}.{detail}", more)


def mistakes(found: Mistakes, title: str, turned: bool = False) -> None:
    """Draw the confusion matrix of some runs; in a report it is a table whose cells open their images."""
    content = found.content()
    more = {MISTAKES: {**content, "title": title, "turned": turned}} if content else None
    confusion_matrix(found.counts, found.data.class_names, title, turned, found.right, more)


@_styled
def intervals(
    table: pd.DataFrame,
    title: str,
    label: str = "change in accuracy (points)",
    better: str = "better",
    worse: str = "worse",
) -> None:
    """Draw one difference with its interval a row; its colour is what survives the correction for many comparisons.

    `table` is indexed by name and has difference, low, high (fractions) and verdict. A hollow mark is an interval
    that leaves out zero by itself and does not survive. Small dots are the single seeds (``table.attrs["each"]``).
    `better` and `worse` are what a difference above and below zero is called.
    """
    words = {verdict: {"better": better, "worse": worse}.get(verdict, verdict) for verdict in VERDICTS}
    fig, (ax,) = _figure(title, 1.2 + 0.3 * len(table))
    told = {}
    each = table.attrs.get("each", {})
    for i, (name, row) in enumerate(table.iterrows()):
        value, low, high = (100 * float(row[column]) for column in ("difference", "low", "high"))
        verdict = str(row["verdict"])
        colour = VERDICTS.get(verdict, GREY)  # that of one seed, which cannot be judged
        face = "white" if lost_by_correction(verdict, low, high) else colour
        error = [[np.nan_to_num(value - low)], [np.nan_to_num(high - value)]]  # none where one seed cannot be judged
        ax.errorbar(value, i, xerr=error, fmt="o", color=colour, markerfacecolor=face, zorder=3)
        dots = [100 * seed for seed in each.get(name, ())]
        ax.scatter(dots, [i + 0.28] * len(dots), s=9, color=INK, alpha=0.6, linewidths=0, zorder=2)
        change = number(row["difference"], 2, signed=True)
        span = f"{change} ({interval(row['low'], row['high'], signed=True)}), {words.get(verdict)}"
        told[str(name)] = f"{change}, {CANNOT_BE_JUDGED}" if np.isnan(low) else span
    ax.axvline(0, color=INK, lw=1)
    ax.set_yticks(range(len(table)), [_short(name, 40) for name in table.index])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel(label)
    ax.grid(False, axis="y")
    ax.legend([ax.plot([], [], "o", color=c)[0] for c in VERDICTS.values()], words.values(),
              loc="lower left", bbox_to_anchor=(0, 1), ncols=3)  # fmt: skip
    judged = "" if table["low"].isna().all() else " with 95 % intervals, verdicts corrected for their number"
    show(fig, f"{title}: {label}{judged}. {_listing(told)}.")


@_styled
def heatmap(values: pd.DataFrame, label: str, title: str, digits: int = 1, signed: bool = True) -> None:
    """Draw a table of numbers: blue above 0, white at 0 and, of changes (`signed`), red below; NaN is left empty."""
    rows, columns = values.shape
    fig, (ax,) = _figure(title, 1.6 + 0.36 * rows)
    limit = max(float(np.nanmax(np.abs(values.to_numpy(float)), initial=0)), 1e-9)
    lowest, colours = (-limit, "RdBu") if signed else (0.0, "Blues")
    texts = values.astype(float).map(lambda value: number(value / 100, digits, signed))
    sns.heatmap(
        values.astype(float), cmap=colours, vmin=lowest, vmax=limit, annot=texts if columns <= 16 else False, fmt="",
        linewidths=0.6, ax=ax, cbar_kws={"label": label}, annot_kws={"size": 8.5},
    )  # fmt: skip
    _name_cells(ax, list(values.index), list(values.columns))
    ax.set(xlabel="", ylabel="")
    cells = [
        (float(value), f"{number(float(value) / 100, digits, signed)} ({row}, {column})")
        for row, entries in values.iterrows()
        for column, value in entries.dropna().items()
    ]
    told = f" lowest {min(cells)[1]}; highest {max(cells)[1]}." if cells else " No cell has a number."
    show(fig, f"{title}: {rows} by {columns} table of {label}.{told}")


@_styled
def reliability_diagram(tables: Mapping[str, pd.DataFrame], title: str) -> None:
    """Draw accuracy against confidence for tables of `metrics.reliability`; the honest lie on the diagonal."""
    fig, (ax,) = _figure(title, 4.2)
    ax.plot([0, 100], [0, 100], color=GREY, lw=1, ls=":", label="honest")
    told = {}
    for i, (name, table) in enumerate(tables.items()):
        colour, line = COLOURS[i % 10], LINES[i // 10 % 4]
        size = 12 + 150 * table["count"] / table["count"].sum()
        ax.plot(100 * table["confidence"], 100 * table["accuracy"], line, color=colour, label=name)
        ax.scatter(100 * table["confidence"], 100 * table["accuracy"], s=size, color=colour, zorder=3)
        gap = 100 * np.average(table["confidence"] - table["accuracy"], weights=table["count"])
        told[name] = f"confidence less accuracy {gap:+.1f} points on average".replace("-", "−")
    ax.set(xlabel="confidence (%)", ylabel="accuracy (%)")
    ax.legend(loc="upper left")
    show(fig, f"{title}: accuracy against confidence, larger dots hold more images. {_listing(told)}.")


@_styled
def pareto(table: pd.DataFrame, costs: Mapping[str, str], title: str) -> None:
    """Draw accuracy against each cost (column: axis label) on log axes, with the Pareto front as a line.

    `table` is indexed by name and has accuracy, low, high (fractions) and the cost columns.
    """
    fig, axes = _figure(title, 3.9, columns=len(costs))
    told = {}
    for ax, (column, label) in zip(axes, costs.items(), strict=True):
        for i, (name, row) in enumerate(table.iterrows()):
            value, low, high = (100 * float(row[c]) for c in ("accuracy", "low", "high"))
            ax.errorbar(row[column], value, yerr=[[value - low], [high - value]], label=_short(name, 30),
                        fmt="osD^vPX"[i % 7], color=COLOURS[i % 10], ms=7, elinewidth=1)  # fmt: skip
        front = table[pareto_front(table[column], table["accuracy"])].sort_values(column)
        ax.step(front[column], 100 * front["accuracy"], where="post", color=GREY, lw=1.2, zorder=0)
        ax.set(xscale="log", xlabel=label)
        wide = table[column].max() > 30 * table[column].min()
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=6))
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        ax.xaxis.set_minor_formatter("")
        ax.margins(x=0.12)
        told[f"Front for {label}:"] = ", ".join(map(str, front.index))
    axes[0].set_ylabel("test accuracy (%)")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    show(fig, f"{title}: test accuracy of {counted(len(table), 'model')} against cost. {_listing(told)}.")


@_styled
def learning_rates(histories: Mapping[str, Sequence[Mapping[str, float]]], title: str) -> None:
    """Draw the learning rate at the beginning of each epoch; `histories` maps a name to the rows of a run's epochs."""
    fig, (ax,) = _figure(title, 3.0)
    told = {}
    for i, (name, rows) in enumerate(histories.items()):
        epochs, rates = [row["epoch"] for row in rows], [row["lr"] for row in rows]
        # rates may be the same: the first line alone is solid, and its marks stand out behind those of others
        ax.plot(epochs, rates, LINES[1 + (i - 1) % 3] if i else "-", marker=MARKS[i % 6], color=COLOURS[i % 10],
                ms=6 if i else 9, alpha=0.8, label=_short(name))  # fmt: skip
        told[name] = f"from {rates[0]:.2g} to {rates[-1]:.2g}"
    ax.set(xlabel="epoch", ylabel="learning rate")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    show(fig, f"{title}: learning rate at the beginning of each epoch. {_listing(told)}.")


def pairs(table: pd.DataFrame, order: Sequence[str], title: str) -> None:
    """Draw the differences between every two groups: the row's accuracy less the column's, in points.

    `table` is that of `metrics.compare_pairs`, `order` its names, from top to bottom. A cell is empty where the
    difference is not measurable; where no difference is, there is no figure.
    """
    square = pd.DataFrame(np.nan, index=list(order), columns=list(order))
    measured = table[table["verdict"].isin(["better", "worse"])]
    for (first, second), difference in zip(measured.index, 100 * measured["difference"], strict=True):
        square.loc[first, second], square.loc[second, first] = difference, -difference
    if len(measured):
        heatmap(square, "row less column (points)", title)


@_styled
def panels(tables: Mapping[str, pd.DataFrame], label: str, title: str, columns: int = 4) -> None:
    """Draw small multiples: a panel a table, its index across, a line a column (shares); all have the same `label`.

    The name of a table's index is the unit that stands below its panel. The legend has the last place.
    """
    rows = -(-(len(tables) + 1) // columns)
    fig = Figure(figsize=(WIDTH, 0.5 + 1.9 * rows))
    fig.suptitle(title, x=0.01, ha="left", color=INK)
    grid = fig.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    told = {}
    for place, (ax, (name, table)) in enumerate(zip(grid, tables.items(), strict=False)):
        for i, column in enumerate(table):
            ax.plot(table.index, 100 * table[column], LINES[i % len(LINES)], marker=MARKS[i % len(MARKS)], ms=3.5,
                    lw=1.4, color=COLOURS[i % 10], label=_short(column, 26))  # fmt: skip
        ax.set(title=_short(name), xlabel=table.index.name, ylabel=label if place % columns == 0 else "")
        ends = ", ".join(f"{column} {percent(value, 1)}" for column, value in table.iloc[-1].items())
        told[str(name)] = f"at {table.index[-1]:g} {table.index.name}: {ends}"
    for ax in grid[len(tables) :]:
        ax.set_axis_off()
    grid[-1].legend(*grid[0].get_legend_handles_labels(), loc="center", fontsize=8)
    show(fig, f"{title}: {label} by strength, in {counted(len(tables), 'panel')}. {_listing(told)}.")


@_styled
def attributions(
    images: ArrayLike, maps: ArrayLike, pair: Sequence[str], title: str, captions: Sequence[str] = ()
) -> None:
    """Show images (n, height, width), and below each which of its pixels speak for which class of a `pair`.

    `maps` (n, height, width) is above 0 where a pixel speaks for the first class (blue), below 0 where it speaks for
    the second (orange); colours are as strong as the pixel counts, on one scale for all images.
    """
    pixels, values = np.asarray(images, np.float64), np.asarray(maps, np.float64)
    n, height, width = pixels.shape
    limit = max(float(np.quantile(np.abs(values), 0.995)), 1e-12)
    strength = np.clip(np.abs(values) / limit, 0, 1)[..., None]
    sides = np.array([to_rgb(colour) for colour in (BLUE, ORANGE)])
    colours = sides[(values < 0).astype(int)]
    above = np.repeat(1 - pixels[..., None] / 255, 3, axis=-1)
    below = (1 - strength) * (1 - 0.25 * pixels[..., None] / 255) + strength * colours
    across = max(n, 6)  # fewer would fill the page with one image
    gap, (foot, told) = 2, _captioned(captions, across)
    canvas = np.ones((2 * height + gap + foot, across * (width + gap), 3))
    fig, (ax,) = _figure(title, 0.6 + (WIDTH - 0.2) * canvas.shape[0] / canvas.shape[1])
    for i in range(n):
        left = i * (width + gap)
        canvas[:height, left : left + width] = above[i]
        canvas[height + gap : 2 * height + gap, left : left + width] = below[i]
        if captions:
            ax.text(left + width / 2, 2 * height + gap + 0.5, _below(captions[i], across), ha="center", va="top",
                    fontsize=7.5)  # fmt: skip
    ax.imshow(canvas, interpolation="nearest")
    ax.set_axis_off()
    marks = [ax.plot([], [], "s", color=colour)[0] for colour in (BLUE, ORANGE)]
    ax.legend(marks, [f"for {_short(name)}" for name in pair], loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    show(
        fig,
        f"{title}: {counted(n, 'image')}, each above its pixels, blue where they speak for {pair[0]} and orange where "
        f"they speak for {pair[1]}.{told}",
    )


def __dir__() -> list[str]:
    return public_names(globals())
