"""Everything in a reports folder is as it was written, or found out: notebooks, pages, index, table, records."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from made_up_runs import run_with
from small_project import call, copy_package, edit, make, outputs, prepare, start, write_notebook, write_project

from fmnist_utils import Experiment, UserError, models
from fmnist_utils.basics.system import PUBLISHED, ROOT, hold
from fmnist_utils.report import build, freshness, marker
from fmnist_utils.report.index import write_index
from fmnist_utils.report.verify import verify
from fmnist_utils.runs.record import sealed
from fmnist_utils.runs.store import Store

FIGURE = """
import io
from PIL import Image
from IPython.display import display
png = io.BytesIO()
Image.new("RGB", (40, 30), (200, 30, 30)).save(png, "PNG")
display({"image/png": png.getvalue()}, raw=True)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two reports and two runs, for tests that do not change it."""
    root = write_project(tmp_path_factory.mktemp("made"))
    for part in ("notebooks/03_third.ipynb", "params/quick/03_third.yaml"):
        (root / part).unlink()
    write_notebook(root / "notebooks" / "01_first.ipynb", FIGURE, "print('0.8761 of 10,000')")
    for seed in range(2):
        run = run_with(0.87, Experiment(seed=seed))
        net = models.build("base")
        run.parameters, run.multiply_adds = models.count_parameters(net), models.count_multiply_adds(net)
        Store(root / "out").save(run)
    assert make(root) == []
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "project")


def test_a_fresh_folder_has_no_findings(made: Path) -> None:
    assert verify(made / "out") == []


@pytest.mark.parametrize("file", ["notebooks/01_first.ipynb", "01_first.html", "index.html", "results.csv"])
@pytest.mark.parametrize("damage", ["digit", "cut", "empty", "lost"])
def test_what_is_damaged_is_found_and_made_again(file: str, damage: str, project: Path) -> None:
    path = project / "out" / file
    before = path.read_bytes()
    place = before.rindex(b"876") if b"876" in before else before.rindex(b"87")
    changed = {
        "digit": before[:place] + b"9" + before[place + 1 :],
        "cut": before[: len(before) // 2],
        "empty": b"",
    }
    path.unlink() if damage == "lost" else path.write_bytes(changed[damage])
    found = verify(project / "out")
    assert damage == "lost" or (len(found) == 1 and found[0].startswith(file))
    assert make(project) == []
    assert verify(project / "out") == []
    shown = re.compile(rb"0\.8761|0\.87\b")
    assert shown.findall(path.read_bytes()) == shown.findall(before)


def test_verify_mends_what_it_finds(project: Path) -> None:
    out = project / "out"
    record, other = sorted(out.glob("runs/*/record.json"))
    edit(record, '"lr": 0.001', '"lr": 0.002')
    other.with_name("test.npz").unlink()
    edit(out / "01_first.html", "0.8761", "0.9761")
    edit(out / "results.csv", "0.87", "0.97")
    found = verify(out)
    names = [record, other, out / "01_first.html", out / "results.csv"]
    assert [line.partition(": ")[0] for line in found] == [str(path.relative_to(out)) for path in names]
    assert verify(out) == found, "looking changes nothing"
    assert len(verify(out, mend=True)) == 4
    assert verify(out) == []
    assert "0.97" not in (out / "results.csv").read_text("utf-8")


def test_the_index_lists_nothing_that_was_put_aside(project: Path) -> None:
    out = project / "out"
    record, _ = sorted(out.glob("runs/*/record.json"))
    edit(record, '"lr": 0.001', '"lr": 0.002')
    assert record.parent.name in (out / "results.csv").read_text("utf-8")
    assert len(verify(out, mend=True)) == 1
    assert record.parent.name not in (out / "results.csv").read_text("utf-8")


def test_an_index_that_a_running_series_will_write_is_no_finding(project: Path) -> None:
    out = project / "out"
    marker.index_is_old(out)
    assert [line.partition(": ")[0] for line in verify(out)] == ["index.html", "results.csv"]
    with hold(out / marker.LOCK, print):
        assert verify(out) == []


@pytest.mark.usefixtures("edited_package")
def test_a_run_of_a_model_that_was_edited_since_is_not_damaged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_utils.report.verify._sizes", lambda *model: (0, 0))
    assert verify(project / "out") == []


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_published")
def test_the_command_has_a_line_a_finding_and_a_status(project: Path) -> None:
    assert make(project) == []  # its index knows what is published
    copy_package(project)
    assert call(project, "verify", "out") == (0, "out: 0 findings\n", "")
    record = min((project / "out").glob("runs/*/record.json"))
    edit(record, '"seed": ', '"seed": 1')
    code, out, err = call(project, "verify", "out")
    assert (code, err, len(out.splitlines())) == (1, "", 2)
    assert out.startswith(f"runs/{record.parent.name}/record.json: its content differs from its checksum; --mend: ")
    assert call(project, "verify", "out", "--mend")[0] == 0
    assert call(project, "verify", "out")[0] == 0
    code, _, err = call(project, "verify", "notebooks")
    assert code == 2 and err.startswith("Error: OUT=") and len(err.splitlines()) == 1


def test_records_of_before_checksums_get_them_and_keep_their_names(project: Path) -> None:
    out = project / "out"
    record = min(out.glob("runs/*/record.json"))
    values = json.loads(record.read_text("utf-8"))
    del values["record_sha256"]
    record.write_text(json.dumps(values), "utf-8")
    assert [line.partition(";")[0] for line in verify(out)] == [
        f"runs/{record.parent.name}/record.json: it is of before there were checksums"
    ]
    verify(out, mend=True)
    assert json.loads(record.read_text("utf-8")).keys() - values.keys() == {"record_sha256"}
    assert verify(out) == []


def test_a_false_size_of_a_model_is_found_in_old_records(project: Path) -> None:
    out = project / "out"
    record = min(out.glob("runs/*/record.json"))
    values = json.loads(record.read_text("utf-8"))
    del values["record_sha256"]
    record.write_text(json.dumps(values | {"parameters": values["parameters"] + 1}), "utf-8")
    (line,) = verify(out)
    assert "its parameters and multiply-adds are" in line


def test_the_published_folder_is_as_it_was_written() -> None:
    assert verify(ROOT / PUBLISHED) == []


# --- one damaged thing never stops the rest ---


def test_a_damaged_record_and_a_broken_thumbnail_do_not_block_the_series(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = project / "out"
    record = min(out.glob("runs/*/record.json"))
    record.write_text("{", "utf-8")
    executed = out / "notebooks" / "01_first.ipynb"
    content = json.loads(executed.read_text("utf-8"))
    figure = base64.b64encode(b"no picture").decode()
    (shown,) = (x for cell in content["cells"] for x in cell.get("outputs", []) if "image/png" in x.get("data", {}))
    shown["data"]["image/png"] = figure
    freshness.seal(content)
    executed.write_text(json.dumps(content), "utf-8")
    write_notebook(project / "notebooks" / "02_second.ipynb", "print('new')")
    assert make(project, only="02") == []
    said = capsys.readouterr().err
    assert "record.json is damaged" in said
    assert "has a figure that cannot be shown in the index" in said
    assert len(pd.read_csv(out / "results.csv")) == 1
    executed.write_text("{", "utf-8")
    write_notebook(project / "notebooks" / "02_second.ipynb", "print('newer')")
    assert make(project, only="02") == []
    assert "01_first.ipynb is damaged: left out of the index" in capsys.readouterr().err
    assert outputs(out / "notebooks" / "02_second.ipynb") == "newer\n"


def test_an_index_that_could_not_be_written_is_written_by_the_next_call(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmnist_utils.report import index

    write_notebook(project / "notebooks" / "02_second.ipynb", "print('new')")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device", "index.html")

    with monkeypatch.context() as patch:
        patch.setattr(index, "write_index", full)
        with pytest.raises(OSError, match="No space"):
            make(project)
    before = (project / "out" / "index.html").stat().st_mtime_ns
    assert make(project) == []
    assert (project / "out" / "index.html").stat().st_mtime_ns > before
    assert verify(project / "out") == []


def test_files_that_killed_processes_left_are_removed_and_those_of_living_ones_are_not(
    project: Path, dead: int
) -> None:
    out, node = project / "out", os.uname().nodename
    run = min(out.glob("runs/*/"))
    gone = [out / f"results.csv.{dead}.part", run / f"record.json.{node}.{dead}.part"]
    kept = [out / f"index.html.{node}.{os.getpid()}.part", out / f"index.html.elsewhere.{dead}.part"]
    for path in gone + kept:
        path.write_text("half")
    assert len([line for line in verify(out) if "killed" in line]) == 2
    make(project)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)


def test_what_a_worker_left_that_was_killed_meanwhile_is_removed_in_the_end(project: Path, dead: int) -> None:
    left = min((project / "out").glob("runs/*/")) / f"checkpoint.pt.{os.uname().nodename}.{dead}.part"
    write_notebook(project / "notebooks" / "02_second.ipynb", f"open({str(left)!r}, 'w').close()")
    assert make(project) == []
    assert not left.exists() and verify(project / "out") == []


def test_a_folder_of_runs_alone_lacks_nothing(tmp_path: Path) -> None:
    run = run_with(0.8, Experiment())
    Store(tmp_path).save(run)
    assert not [line for line in verify(tmp_path) if not line.startswith("runs/")]


def test_names_like_formulas_are_no_formulas_in_the_table(tmp_path: Path) -> None:
    names = ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "plain"]
    for seed, name in enumerate(names):
        run = run_with(0.8, Experiment(seed=seed))
        run.provenance["dataset"] = name
        Store(tmp_path).save(run)
    write_index(tmp_path)
    table = pd.read_csv(tmp_path / "results.csv").sort_values("seed")
    assert list(table["dataset"]) == [*(f"'{name}" for name in names[:-1]), "plain"]
    assert table["test_accuracy"].dtype == float


def test_a_table_that_a_notebook_wrote_is_held_against_what_it_wrote(project: Path) -> None:
    write_notebook(
        project / "notebooks" / "02_second.ipynb",
        f"open({str(project / 'out' / 'suspects.csv')!r}, 'w').write('score\\n0.87\\n')",
    )
    assert make(project) == []
    out = project / "out"
    table, before = out / "suspects.csv", outputs_of(out)
    assert verify(out) == []
    (out / ".fmnist-reports.json").unlink()
    assert len(verify(out)) == 3, "index and table of before are not known to be whole, and the marker is missing"
    assert make(project) == [] and outputs_of(out) == before
    for damage in ("score\n0.97\n", "", None):
        table.unlink() if damage is None else table.write_text(damage)
        found = verify(out)
        assert damage is None or (len(found) == 1 and found[0].startswith("suspects.csv: its content differs"))
        assert make(project) == []
        assert table.read_text() == "score\n0.87\n" and verify(out) == []
    table.write_text("")
    assert len(verify(out, mend=True)) == 1 and not table.exists() and verify(out) == []


def test_of_two_notebooks_that_write_one_table_the_last_answers_for_it(project: Path) -> None:
    table = project / "out" / "table.csv"
    for name, content in (("01_first", "one\n"), ("02_second", "two\n")):
        write_notebook(project / "notebooks" / f"{name}.ipynb", f"open({str(table)!r}, 'w').write({content!r})")
    assert make(project) == [] and table.read_text() == "two\n"
    reports = prepare(project)
    assert [report.reason() for report in reports] == [""] * len(reports) and verify(project / "out") == []
    table.write_text("three\n")
    assert [report.name for report in reports if report.reason()] == ["02_second"]
    assert len(verify(project / "out")) == 1
    assert make(project) == [] and table.read_text() == "two\n" and verify(project / "out") == []
    (project / "notebooks" / "02_second.ipynb").unlink()
    assert reports[0].reason() == "lost or damaged: table.csv", "who could write it is gone"


def outputs_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("notebooks/*.ipynb")}


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"retrainings": {"x": 1' + "0" * 30 + "}}", '{"retrainings": {"x": []}}', "[]", "\0"]
)
def test_a_damaged_marker_is_written_anew(content: str, project: Path) -> None:
    path = project / "out" / ".fmnist-reports.json"
    path.write_text(content, "utf-8")
    assert marker.retraining(project / "out", "x") == 0
    assert verify(project / "out")
    assert make(project) == []
    assert verify(project / "out") == []


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_published")
def test_to_mend_is_to_wait_for_whoever_writes(project: Path) -> None:
    assert make(project) == []  # its index knows what is published
    copy_package(project)
    with marker.alone(project / "out"):
        process = start(project, "verify", "out", "--mend")
        assert process.stdout is not None and "is in use by process" in process.stdout.readline()
        assert call(project, "verify", "out")[0] == 0, "looking waits for nobody"
        assert process.poll() is None
    assert process.communicate()[0] == "out: 0 findings\n" and process.returncode == 0


def test_to_look_is_to_look_twice_at_what_another_process_may_be_writing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = min((project / "out").glob("runs/*/record.json"))
    test = record.with_name("test.npz")
    new = test.read_bytes()
    test.write_bytes(b"of the former run")
    monkeypatch.setattr("fmnist_utils.report.verify.time.sleep", lambda seconds: test.write_bytes(new))
    assert verify(project / "out") == []


@pytest.mark.parametrize("before", ["damaged", "without checksums"])
def test_to_mend_is_to_wait_for_whoever_trains_a_run_again(
    before: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who trains a run again holds the run, and not the folder; between two of its files the run looks damaged."""
    out = project / "out"
    record, lock = min(out.glob("runs/*/record.json")), Store.lock
    new = {path: path.read_bytes() for path in (record, record.with_name("test.npz"))}
    values = json.loads(new[record])
    if before == "damaged":
        values["test_sha256"] = "0" * 64
        record.write_text(json.dumps(sealed(values)), "utf-8")
    else:
        del values["record_sha256"]
        record.write_text(json.dumps(values), "utf-8")
    assert len(verify(out)) == 1

    @contextlib.contextmanager
    def waited_for(self: Store, key: str) -> Iterator[None]:
        with lock(self, key):
            record.write_bytes(new[record])  # the last that the other process did before it let go
            yield

    monkeypatch.setattr(Store, "lock", waited_for)
    assert verify(out, mend=True) == []
    assert {path: path.read_bytes() for path in new} == new


