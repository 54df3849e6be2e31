"""The command line: ``python -m fmnist_utils`` and a command, such as ``reports``; ``--help`` lists them all."""

from __future__ import annotations

from fmnist_utils.basics import interrupt

if __name__ == "__main__":  # before anything that takes time to import
    interrupt.at_once()

# ruff: noqa: E402
import argparse
import contextlib
import io
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_utils.basics.errors import ADVICE, CONTROLS, UserError, bare, brief, refused
from fmnist_utils.basics.system import ROOT, from_anywhere, is_set
from fmnist_utils.basics.text import counted
from fmnist_utils.runs.resources import Resources

if TYPE_CHECKING:
    import pandas as pd

LONGEST_LINE = 1000  # characters of an error
CLOSED = 141  # what shells give for a program whose output nobody reads any more

Command = Callable[[argparse.Namespace], int | None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 (a notebook failed), 2 (a mistake), 130 (Ctrl-C), 141."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know ASCII alone
    try:
        arguments = sys.argv[1:] if arguments is None else arguments
        if odd := [word for word in arguments if word.startswith("--") and word.endswith("=--")]:
            raise UserError(f"{odd[0]}: write a value after =")  # argparse would take it for a list
        options = _parser().parse_args(arguments)
        status = int(options.command(options) or 0)
        sys.stdout.flush()  # here, where what stands in its way is told
        return status
    except UserError as error:
        problems = str(error).splitlines()
    except BrokenPipeError:  # whoever read the output has closed it, as `| head` does: that is no mistake
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is still to be flushed
        return CLOSED
    except OSError as error:  # full disk, no permission…
        problems = [refused(error, advice=ADVICE.get(error.errno or 0, ""))]
    except KeyboardInterrupt:
        print(interrupt.STOPPED, file=sys.stderr)
        return interrupt.STATUS
    lines = [problem.translate(CONTROLS)[:LONGEST_LINE] for problem in problems]
    print(*(f"Error: {line}" for line in lines), sep="\n", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    """Describe the commands; an environment variable of an option's name, in capitals, is its default."""
    parser = argparse.ArgumentParser(prog="python -m fmnist_utils", description="Reports on image classifiers.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(act: Command, name: str, help: str, *names: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=act)
        for option in names:
            variable = os.environ.get(option.upper(), "")
            flag = f"--{option.replace('_', '-')}"
            if option in ("force", "retrain", "dry_run", "edit"):
                kind: dict[str, Any] = {"action": "store_true", "default": is_set(option.upper())}
            else:
                kind = {"default": variable, "metavar": option.upper()}
            if option == "only":  # typed as several words, too
                kind |= {"nargs": "+", "default": [variable]}
            sub.add_argument(flag, help=HELP[option], **kind)
        return sub

    places = ("dataset", "data_dir")
    where, how = ("profile", "only", *places, "out"), ("jobs", "precision", "scheduler", "seeds")
    does = "run the notebooks that have changed and write their reports"
    sub = command(_reports, "reports", does, *where, *how, "force", "retrain", "dry_run")
    # What is typed goes last, so that it counts: SEEDS stands before SET, and not for `--seeds`.
    seeds = os.environ.get("SEEDS", "")
    sub.set_defaults(seeds="")
    given = [*([f"seeds={seeds}"] if seeds else []), *_settings(os.environ.get("SET", ""))]
    sub.add_argument("--set", nargs="+", action="extend", default=given, metavar="name=value", help=HELP["set"])
    command(_data, "data", "find or fetch the data set, check it, and say where it is", *places)
    sub = command(_params, "params", "list the notebooks' parameters and their values in each profile")
    sub.add_argument("notebook", nargs="?", default="", help="number or name; all if left out")
    sub = command(_runs, "runs", "list the finished runs, delete some or make them thin", "profile", "out")
    sub.add_argument("--delete", nargs="+", default=[], metavar="KEY", help=HELP["delete"])
    sub.add_argument("--thin", nargs="+", default=[], metavar="KEY", help=HELP["thin"])
    sub.add_argument("--stale", action="store_true", help=HELP["stale"])
    sub.add_argument("--yes", action="store_true", help="do not ask")
    sub = command(_errors, "errors", "write the test images that a run gets wrong as a CSV", "profile", "out", *places)
    sub.add_argument("key", metavar="KEY", help="the run's key, as `runs` lists it, or its beginning")
    sub = command(_verify, "verify", "hold every stored file against its checksum", "profile")
    sub.add_argument("folder", nargs="?", default="", metavar="OUT", help=HELP["out"])
    sub.add_argument("--mend", action="store_true", help=HELP["mend"])
    command(_models, "models", "list the models with their sizes and origins")
    command(_readme, "readme", "write the tables of published results into README.md")
    sub = command(_lab, "lab", "open JupyterLab on working copies of the notebooks, in lab/", "edit")
    sub.add_argument("arguments", nargs="*", metavar="-- OPTION", help="for JupyterLab")
    sub = command(_notebook, "notebook", "make a notebook to begin with, and its params for every profile")
    sub.add_argument("name", help="a free number and a few words, such as 07_mine")
    sub = command(_profile, "profile", "make a profile of your own from another one")
    sub.add_argument("name", help="of the new folder of params/")
    sub.add_argument("--like", default="quick", help="the profile to begin with")
    sub = command(_tidy, "tidy", "write notebooks as they are committed: without outputs, with maps of those there are")
    sub.add_argument("notebooks", nargs="*", help="files; all of notebooks/ if left out")
    command(_check, "check", "check the params files against the notebooks, running nothing", "profile")
    return parser


def _settings(text: str) -> list[str]:
    """Split what make passes on as SET, as a shell would."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UserError(f"SET={brief(text)}: {error}; close every quotation") from None


HELP = {
    "profile": "a folder of params/ (reports, runs, errors: quick without a GPU, full with one; check: all)",
    "only": 'numbers or names of notebooks, such as "02 05"',
    "dataset": "name of a data set, or a folder of IDX files or of class-named image folders",
    "data_dir": "folder to take a named data set from",
    "out": "folder of the reports and runs, from the project root (reports/PROFILE)",
    "jobs": "runs to train side by side: a number, or auto for as many as pay",
    "precision": "auto, fp32 or bf16; auto is bf16 where the device computes it natively",
    "scheduler": "Dask scheduler to train on, tcp://host:port",
    "seeds": "number of seeds a comparison",
    "set": "set parameters of the notebooks, as in the params files",
    "mend": "put aside what is damaged, and add checksums that are missing",
    "force": "execute what has not changed, too",
    "retrain": "train again what these reports need, too; an old run is replaced when the new one is whole, "
    "and after an interruption the same command goes on",
    "delete": "delete these runs: keys, or four characters or more that they begin with",
    "thin": "keep only the answers of these runs, and how sure they are: a tenth of the room, other probabilities gone",
    "stale": "delete the runs whose model, augmentation, optimizer or schedule is gone or has changed",
    "edit": "open the series itself, which is saved without outputs",
    "dry_run": "say what would be executed and what it would cost, and stop",
}


def _reports(options: argparse.Namespace) -> int:
    import yaml

    from fmnist_utils.data.locate import KNOWN
    from fmnist_utils.report import build, parameters, series

    # (Kernels run in the project's root, which need not be the current folder.)
    given = {name: value for name in ("dataset", "data_dir") if (value := getattr(options, name))}
    overrides = {name: value if value.lower() in KNOWN else from_anywhere(value) for name, value in given.items()}
    for setting in [*options.set, *([f"seeds={options.seeds}"] if options.seeds else [])]:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--set {bare(setting, 60)}: write name=value")
        try:
            overrides[name] = parameters.parse(text)
        except yaml.YAMLError as error:
            why = parameters.complaint(error)
            raise UserError(
                f"--set {bare(setting, 60)}: {brief(text, 40)} is not valid YAML ({why}); put quotes around text"
            ) from None
    resources = Resources.of(options.precision, options.jobs, options.scheduler, options.retrain)
    force = options.force or options.retrain
    reports = series.prepare(
        options.profile or _default_profile(), " ".join(options.only), overrides, options.out,
        stale=lambda report: bool(report.reason(force)), checks=_checks,
    )  # fmt: skip
    if options.dry_run:
        return 1 if build.dry_run(reports, force, resources) else 0
    return 1 if build.build(reports, force, resources, _claims) else 0


def _checks() -> dict[str, Callable[[Any], object]]:
    from fmnist_utils import studies

    return studies.CHECKS


def _claims(out: Path) -> pd.DataFrame:
    from fmnist_utils.studies import claims

    return claims.table(out)


def _data(options: argparse.Namespace) -> None:
    from fmnist_utils.data.dataset import load_dataset

    dataset = load_dataset(options.dataset or "fashion-mnist", options.data_dir)
    sizes = f"{len(dataset.train_labels):,} training and {counted(len(dataset.test_labels), 'test image')}"
    print(f"{dataset.name}: {sizes}, {len(dataset.class_names)} classes; every file is as it should be")
    print(f"files: {dataset.source}\nSHA-256 of the content: {dataset.checksum}")


def _params(options: argparse.Namespace) -> None:
    from fmnist_utils.report import parameters, series

    notebooks = series.notebooks_in(series.NOTEBOOKS)
    profiles = series.profiles_in(series.PARAMS)
    for index in series.matching([notebook.stem for notebook in notebooks], options.notebook):
        notebook = notebooks[index]
        files = [series.PARAMS / profile / f"{notebook.stem}.yaml" for profile in profiles]
        values = [parameters.load(file) if file.exists() else {} for file in files]
        print(f"\n{notebook.stem}")
        rows = [["name", "type", "default", *profiles, "meaning"]]
        for name, parameter in parameters.read(notebook).items():
            shown = [repr(value.get(name, parameter.default)) for value in values]
            rows.append([name, parameter.annotation, repr(parameter.default), *shown, parameter.comment])
        _table(rows)


def _runs(options: argparse.Namespace) -> None:
    from fmnist_utils.basics.system import from_root
    from fmnist_utils.runs.lookup import results

    out = _out(options)
    if options.delete or options.stale or options.thin:
        return _change(out, options)
    if not from_root(out).is_dir() or (found := results(out)).empty:
        print(f"no finished runs in {out}")
    else:
        shown = found.drop(columns="experiment").map(lambda x: f"{x:.4g}" if isinstance(x, float) else str(x))
        _table([list(shown.columns), *shown.to_numpy().tolist()])


def _errors(options: argparse.Namespace) -> None:
    from fmnist_utils.runs import mistakes

    out = _out(options)
    run = mistakes.find(options.key, out)
    data = mistakes.tested_on(run, options.dataset, options.data_dir)
    path = mistakes.write(run, data, out)
    print(f"{counted(int((~run.correct).sum()), 'mistake')} of {len(run.correct):,} test images: {path}")


def _change(out: str, options: argparse.Namespace) -> None:
    """Delete runs or make them thin, after saying which and asking."""
    from fmnist_utils.basics.system import from_root
    from fmnist_utils.report import marker
    from fmnist_utils.runs.lookup import whole_key
    from fmnist_utils.runs.record import stale
    from fmnist_utils.runs.store import Store

    if options.thin and (options.delete or options.stale):
        raise UserError("--thin beside --delete or --stale: one at a time")
    store = Store(out)
    records, going = {record["key"]: record for record in store.records()}, dict[str, str]()
    for key, record in records.items():
        if options.stale and (why := stale(record)):
            going[key] = why
    names = sorted(records) if options.thin else store.names()
    for wanted in options.delete or options.thin:
        going.setdefault(whole_key(wanted, names, out), "")
    if not going:
        print(f"{out} has no stale runs")
        return
    for key, why in sorted(going.items()):
        experiment = records.get(key, {}).get("experiment", {})
        what = f"{experiment['model']}, seed {experiment['seed']}" if experiment else "not finished"
        print(f"{key}: {what}" + (f" ({why})" if why else ""))
    runs = counted(len(going), "run")
    verb, done = ("Thin out", "thinned out") if options.thin else ("Delete", "deleted")
    try:
        sure = options.yes or input(f"{verb} {runs} of {out}? [y/N] ").lower() in ("y", "yes")
    except EOFError:
        raise UserError(f"nothing is {done}, as nobody can answer here: add --yes") from None
    if not sure:
        print(f"nothing is {done}")
    elif options.thin:
        saved, problems = [], []
        for key in going:
            try:
                saved.append(store.thin(key))
            except UserError as error:
                problems.append(str(error))
        left = f"; {counted(saved.count(0), 'run')} left as they are" if 0 in saved else ""
        print(f"{counted(len(saved) - saved.count(0), 'run')} thinned out, {sum(saved) / 1e6:.1f} MB less{left}")
        if problems:
            raise UserError(*problems)
    else:
        folder = from_root(out)
        marked = (folder / marker.MARKER).is_file()
        # A series that is writing its index would list what is gone by then: it is waited for.
        with marker.alone(folder) if marked else contextlib.nullcontext():
            if marked:
                with contextlib.suppress(OSError):  # a full disk, where there is room for it only afterwards
                    marker.index_is_old(folder)
            for key in going:
                store.delete(key)
            print(f"{runs} deleted", flush=True)
            if marked and (folder / "index.html").is_file():  # it lists them
                from fmnist_utils.report.index import write_index

                write_index(folder, claims=_claims)


def _verify(options: argparse.Namespace) -> int:
    from fmnist_utils.basics.system import from_root
    from fmnist_utils.report.verify import verify

    out = options.folder or os.environ.get("OUT", "") or f"reports/{options.profile or _default_profile()}"
    findings = verify(from_root(out), options.mend, _claims)
    print(*findings, f"{out}: {counted(len(findings), 'finding')}", sep="\n")
    return 1 if findings and not options.mend else 0


def _models(options: argparse.Namespace) -> None:
    from fmnist_utils.models import model_table
    from fmnist_utils.studies import recipes

    table = model_table(recipes.options).reset_index()
    cells = table.map(lambda cell: f"{cell:,}" if isinstance(cell, int) else str(cell))
    _table([list(table.columns), *cells.to_numpy().tolist()])


def _readme(options: argparse.Namespace) -> None:
    from fmnist_utils.studies import readme

    readme.write()


def _lab(options: argparse.Namespace) -> None:
    from fmnist_utils.report import authoring

    arguments = [str(authoring.to_open(options.edit)), *options.arguments]
    if options.edit:
        arguments.append(f"--ContentsManager.pre_save_hook={authoring.__name__}.pre_save")
    from jupyterlab.labapp import main as lab

    # Kernels start in the notebooks' folder, and the environment may know another copy of the package.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    lab(arguments)


def _notebook(options: argparse.Namespace) -> None:
    from fmnist_utils.report import authoring
    from fmnist_utils.report.parameters import shown

    path = authoring.make_notebook(options.name)
    print(f"{shown(path)} is made, with params for every profile: make reports ONLY={path.name[:2]}")
    print("The maps of the others name it now, so each is executed once more when it is wanted")


def _profile(options: argparse.Namespace) -> None:
    from fmnist_utils.report import authoring
    from fmnist_utils.report.parameters import shown

    print(f"{shown(authoring.make_profile(options.name, options.like))} is made: make reports PROFILE={options.name}")


def _tidy(options: argparse.Namespace) -> None:
    from pathlib import Path

    from fmnist_utils.report import authoring, series
    from fmnist_utils.report.parameters import shown

    named = [Path(name).resolve() for name in options.notebooks]
    for path in authoring.tidy_files(named or series.notebooks_in(series.NOTEBOOKS)):
        print(f"tidied {shown(path)}")


def _check(options: argparse.Namespace) -> None:
    from fmnist_utils.report import series

    problems: list[str] = []
    for profile in [options.profile] if options.profile else series.profiles_in(series.PARAMS):
        try:
            print(f"params/{profile}: {len(series.prepare(profile, checks=_checks))} files are right")
        except UserError as error:
            problems += error.args
    if problems:
        raise UserError(*problems)


def _out(options: argparse.Namespace) -> str:
    """Name the reports folder that is meant; it need not be there if its profile is."""
    from fmnist_utils.basics.system import from_root
    from fmnist_utils.report import series

    out = options.out or f"reports/{options.profile or _default_profile()}"
    if not from_root(out).is_dir():
        if options.out:
            hint = f"; did you mean reports/{out}?" if from_root(f"reports/{out}").is_dir() else ""
            raise UserError(f"OUT={out} is not a folder: name one of reports{hint}")
        series.check_profile(options.profile or _default_profile())
    return str(out)


def _default_profile() -> str:
    from fmnist_utils.report.freshness import gpu

    return "full" if gpu() else "quick"


def _table(rows: list[list[str]]) -> None:
    """Print rows of text, the heads first, as columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    status = main()
    if status == interrupt.STATUS:
        interrupt.leave()  # tidying up would take seconds, and tell of what was cut off
    interrupt.no_more()
    sys.exit(status)
