"""Notebooks and profiles of one's own, working copies for JupyterLab, and the form in which notebooks are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from small_project import call, copy_package, outputs

from fmnist_utils import UserError
from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import authoring, build, parameters

SERIES = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The series and its params, to change."""
    for folder in ("notebooks", "params"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    return tmp_path


def saved(folder: Path, name: str, hook: str = "") -> bytes:
    """Open a notebook in Jupyter, execute it if there is a hook, as the browser does, and save it."""
    manager = LargeFileManager(root_dir=str(folder), **({"pre_save_hook": hook} if hook else {}))
    model = manager.get(name, type="notebook")
    if hook:
        model["content"]["metadata"]["language_info"] = {"name": "python", "version": "3.99", "file_extension": ".py"}
        for cell in model["content"]["cells"]:
            cell["metadata"]["trusted"] = True
            if cell["cell_type"] == "code":
                cell["metadata"]["execution"] = {"iopub.status.busy": "2026-01-01"}
                cell["outputs"] = [nbformat.v4.new_output("stream", text="of this machine")]
                cell["execution_count"] = 7
    manager.save(model, name)
    return (folder / name).read_bytes()


@pytest.mark.parametrize("notebook", SERIES, ids=lambda path: path.stem)
def test_opening_and_saving_in_jupyter_changes_nothing(notebook: Path, tmp_path: Path) -> None:
    shutil.copy(notebook, tmp_path)
    mend = "python -m fmnist_utils tidy"
    assert saved(tmp_path, notebook.name) == notebook.read_bytes(), mend
    assert saved(tmp_path, notebook.name, "fmnist_utils.report.authoring.pre_save") == notebook.read_bytes(), mend


def test_tidy_mends_what_was_saved_with_outputs(tmp_path: Path) -> None:
    path = Path(shutil.copy(SERIES[0], tmp_path))
    content = json.loads(path.read_text("utf-8"))
    content["cells"][1] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": ["x"]}], "metadata": {}}
    content["cells"][1]["metadata"] = {"tags": ["parameters"], "collapsed": True}
    path.write_text(json.dumps(content), "utf-8")
    assert authoring.tidy_files([path]) == [path]
    assert path.read_bytes() == SERIES[0].read_bytes()
    assert authoring.tidy_files([path]) == []


def test_working_copies_have_a_store_of_their_own_and_keep_what_was_tried(project: Path) -> None:
    before = [path.read_bytes() for path in sorted((project / "notebooks").iterdir())]
    lab = project / "lab"
    first = authoring.working_copies(project / "notebooks", lab)
    assert [path.name for path in sorted(lab.iterdir())] == [path.name for path in SERIES]
    for copy, notebook in zip(sorted(lab.iterdir()), SERIES, strict=True):
        values = [{name: item.default for name, item in parameters.read(path).items()} for path in (copy, notebook)]
        assert values[0] == values[1] | {"out": "reports/lab"}
    first.write_text(first.read_text("utf-8").replace("linear_steps: int = 40", "linear_steps: int = -1"), "utf-8")
    tried = first.read_bytes()
    authoring.working_copies(project / "notebooks", lab)
    assert first.read_bytes() == tried
    assert [path.read_bytes() for path in sorted((project / "notebooks").iterdir())] == before


def test_working_copies_are_ignored_by_git() -> None:
    assert f"/{authoring.LAB.name}/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_a_new_notebook_becomes_a_report_of_the_series(project: Path) -> None:
    root = copy_package(project)
    for path in [*(root / "notebooks").iterdir(), *root.glob("params/*/*")]:
        if not path.stem.startswith(("01", "02")):
            path.unlink()
    code, out, err = call(root, "notebook", "07_my_idea")
    assert (code, err) == (0, "")
    assert out == "notebooks/07_my_idea.ipynb is made, with params for every profile: make reports ONLY=07\n"
    for name in ("01_data_exploration", "02_baseline"):
        first = parameters.load_notebook(root / "notebooks" / f"{name}.ipynb")["cells"][0]["source"]
        assert " · [07 my idea](07_my_idea.ipynb)" in first
        assert first.count("**07") == 0
    path = root / "notebooks" / "07_my_idea.ipynb"
    assert "[01 the data](01_data_exploration.ipynb)" in path.read_text("utf-8")
    assert authoring.tidy_files([path]) == []
    assert {profile: parameters.load(root / "params" / profile / "07_my_idea.yaml")["out"]
            for profile in ("smoke", "quick", "full")} == {
        profile: f"reports/{profile}" for profile in ("smoke", "quick", "full")}  # fmt: skip
    assert call(root, "check", PROFILE="")[0] == 0
    code, out, _ = call(root, "reports", "--only", "07", "--set", "epochs=1", "train_size=200", PROFILE="smoke")
    assert code == 0, out
    page = (root / "reports" / "smoke" / "07_my_idea.html").read_text("utf-8")
    assert "What does my idea change?" in page
    assert "epoch 1/1" in outputs(root / "reports" / "smoke" / "notebooks" / "07_my_idea.ipynb")
    index = " ".join((root / "reports" / "smoke" / "index.html").read_text("utf-8").split())
    assert "3 notebooks, 1 report<" in index


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "NAME=mine is not allowed: write it as 07_mine"),
        ("02_mine", "NAME=02_mine: 02_baseline has that number already: write 07_mine"),
    ],
)
def test_the_name_of_a_new_notebook_is_checked(project: Path, name: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}$"):
        authoring.make_notebook(name, project / "notebooks", project / "params")
    assert len(list((project / "notebooks").iterdir())) == len(SERIES)


def test_a_new_notebook_replaces_the_others_whole(project: Path) -> None:
    """Who reads a notebook while its map is written sees the old one to its end, as after Ctrl-C in between."""
    path = project / "notebooks" / SERIES[0].name
    before = path.read_text("utf-8")
    with path.open(encoding="utf-8") as old:
        authoring.make_notebook("07_mine", project / "notebooks", project / "params")
        assert old.read() == before != path.read_text("utf-8")


def test_a_new_profile_has_a_reports_folder_of_its_own(project: Path) -> None:
    places = {"notebooks": project / "notebooks", "params": project / "params"}
    shutil.copytree(project / "params" / "quick", project / "params" / "copied")
    with pytest.raises(UserError, match="out: 'reports/quick' must be reports/copied"):
        build.prepare("copied", **places, stale=lambda report: False)
    authoring.make_profile("mine", "quick", project / "params")
    reports = build.prepare("mine", **places, stale=lambda report: False)
    assert {report.out.name for report in reports} == {"mine"}
    with pytest.raises(UserError, match="mine is there already"):
        authoring.make_profile("mine", "quick", project / "params")
    with pytest.raises(UserError, match="unknown profile 'qick'; did you mean 'quick'"):
        authoring.make_profile("other", "qick", project / "params")
