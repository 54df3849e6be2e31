"""A report or an index of trainings that were replaced since is old: it is found out, and made again."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from made_up_runs import run_with
from small_project import make, outputs, write_notebook, write_project

from fmnist_utils import Experiment, models
from fmnist_utils.report.verify import verify
from fmnist_utils.runs import trace
from fmnist_utils.runs.store import Store

READS = """\
from fmnist_utils.runs.store import Store
for record in Store(out).records():
    print(f"{Store(out).load(record['key']).test_accuracy:.4f} is right")"""


def put(root: Path, accuracy: float, seed: int = 0) -> str:
    """Store a run as if it had been trained now."""
    run = run_with(accuracy, Experiment(seed=seed))
    run.history[0]["seconds"] = accuracy
    net = models.build("base")
    run.parameters, run.multiply_adds = models.count_parameters(net), models.count_multiply_adds(net)
    Store(root / "out").save(run)
    return run.key


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_project(tmp_path_factory.mktemp("made"))
    for part in ("notebooks/03_third.ipynb", "params/quick/03_third.yaml"):
        (root / part).unlink()
    write_notebook(root / "notebooks" / "01_first.ipynb", READS)
    put(root, 0.87)
    assert make(root) == []
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "project")


def page_says(root: Path) -> list[str]:
    return re.findall(r"[\d.]+(?= is right)", outputs(root / "out" / "notebooks" / "01_first.ipynb"))


def table(root: Path) -> list[float]:
    return sorted(pd.read_csv(root / "out" / "results.csv")["test_accuracy"])


def noted(root: Path, name: str) -> dict[str, str]:
    content = json.loads((root / "out" / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    return dict(content["metadata"]["fmnist"]["runs"])


def test_a_report_says_which_trainings_it_rests_on(made: Path) -> None:
    assert noted(made, "01_first") == trace.there(made / "out" / "runs")
    assert noted(made, "02_second") == {}
    assert (page_says(made), table(made)) == (["0.8700"], [0.87])
    assert verify(made / "out") == []


def test_a_run_that_is_trained_again_has_its_reports_executed_once_more(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = put(project, 0.9)
    found = verify(project / "out")
    assert found == [
        f"notebooks/01_first.ipynb: run {key} was trained again since; --mend: put aside, and executed again when it "
        "is wanted",
        "results.csv: runs have come, gone or been trained again since it was written; --mend: written anew",
    ]
    assert verify(project / "out") == found, "looking changes nothing"
    assert make(project) == []
    assert f"01_first: executing (run {key} was trained again since)" in (said := capsys.readouterr().out)
    assert "02_second: unchanged" in said
    assert (page_says(project), table(project)) == (["0.9000"], [0.9])
    assert verify(project / "out") == []


def test_verify_mends_it_too(project: Path) -> None:
    put(project, 0.9)
    assert len(verify(project / "out", mend=True)) == 2
    assert (table(project), verify(project / "out")) == ([0.9], [])


def test_runs_that_come_or_go_have_the_index_written_anew_and_nothing_executed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = trace.there(project / "out" / "runs").popitem()[0]
    put(project, 0.8, seed=1)
    assert len(verify(project / "out")) == 1
    assert make(project) == []
    assert table(project) == [0.8, 0.87]
    shutil.rmtree(project / "out" / "runs" / first)
    assert len(verify(project / "out")) == 1
    assert make(project) == []
    assert (table(project), verify(project / "out")) == ([0.8], [])
    assert "executing" not in capsys.readouterr().out
    assert page_says(project) == ["0.8700"], "it is what was asked for then"


def test_to_make_a_run_thin_changes_nothing_that_rests_on_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [key] = trace.there(project / "out" / "runs")
    before = (project / "out" / "index.html").stat().st_mtime_ns
    assert Store(project / "out").thin(key) > 0
    assert verify(project / "out") == [] == make(project)
    assert "executing" not in capsys.readouterr().out
    assert (project / "out" / "index.html").stat().st_mtime_ns == before


ASKS = """\
from pathlib import Path
from types import SimpleNamespace
from fmnist_utils.runs import finished, trace
from fmnist_utils.studies import augmentation
folder = Path(out).parent / "published"
trace.PUBLISHED = finished.PUBLISHED = augmentation.PUBLISHED = str(folder)
augmentation.finished(SimpleNamespace(name="none", checksum="none"), out)
print(f"{len(finished.Folder(folder).records)}.0 is right")"""


@pytest.fixture
def asking(tmp_path: Path, nothing_published: None) -> Path:
    """Write a project whose first notebook asks for the runs of the third one, and for the published ones."""
    root = write_project(tmp_path)
    write_notebook(root / "notebooks" / "01_first.ipynb", ASKS)
    write_notebook(root / "notebooks" / "03_third.ipynb", READS)
    assert make(root, only="01") == []
    return root


def test_a_report_that_found_no_runs_of_a_notebook_is_executed_again_once_there_are_some(
    asking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(asking, 0.87)
    capsys.readouterr()
    assert make(asking, only="03") == []
    why = "the runs of 03, which it asked for, have changed since"
    assert f"01_first is of before: {why}; --only 01 (make: ONLY=01) makes it anew" in capsys.readouterr().out
    found = verify(asking / "out")
    assert "notebooks/01_first.ipynb: the runs of 03, which it asked for, have changed since" in found[0]
    capsys.readouterr()
    assert make(asking) == []
    assert "01_first: executing (the runs of 03, which it asked for, have changed since)" in (
        said := capsys.readouterr().out
    )
    assert "03_third: executing" not in said
    assert make(asking) == [] == verify(asking / "out")
    assert "executing" not in capsys.readouterr().out


def test_reports_and_index_that_show_published_runs_are_old_when_these_change(
    asking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(asking, only="02") == []
    (asking / "published").mkdir()
    put(asking, 0.87)
    shutil.move(asking / "out" / "runs", asking / "published" / "runs")
    found = verify(asking / "out")
    assert "01_first.ipynb: the published runs, which it asked for, have changed since" in found[0]
    assert found[-1].startswith("results.csv: runs have come, gone or been trained again since it was written")
    capsys.readouterr()
    assert make(asking) == []
    assert "01_first: executing (the published runs, which it asked for, have changed since)" in (
        said := capsys.readouterr().out
    )
    assert "02_second: executing" not in said
    assert verify(asking / "out") == []


def test_what_is_no_run_s_folder_is_let_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [key] = trace.there(project / "out" / "runs")
    copy = shutil.copytree(project / "out" / "runs" / key, project / "out" / "runs" / f"{key}.bak")
    assert len(Store(project / "out").records()) == 1
    assert verify(project / "out") == []
    assert (copy / "record.json").is_file() and capsys.readouterr().err == ""


def test_a_run_that_was_looked_at_while_it_was_being_copied_is_taken_back(project: Path) -> None:
    [key] = trace.there(project / "out" / "runs")
    answers = project / "out" / "runs" / key / "test.npz"
    content = answers.read_bytes()
    answers.unlink()
    assert Store(project / "out").load(key) is None
    assert not answers.with_name("record.json").exists()
    answers.write_bytes(content)
    [found, *_] = verify(project / "out")
    assert found == f"runs/{key}/record.json.damaged: it was put aside, and is whole; --mend: taken back"
    verify(project / "out", mend=True)
    assert Store(project / "out").load(key) is not None
    assert verify(project / "out") == []
