"""Which notebooks and profiles there are, and what a call is about: `prepare` selects and checks, running nothing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fmnist_utils.basics.errors import UserError, brief, listed, nearest
from fmnist_utils.basics.system import ROOT, from_root, sources
from fmnist_utils.report import freshness, marker, parameters
from fmnist_utils.report.parameters import shown
from fmnist_utils.report.report import Link, Report

NOTEBOOKS, PARAMS = ROOT / "notebooks", ROOT / "params"


def notebooks_in(folder: Path) -> list[Path]:
    """Return the notebooks of the series, in order: ``NN_name.ipynb``."""
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise UserError(f"{shown(folder)} has no notebooks NN_name.ipynb")
    return found


def profiles_in(folder: Path) -> list[str]:
    """Return the names of the profiles: the folders of params/."""
    found = sorted(path.name for path in folder.glob("[!.]*/"))
    if not found:
        raise UserError(f"{shown(folder)} has no profiles: folders with a NN_name.yaml for every notebook")
    return found


def check_profile(profile: str, params: Path = PARAMS) -> None:
    """Raise UserError if `params` has no folder of that name."""
    if profile not in (known := profiles_in(params)):
        hint = nearest(profile, known)
        raise UserError(f"unknown profile {brief(profile)}{hint} (folders of {shown(params)}: {listed(known)})")


@contextlib.contextmanager
def _collected(problems: list[str]) -> Iterator[None]:
    """Add what a UserError says to `problems`, to tell the user everything at once."""
    try:
        yield
    except UserError as error:
        problems += str(error).splitlines()


def prepare(
    profile: str,
    only: str = "",
    overrides: Mapping[str, Any] | None = None,
    out: str = "",
    notebooks: Path = NOTEBOOKS,
    params: Path = PARAMS,
    stale: Callable[[Report], bool] = lambda report: True,
    checks: Callable[[], parameters.Checks] = dict,
) -> list[Report]:
    """Select notebooks and check all their parameters; no kernel is started.

    Parameters
    ----------
    profile : a folder of `params`
    only : numbers or names of notebooks, separated by spaces or commas; "" for all
    overrides : parameters that go before the params files'; each must belong to a selected notebook
    out : folder for the reports, relative to the project root; "" for ``reports/<profile>``
    notebooks, params : the project's folders
    stale : whether a report whose parameters have the right types must be checked for ranges too,
        which imports torch
    checks : makes what else parameters of some names are held against

    Raises
    ------
    UserError
        All problems that were found, one a line.
    """
    freshness.data.cache_clear()  # the files may be others than the last time
    overrides, out = overrides or {}, out or f"reports/{profile}"
    series = notebooks_in(notebooks)
    names = [notebook.stem for notebook in series]
    check_profile(profile, params)
    found = [
        f"{shown(file)} has no notebook{nearest(file.stem, names)}; rename or remove it"
        for file in sorted((params / profile).glob("*.y*ml"))
        if file.stem not in names
    ]
    selected, reports, declared = list[int](), [], set[str]()
    with _collected(found):
        selected = matching(names, only)
    place = from_root(out)
    chosen = [names[index] for index in selected]
    for index in selected:
        notebook, file = series[index], params / profile / f"{names[index]}.yaml"
        with _collected(found):
            defaults = parameters.defaults(notebook)
            declared |= defaults.keys()
            if not file.exists():
                raise UserError(f"{shown(file)} is missing: every notebook has one; it may be empty")
            values, given = parameters.load(file), {"out": out, **overrides}
            if values.get("out", home := f"reports/{profile}") != home:
                found.append(f"{shown(file)}: out: {brief(values['out'], 60)} must be {home}, or OUT=folder for once")
            given = {name: value for name, value in given.items() if name in defaults}
            report = Report(
                notebook, profile, defaults, values | given, place, *_links(series, notebook, place, chosen)
            )
            reports.append(report)
            origins = {shown(notebook): defaults, shown(file): values, "command line": given}
            ranges = any(parameters.problems(notebook, held, origin, False) for origin, held in origins.items())
            more = checks() if (ranges := ranges or stale(report)) else {}
            wrong = list[str]()
            for origin, held in origins.items():
                wrong += parameters.problems(notebook, held, origin, ranges, more)
            found += wrong or (_options_problem(report.effective) if ranges else [])
    if "out" in overrides:  # it would lead the notebook's runs and tables past the check of `out` below
        found.append("command line: out is not set so: write OUT=folder, or --out folder")
    if selected:
        found += [
            f"command line: no selected notebook has a parameter {brief(name, 40)}{nearest(name, declared)}"
            for name in overrides
            if name not in declared
        ]
    # (A data set of another type than text is told already.)
    data = {report.data for report in reports if report.data and not found}
    if problem := marker.problem(place, sources(notebooks, params), data):
        found.append(problem)
    if found:
        raise UserError(*dict.fromkeys(found))
    return reports


def _options_problem(values: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with the options of a model, which only the two together tell."""
    if values.get("model_options"):
        from fmnist_utils import models

        try:
            models.check_options(values["model"], values["model_options"])
        except UserError as error:
            return [f"model_options: {error}"]
    return []


def matching(names: list[str], only: str) -> list[int]:
    """Return the positions of the notebooks that `only` lists by number or name, in order; "" means all."""
    wanted = re.split(r"[\s,]+", only.strip()) if only.strip() else names
    numbers = [name.partition("_")[0] for name in names]
    problems, chosen = [], set()
    for word in wanted:
        word = Path(word).name.removesuffix(".ipynb") if word.endswith(".ipynb") else word
        if word in names:
            chosen.add(names.index(word))
        elif numbers.count(word.zfill(2)) > 1:
            these = [name for name in names if name.startswith(f"{word.zfill(2)}_")]
            problems.append(f"{brief(word)} is the number of {listed(these)}: write the name of one")
        elif word.zfill(2) in numbers:
            chosen.add(numbers.index(word.zfill(2)))
        else:
            hint = nearest(word, names)
            problems.append(f"unknown notebook {brief(word)}{hint} (notebooks: {', '.join(names)})")
    if problems:
        raise UserError(*problems)
    return sorted(chosen)


def _links(
    series: list[Path], notebook: Path, out: Path, chosen: Collection[str]
) -> tuple[Link, Link, tuple[str, ...]]:
    """Address and title of the reports before and after one, and the names of all that are or will be there."""
    there = [other for other in series if other.stem in chosen or (out / f"{other.stem}.html").exists()]
    before, after = (there[: there.index(notebook)][-1:], there[there.index(notebook) + 1 :][:1])
    found = [[(f"{other.stem}.html", parameters.title(other)) for other in place] for place in (before, after)]
    previous, following = (links[0] if links else None for links in found)
    return previous, following, tuple(other.stem for other in there)


def linked_anew(reports: list[Report]) -> list[Report]:
    """Return reports with links to the pages that are there now: another process may have made some meanwhile."""
    series, out, chosen = notebooks_in(reports[0].notebook.parent), reports[0].out, [report.name for report in reports]
    found = []
    for report in reports:
        if report.notebook in series:  # (if not, it has just been deleted, which is told in its turn)
            previous, following, pages = _links(series, report.notebook, out, chosen)
            report = replace(report, previous=previous, following=following, pages=pages)
        found.append(report)
    return found
