"""`explore`: the mistakes of stored runs in JupyterLab, of one run alone or of two side by side."""

from __future__ import annotations

import base64
import contextlib
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from ipywidgets import HTML, Dropdown, IntRangeSlider, Layout, Select, VBox
from numpy.typing import NDArray
from PIL import Image

from fmnist_utils.analysis.metrics import Mistakes
from fmnist_utils.basics.errors import UserError, brief
from fmnist_utils.basics.text import counted, percent
from fmnist_utils.data.dataset import Dataset
from fmnist_utils.runs.groups import Group, Groups
from fmnist_utils.runs.mistakes import find, tested_on
from fmnist_utils.runs.record import Damaged
from fmnist_utils.runs.store import Store
from fmnist_utils.training.experiment import Experiment
from fmnist_utils.training.run import Run

MOST = 200  # pictures at a time
ALONE = "What does A get wrong?"
# Question -> whether A and B are wrong about the images that answer it.
QUESTIONS = {
    ALONE: (True, None),
    "What does B repair?": (True, False),
    "What does B break?": (False, True),
    "What do both get wrong?": (True, True),
}


def explore(runs: Run | Iterable[Run] | Groups | str | Path, data: Dataset | None = None) -> Explorer:
    """Look at the test images that runs get wrong.

    Parameters
    ----------
    runs : a run, or several, such as a group or groups; or a reports folder, for all of its finished runs on the same
        data
    data : the data set that they were tested on; loaded if left out

    Returns
    -------
    Explorer
        A widget, which JupyterLab shows when it is the last line of a cell.

    Raises
    ------
    UserError
        There are no runs, or one was tested on other images than those of `data`.
    """
    if not isinstance(data, Dataset | None):
        raise UserError(f"explore: {brief(data)} is no data set: give what load_dataset returns, or leave it out")
    if isinstance(runs, str | Path):
        records = Store(runs).records()
        if not records:
            raise UserError(f"no finished runs in {runs}")
        data = data or _commonest(records, runs)
        same = [record for record in records if record["provenance"]["dataset_checksum"] == data.checksum]
        if not same:
            raise UserError(f"no finished run in {runs} was tested on the images of {data.name}")
        if others := len(records) - len(same):
            print(f"Left out, {counted(others, 'run')}: tested on other images than those of {data.name}", flush=True)
        store = Store(runs)
        best = sorted(((_accuracy(record, store), record) for record in same), key=lambda entry: -entry[0])
        return Explorer(
            {
                _name(record["experiment"], accuracy, record["key"]): partial(find, record["key"], runs)
                for accuracy, record in best
            },
            data,
        )
    given = [runs] if isinstance(runs, Run) else runs.runs if isinstance(runs, Groups) else runs
    runs = list(given) if isinstance(given, Iterable) else [given]
    if not runs:
        raise UserError("explore: there are no runs to look at")
    if strange := [item for item in runs if not isinstance(item, Run)]:
        raise UserError(f"explore takes runs, groups or a reports folder, not {brief(strange[0])}")
    data = tested_on(runs[0]) if data is None else data
    for run in runs:
        run.check_data(data)
    named = {_name(run.experiment.model_dump(), run.test_accuracy, run.key): run for run in runs}
    return Explorer({name: partial(_same, run) for name, run in named.items()}, data)


def _commonest(records: Sequence[Mapping[str, Any]], out: str | Path) -> Dataset:
    """Load the data set that most of the runs were tested on, of those that are here and have a run that can be read.

    Raises
    ------
    UserError
        There is none; it says why not the first that was tried.
    """
    names = [(record["provenance"]["dataset_checksum"], record["experiment"]["dataset"]) for record in records]
    problems = list[UserError]()
    for name, _ in Counter(names).most_common():
        for key in (record["key"] for record, its in zip(records, names, strict=True) if its == name):
            try:
                run = find(key, out)
            except UserError as error:  # damaged, or of a model that is gone: another one may do
                problems.append(error)
                continue
            try:
                return tested_on(run)
            except UserError as error:  # as for every run on these images
                problems.append(error)
                break
    raise problems[0]


def _accuracy(record: Mapping[str, Any], store: Store) -> float:
    """Count the accuracy of a run, as everywhere; one that cannot be read says so when it is chosen."""
    try:
        return store.check(record["key"]).test_accuracy
    except (UserError, Damaged, OSError):
        return float(record["test_accuracy"])


def _name(experiment: Mapping[str, Any], accuracy: float, key: str) -> str:
    """Tell a run apart from others of its model: its accuracy, and how it was trained."""
    budget = counted(experiment["epochs"], "epoch")
    if images := experiment["train_size"]:
        budget += f" of {images:,} images"
    how = ""
    with contextlib.suppress(UserError):  # of a model that is gone: it says so when it is chosen
        how = f", {Experiment(**experiment).recipe}"
    return f"{experiment['model']}, {budget}, seed {experiment['seed']}: {percent(accuracy)} ({key}){how}"


def _same(run: Run) -> Run:
    return run