def test_what_a_link_leads_to_is_another_folders_and_stays(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, store = project / "out", Store(tmp_path / "mine")
    record = min(other.glob("runs/*/record.json"))
    before = record.read_bytes()
    link = store.folder / "0123456789abcdef"
    link.parent.mkdir(parents=True)
    link.symlink_to(record.parent)
    assert store.records() == [] and store.load(link.name) is None
    assert f"(it is of run '{record.parent.name}'): not used, and it cannot be put aside" in capsys.readouterr().err
    (line,) = [line for line in verify(tmp_path / "mine", mend=True) if line.startswith("runs/")]
    assert line.endswith("mended: the link that leads to it is removed")
    assert record.read_bytes() == before and not os.path.lexists(link)
    assert verify(tmp_path / "mine") == []


@pytest.mark.parametrize("file", [".fmnist-reports.json", "results.csv", "index.html", "01_first.html"])
@pytest.mark.parametrize("kind", ["folder", "link to nowhere", "link to itself"])
def test_what_is_no_file_is_mended(file: str, kind: str, project: Path) -> None:
    place = project / "out" / file
    place.unlink()
    if kind == "folder":
        (place / "more").mkdir(parents=True)
    else:
        place.symlink_to(place if kind == "link to itself" else "nowhere")
    assert any(line.startswith(file) for line in verify(project / "out"))
    verify(project / "out", mend=True)
    if file == "01_first.html":  # a page is put aside, and written when it is wanted
        assert not os.path.lexists(place) and make(project) == []
    assert verify(project / "out") == [] and place.is_file() and not place.is_symlink()


# --- where reports may go ---


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("out", [".", "notebooks", "notebooks/new", "params", "params/quick", "params/new", "pictures"])
def test_reports_never_go_where_something_else_is(out: str, project: Path) -> None:
    (project / "pictures" / "cat").mkdir(parents=True)
    (project / "pictures" / "cat" / "1.png").write_bytes(b"")
    before = tree(project)
    with pytest.raises(UserError, match="OUT=.*choose"):
        build.build(prepare(project, project / out))
    assert tree(project) == before


def test_reports_never_go_into_the_package_or_the_data(project: Path, tmp_path: Path) -> None:
    for out in ("fmnist_utils/new", "data/new", "fmnist_utils"):
        with pytest.raises(UserError, match="reports must not change"):
            prepare(project, out)
    images = tmp_path / "images"
    images.mkdir()
    declared = f'out: str = "x"  # folder\ndataset: str = "{images}"  # data\ndata_dir: str = ""  # place\n'
    write_notebook(project / "notebooks" / "01_first.ipynb", parameters=declared)
    with pytest.raises(UserError, match="reports must not change"):
        prepare(project, images / "reports", only="01")


def test_what_git_and_jupyter_keep_in_a_folder_is_nobodys_work(tmp_path: Path) -> None:
    (tmp_path / ".gitkeep").touch()
    (tmp_path / ".ipynb_checkpoints").mkdir()
    assert marker.problem(tmp_path, (), ()) == ""


def test_a_table_and_a_page_beside_nothing_but_runs_are_somebodys_own(tmp_path: Path) -> None:
    run = tmp_path / "runs" / ("0" * 16)
    run.mkdir(parents=True)
    (run / "run.lock").touch()
    assert marker.problem(tmp_path, (), ()) == ""
    (tmp_path / "results.csv").write_text("mine\n", "utf-8")
    assert "is no folder of reports: choose a new or empty one" in marker.problem(tmp_path, (), ())


@pytest.mark.parametrize("theirs", [".git/config", "runs/exp1/results.csv", ".gitignore"])
def test_somebodys_own_notebooks_are_no_reports(theirs: str, project: Path, tmp_path: Path) -> None:
    out = tmp_path / "other project"
    for name in (theirs, "notebooks/01_first.ipynb"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / "notebooks" / "01_first.ipynb", out / name)
    before = tree(out)
    with pytest.raises(UserError, match="is no folder of reports: choose a new or empty one"):
        build.build(prepare(project, out))
    assert tree(out) == before
    (out / "notebooks" / "01_first.ipynb").unlink()
    assert marker.problem(out, (), ()), "and neither is what is left of it"


@pytest.mark.parametrize("link", ["notebooks", "runs"])
def test_reports_never_go_through_a_link_to_where_something_else_is(link: str, project: Path) -> None:
    out = project / "linked"
    out.mkdir()
    (out / link).symlink_to(project / "notebooks")
    before = tree(project)
    with pytest.raises(UserError, match="reports must not change"):
        build.build(prepare(project, out))
    assert tree(project) == before


def test_reports_go_into_new_empty_and_their_own_folders(project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    Store(tmp_path / "trained").save(run_with(0.8, Experiment()))  # in JupyterLab
    unmarked = shutil.copytree(project / "out", tmp_path / "unmarked")
    (unmarked / ".fmnist-reports.json").unlink()
    more = shutil.copytree(project / "out", tmp_path / "more")
    (more / "notes.txt").write_text("mine")
    for name in ("new", "empty", "trained", "unmarked", "more"):
        assert len(prepare(project, tmp_path / name)) == 2
