"""Notebooks and profiles of one's own, working copies for JupyterLab, and the form in which notebooks are kept."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fmnist_utils.basics import interrupt
from fmnist_utils.basics.errors import UserError, bare, brief
from fmnist_utils.basics.system import ROOT, write_whole
from fmnist_utils.report import parameters
from fmnist_utils.report.parameters import shown
from fmnist_utils.report.series import NOTEBOOKS, PARAMS, check_profile, notebooks_in, profiles_in

LAB = ROOT / "lab"  # working copies, which git ignores
LAB_OUT = "reports/lab"
OUT = re.compile(r"""^(out *: *str *= *\(? *)(?:"[^"]*"|'[^']*')""", re.M)  # the parameter
MAP = re.compile(r"^\*The series:\*.*$", re.M)  # a line with links to all notebooks
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def tidy(content: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook as it is committed: without outputs, and without what JupyterLab adds of this machine."""
    cells = [{**cell, "metadata": {"tags": tags} if (tags := cell["metadata"].get("tags")) else {}}
             for cell in content["cells"]]  # fmt: skip
    for cell in cells:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return {**content, "cells": cells, "metadata": {"kernelspec": KERNEL, "language_info": {"name": "python"}}}


def pre_save(model: dict[str, Any], **_: Any) -> None:
    """Tidy a notebook that JupyterLab is about to save; a hook of its contents manager."""
    if model["type"] == "notebook":
        model["content"] = nbformat.from_dict(tidy(model["content"]))


def tidy_files(notebooks: Iterable[Path], series: Path = NOTEBOOKS) -> list[Path]:
    """Write notebooks as they are committed, byte for byte as Jupyter saves them; returns those that were not so.

    Those of the folder `series` name all that there are in it in their maps, and no others.
    """
    changed, there, labels = [], list(series.glob("[0-9][0-9]_*.ipynb")), dict[str, str]()
    for path in notebooks:
        content = tidy(parameters.load_notebook(path))
        if path in there:
            labels = labels or {other.stem: _label(parameters.load_notebook(other), other) for other in there}
            _set_map(content["cells"], labels, path.stem)
        text = _written(content, path)
        if text != path.read_text("utf-8"):
            _write(path, text)
            changed.append(path)
    return changed


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda part: part.write_text(text, "utf-8", newline="\n"))


def _written(content: Mapping[str, Any], path: Path) -> str:
    """Text of the notebook for `path`; UserError if Jupyter could not read it."""
    notebook = nbformat.from_dict(content)
    _give_ids(notebook["cells"], content["nbformat_minor"])
    try:
        nbformat.validate(notebook)
        text = nbformat.writes(notebook).rstrip("\n") + "\n"
        text.encode()
    except (nbformat.ValidationError, ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{shown(path)} is not a Jupyter notebook: {brief(str(error).partition(chr(10))[0])}") from None
    return text


def _give_ids(cells: list[dict[str, Any]], minor: int) -> None:
    """Give cells without an id of their own one; in a notebook of before 4.5 none may have any."""
    taken, seen = [cell.get("id") for cell in cells], list[object]()
    free = (name for i in itertools.count() if (name := f"part-{i}") not in taken)
    for cell in cells:
        if minor < 5:
            cell.pop("id", None)
        elif cell.get("id") in [None, *seen]:
            cell["id"] = next(free)
        seen.append(cell.get("id"))


def working_copies(notebooks: Path = NOTEBOOKS, lab: Path = LAB) -> Path:
    """Copy the series to where anything may be tried; copies that are there stay as they are.

    A copy's runs go to a store of its own, so that nothing that is tried changes the series or its reports.

    Returns
    -------
    The first copy.
    """
    series = notebooks_in(notebooks)
    lab.mkdir(exist_ok=True)
    for notebook in series:
        if not (lab / notebook.name).exists():
            content = parameters.load_notebook(notebook)
            for cell in content["cells"]:
                if "parameters" in parameters.tags(cell):
                    cell["source"] = OUT.sub(rf'\1"{LAB_OUT}"', cell["source"])
            _write(lab / notebook.name, _written(content, notebook))
    return lab / series[0].name


def to_open(edit: bool) -> Path:
    """Return the notebook to open first: a working copy, or (`edit`) the series' own."""
    if edit:
        return notebooks_in(NOTEBOOKS)[0]
    first = working_copies()
    print(f"{shown(LAB)}/ holds working copies, with runs in {LAB_OUT}; delete one to get it anew. ", end="")
    print("EDIT=1, or --edit: the series itself")
    return first


def make_profile(name: str, like: str, params: Path = PARAMS) -> Path:
    """Make the profile `name`, a copy of the profile `like` with a reports folder of its own."""
    check_profile(like, params)
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise UserError(f"profile {brief(name)} is not allowed: write letters, digits, - and _, such as mine")
    if (params / name).exists():
        raise UserError(f"{shown(params / name)} is there already: choose another name")
    files = sorted((params / like).glob("*.yaml"))
    texts = [re.sub(r"^out:.*$", f"out: reports/{name}", file.read_text("utf-8"), flags=re.M) for file in files]
    # Made under a name that is no profile's, so that a profile is there whole or not at all.
    making = params / f".{name}.making"
    shutil.rmtree(making, ignore_errors=True)  # which a killed process left
    with interrupt.undisturbed():
        try:
            for file, text in zip(files, texts, strict=True):
                _write(making / file.name, text)
            making.rename(params / name)
        except OSError as error:
            shutil.rmtree(making, ignore_errors=True)
            place = str(error.filename).replace(making.name, name)
            raise OSError(error.errno, error.strerror, place) from error
    return params / name


def make_notebook(name: str, notebooks: Path = NOTEBOOKS, params: Path = PARAMS) -> Path:
    """Make a notebook to begin with, its params for every profile, and its place in the map of the others.

    Parameters
    ----------
    name : a number that no notebook has and a few words, "07_mine"
    """
    series = notebooks_in(notebooks)
    taken = {int(path.name[:2]) for path in series}
    free = max(taken) + 1 if max(taken) < 99 else next((n for n in range(1, 100) if n not in taken), 99)
    if not re.fullmatch(r"[0-9]{2}_[a-z0-9]+(_[a-z0-9]+)*", name):
        raise UserError(f"NAME={bare(name, 60)} is not allowed: write it as {free:02d}_mine")
    if len(name) > LONGEST_NAME:
        raise UserError(f"NAME={bare(name, 60)} has {len(name)} letters: {LONGEST_NAME} are allowed")
    if same := [path.stem for path in series if path.name[:2] == name[:2]]:
        raise UserError(f"NAME={name}: {same[0]} has that number already: write {free:02d}_{name[3:]}")
    contents = {path: parameters.load_notebook(path) for path in series}
    labels = {path.stem: _label(content, path) for path, content in contents.items()}
    labels[name] = f"{name[:2]} {name[3:].replace('_', ' ')}"
    cells = [
        new_markdown_cell(text, id=f"part-{number}")
        if text.startswith("#")
        else new_code_cell(text, id=f"part-{number}")
        for number, text in enumerate(
            map(str.strip, TEMPLATE.format(words=name[3:].replace("_", " ")).split("\n---\n"))
        )
    ]
    cells[1]["metadata"]["tags"] = ["parameters"]
    target = notebooks / f"{name}.ipynb"
    contents[target] = tidy(new_notebook(cells=cells))
    for path, content in contents.items():
        _set_map(content["cells"], labels, path.stem)
    models = {profile: params / profile / "02_baseline.yaml" for profile in profiles_in(params)}
    values = {
        profile: {"out": f"reports/{profile}"} | (parameters.load(model) if model.exists() else {})
        for profile, model in models.items()
    }
    texts = {path: _written(content, path) for path, content in contents.items()}
    declared = re.findall(r"^(\w+):", contents[target]["cells"][1]["source"], re.M)
    given = {
        params / profile / f"{name}.yaml": "".join(
            f"{key}: {json.dumps(value)}\n" for key, value in found.items() if key in declared
        )
        for profile, found in values.items()
    }
    with interrupt.undisturbed():  # only now that all has been read
        # The notebook after its params: whoever is killed in between makes it by the same command. Its place in the
        # maps last, as these link to it.
        new = {**given, target: texts.pop(target)}
        try:
            for path, text in new.items():
                _write(path, text)
        except OSError:  # such as a full disk: then none of them
            for path in new:
                path.unlink(missing_ok=True)
            raise
        for path, text in texts.items():
            _write(path, text)
    return target


def _label(content: Mapping[str, Any], notebook: Path) -> str:
    """Short name of a notebook, in bold in its own map of the series: "02 the baseline"."""
    first = "".join(cell["source"] for cell in content["cells"][:1])
    found = re.search(r"^\*The series:\*.*?\*\*(.+?)\*\*", first, re.M)
    return found[1] if found else notebook.stem.replace("_", " ")


def _set_map(cells: Iterable[dict[str, Any]], labels: Mapping[str, str], here: str) -> None:
    """Write the line of links to all notebooks of the series but the one that it stands in."""
    parts = [f"**{label}**" if name == here else f"[{label}]({name}.ipynb)" for name, label in sorted(labels.items())]
    line = f"*The series:* {' · '.join(parts)}"
    for cell in cells:
        cell["source"] = MAP.sub(lambda _: line, cell["source"])  # (A label may have backslashes.)


LONGEST_NAME = 60  # letters of a notebook's name

# A notebook to begin with; its parts stand between lines of ---, prose begins with #.
TEMPLATE = """
# What does {words} change?

*The series:*

Say here in a few sentences what is asked and why. This notebook compares two trainings that differ in one thing: put
your own in the place of the second one.
---
dataset: str = "fashion-mnist"  # name of a data set, or a folder of IDX files or class-named image folders
data_dir: str = ""  # where the files of a named data set are; empty for the usual places
out: str = "reports/quick"  # reports folder; its runs are read and kept there
device: str = "auto"  # auto, cuda, mps or cpu
model: str = "cnn-small"  # a name from `python -m fmnist_utils models`
model_options: dict = {{}}  # keyword arguments of the model's class, such as {{width: 32}}
epochs: int = 2  # passes over the training images
seeds: int = 3  # trainings of each, with seeds 0, 1, …
train_size: int = 5000  # training images; 0 for all that validation leaves
---
from fmnist_utils import Experiment, compare, plots, readable, run_groups, say, sentences, summary, verdicts
---
## What is compared?

An experiment says what to train, as data; a copy of it with one field changed is the other one. Every training is
repeated with several seeds, and a run that the store has is read instead of trained again.
---
first = Experiment(
    dataset=dataset, data_dir=data_dir, model=model, model_options=model_options, epochs=epochs, train_size=train_size,
)
groups = run_groups({{"as it is": first, "flipped": first.but(augmentation="flip")}}, seeds, out=out, device=device)
groups
---
## How do they learn?

The curves show every epoch on images that are held out from training. Where the curve of the training goes on to
rise and that of the validation does not, the images are being learned by heart.
---
plots.curves({{name: [run.history for run in runs] for name, runs in groups.items()}}, "Learning curves")
---
## Is the difference more than chance?

The two are compared on the same test images. The interval covers what other seeds and other test images would change,
and the words follow from it.
---
table = compare(groups, "as it is")
plots.intervals(table, "Accuracy against the training as it is")
readable(table)
---
answer = verdicts(table, "the training as it is", "change")
say(answer)
---
## What follows?

Say here what the answer means, and what it does not: how many images, epochs and seeds it rests on stands above.
---
value = f"flipped: {{groups.accuracies['flipped']}}"
summary("What does {words} change?", sentences.plain(answer), value, groups.runs)
"""