class Explorer(VBox):
    """Chooses runs, a question and a cell of the confusion matrix, and shows the images.

    Attributes
    ----------
    first, second : the runs A and B; B may be none
    question : one of `QUESTIONS`
    cells : pairs of classes, the commonest confusion first
    confidence : range in percent, of the wrong answers
    found : indices of all test images that were asked for, the surest mistakes first
    """

    def __init__(self, runs: Mapping[str, Callable[[], Run]], data: Dataset) -> None:
        wide = Layout(width="100%", max_width="46rem")
        self._runs, self._data = runs, data
        self._mistakes: Mistakes | None = None  # of the chosen runs, where they can be read
        self.first = Dropdown(options=list(runs), description="A", layout=wide)
        self.second = Dropdown(options=[("none", ""), *((name, name) for name in runs)], description="B", layout=wide)
        self.question = Dropdown(options=[ALONE], description="Question", layout=wide)
        self.cells = Select(description="Confusion", rows=10, layout=wide)
        self.confidence = IntRangeSlider(value=(0, 100), min=0, max=100, description="Confidence", layout=wide)
        self.found: NDArray[np.int64] = np.empty(0, np.int64)
        self._status, self._pictures = HTML(), HTML()
        super().__init__(
            [self.first, self.second, self.question, self.cells, self.confidence, self._status, self._pictures]
        )
        for widget, then in (
            (self.first, self._read), (self.second, self._read), (self.question, self._ask),
            (self.cells, self._draw), (self.confidence, self._draw),
        ):  # fmt: skip
            widget.observe(lambda _, then=then: then(), "value")
        self._read()

    def _read(self) -> None:
        """Read the chosen runs."""
        try:
            chosen = [self._runs[name]() for name in (self.first.value, self.second.value) if name]
            self._mistakes = Group(chosen).mistakes(self._data)
        except UserError as error:  # a stored one may be damaged, or of a model that is gone
            self._mistakes, self.found = None, self.found[:0]
            self.cells.options = ()
            self._pictures.value = ""
            self._status.value = escape(str(error))
            return
        options = list(QUESTIONS) if len(chosen) > 1 else [ALONE]
        if self.question.options != tuple(options):
            self.question.options = options  # chooses the first, and so asks it
        self._ask()

    def _ask(self) -> None:
        """Find the images that answer the question, and count them by label and wrong answer."""
        if (mistakes := self._mistakes) is None:
            return
        first, second = QUESTIONS[self.question.value]
        wrong = mistakes.wrong
        asked = wrong[0] == first
        if second is not None:
            asked = asked & (wrong[1] == second)
        self._asked = np.flatnonzero(asked)
        self._speaker = 0 if first else 1  # whose wrong answers these are
        labels, answers = mistakes.labels[asked], mistakes.predictions[self._speaker][asked]
        pairs, counts = np.unique(np.stack([labels, answers], 1), axis=0, return_counts=True)
        names = self._data.class_names
        options: list[tuple[str, tuple[int, int] | None]] = [(f"all: {counted(len(labels), 'image')}", None)]
        for i in np.argsort(-counts, kind="stable"):
            true, predicted = map(int, pairs[i])
            said = f"{names[true]} predicted as {names[predicted]}: {counted(int(counts[i]), 'image')}"
            options.append((said, (true, predicted)))
        self.cells.options = options
        self._draw()

    def _draw(self) -> None:
        """Show the images of the chosen cell."""
        if (mistakes := self._mistakes) is None:
            return
        images = self._asked
        answers, confidence = mistakes.predictions[self._speaker], 100 * mistakes.confidence[self._speaker]
        if self.cells.value is not None:
            true, predicted = self.cells.value
            images = images[(mistakes.labels[images] == true) & (answers[images] == predicted)]
        low, high = self.confidence.value
        images = images[(confidence[images].round() >= low) & (confidence[images].round() <= high)]
        self.found = images[np.argsort(-confidence[images], kind="stable")]
        rest = f", the surest {MOST} of them below" if len(self.found) > MOST else ", the surest first"
        self._status.value = f"{counted(len(self.found), 'image')}{rest if len(self.found) > 1 else ''}"
        shown = "".join(self._figure(mistakes, image) for image in self.found[:MOST])
        self._pictures.value = f'<div style="display:flex;flex-wrap:wrap;gap:12px;line-height:1.35">{shown}</div>'

    def _figure(self, mistakes: Mistakes, image: int) -> str:
        names = self._data.class_names
        said = [
            f"{run}: {names[predictions[image]]}, {percent(confidence[image], 0)}"
            for run, predictions, confidence in zip("AB", mistakes.predictions, mistakes.confidence, strict=False)
        ]
        label = names[mistakes.labels[image]]
        lines = "<br>".join(map(escape, [f"{image} {label}", *said]))
        style = "width:84px;height:84px;image-rendering:pixelated"
        picture = f'<img src="{self._address(image)}" alt="{escape(label)}" style="{style}">'
        return f'<div style="width:9rem;overflow-wrap:anywhere" data-image="{image}">{picture}<br>{lines}</div>'

    def _address(self, image: int) -> str:
        """Address of a test image, dark on white, that needs no request."""
        buffer = io.BytesIO()
        Image.fromarray(255 - self._data.test_images[image].cpu().numpy()).save(buffer, "png")
        return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
