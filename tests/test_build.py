from __future__ import annotations

import json
import os
import time
from pathlib import Path

import papermill
import pytest
from PIL import Image
from small_project import COMMON, TOKEN, edit, outputs, tokens, write_notebook, write_project

from fmnist_utils import UserError
from fmnist_utils.basics import system
from fmnist_utils.data import locate
from fmnist_utils.report import build
from fmnist_utils.report.build import Report


def prepare(root: Path, **options: object) -> list[Report]:
    folders = {"notebooks": root / "notebooks", "params": root / "params"}
    return build.prepare("quick", out=str(root / "out"), **folders, **options)  # type: ignore[arg-type]


def make(root: Path, **options: object) -> list[str]:
    return build.build(prepare(root, **options))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose reports are made, for tests that do not change it."""
    root = write_project(tmp_path_factory.mktemp("made"))
    assert make(root) == []
    return root


def test_parameters_go_from_defaults_to_params_file_to_command_line(project: Path) -> None:
    first, second, third = prepare(project, overrides={"lr": 0.5})
    assert (first.name, second.name, third.name) == ("01_first", "02_second", "03_third")
    assert second.effective["epochs"] == 3
    assert first.effective["epochs"] == 2
    assert first.effective["lr"] == 0.5
    assert first.effective["out"] == str(project / "out")


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("", ["01_first", "02_second", "03_third"]),
        ("03 01", ["01_first", "03_third"]),
        ("2", ["02_second"]),
        ("02_second,03_third.ipynb", ["02_second", "03_third"]),
    ],
)
def test_only_selects_by_number_or_name_in_the_order_of_the_series(project: Path, only: str, names: list[str]) -> None:
    assert [report.name for report in prepare(project, only=only)] == names


def test_all_problems_are_told_at_once_and_nothing_is_made(project: Path) -> None:
    params = project / "params" / "quick"
    (params / "01_first.yaml").write_text("lr: 1e-3\nepoch: 3\n")
    (params / "02_second.yaml").write_text("epochs: [1, 2\n")
    (params / "03_third.yaml").unlink()
    with pytest.raises(UserError) as raised:
        make(project, overrides={"seeds": 3})
    lines = str(raised.value).splitlines()
    told = ["write 1.0e-3", "unknown parameter 'epoch'", "02_second.yaml:2", "03_third.yaml is missing", "'seeds'"]
    assert len(lines) == len(told)
    for line, said in zip(lines, told, strict=True):
        assert said in line
    assert not (project / "out").exists()


def test_out_in_a_params_file_is_that_of_its_profile(project: Path) -> None:
    file = project / "params" / "quick" / "01_first.yaml"
    file.write_text("out: elsewhere\n")
    with pytest.raises(UserError, match="01_first.yaml: out: 'elsewhere' must be reports/quick, or OUT=folder"):
        prepare(project)
    file.write_text("out: reports/quick\n")
    assert prepare(project)[0].effective["out"] == str(project / "out"), "OUT goes before it"


def test_out_is_not_set_past_the_check_of_it(project: Path) -> None:
    with pytest.raises(UserError, match="^command line: out is not set so: write OUT=folder, or --out folder$"):
        prepare(project, overrides={"out": "elsewhere"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"profile": "quik"}, "unknown profile 'quik'; did you mean 'quick'?"),
        ({"profile": "quick", "only": "02 7"}, "unknown notebook '7'"),
        ({"profile": "quick", "only": "02_secnd"}, "did you mean '02_second'?"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(project: Path, arguments: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as raised:
        build.prepare(**arguments, notebooks=project / "notebooks", params=project / "params")
    assert said in str(raised.value)


def test_a_params_file_without_its_notebook_is_an_error(project: Path) -> None:
    (project / "params" / "quick" / "02_secnd.yaml").write_text("")
    with pytest.raises(UserError, match="02_secnd.yaml has no notebook; did you mean '02_second'?"):
        prepare(project)


def test_an_out_of_range_value_is_found_before_any_kernel_starts(project: Path) -> None:
    with pytest.raises(UserError, match="command line: lr: -1.0 is not allowed"):
        make(project, overrides={"lr": -1.0})
    assert not (project / "out").exists()


@pytest.mark.slow
def test_damaged_data_are_told_once_by_a_dry_run_too(project: Path) -> None:
    (project / "animals").mkdir()
    declared = f'dataset: str = "{project / "animals"}"  # name or folder\nout: str = ""  # folder\n'
    for name in ("01_first", "02_second"):
        write_notebook(project / "notebooks" / f"{name}.ipynb", TOKEN, parameters=declared)
        (project / "params" / "quick" / f"{name}.yaml").write_text("", "utf-8")
    with pytest.raises(UserError, match=f"^{project / 'animals'} holds no data set"):
        build.dry_run(prepare(project))


def test_an_executed_notebook_has_outputs_of_its_parameters_and_its_provenance(made: Path) -> None:
    executed = made / "out" / "notebooks" / "02_second.ipynb"
    assert "lr is 0.001 for 3 epochs" in outputs(executed)
    metadata = json.loads(executed.read_text("utf-8"))["metadata"]
    found = metadata["fmnist"]["provenance"]
    assert found["parameters"]["epochs"] == 3
    assert found["profile"] == "quick"
    assert found["versions"]["torch"]
    assert found["device"]
    assert found["wall_seconds"] > 0
    assert len(found["fingerprint"]) == 64
    assert "papermill" not in metadata, "it holds paths of the machine"


def test_what_cells_print_is_joined_and_one_long_line_stops_nothing(project: Path) -> None:
    printing = "for part in ('x' * 200_000, '\\r', 'seen\\n'):\n    print(part, end='', flush=True)"
    write_notebook(project / "notebooks" / "01_first.ipynb", printing)
    begin = time.monotonic()
    assert make(project, only="01") == []
    assert time.monotonic() - begin < 60
    assert outputs(project / "out" / "notebooks" / "01_first.ipynb") == "seen\n"


def test_a_notebook_that_says_nothing_for_long_is_said_to_be_at_work(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "SILENCE", 2)
    write_notebook(project / "notebooks" / "01_first.ipynb", "import time; time.sleep(5)")
    assert make(project, only="01") == []
    assert "[01_first] still at work: What does 01_first ask?" in capsys.readouterr().out.splitlines()


def test_a_table_whose_name_is_no_text_is_in_no_record(project: Path) -> None:
    (report, *_) = prepare(project)
    report.out.mkdir()
    for name in (b"whole.csv", b"\xff.csv"):
        try:
            (report.out / os.fsdecode(name)).write_text("a\n")
        except OSError:
            pytest.skip("this file system has no such names")
    assert [name for name, _ in report._tables()] == ["whole.csv"]


def test_pages_link_to_their_neighbours_in_the_whole_series(made: Path) -> None:
    page = (made / "out" / "02_second.html").read_text("utf-8")
    assert 'href="01_first.html"' in page
    assert 'href="03_third.html"' in page
    assert "What does 03_third ask?" in page
    assert (made / "out" / "index.html").exists()


def test_nothing_is_executed_twice(made: Path) -> None:
    before = tokens(made / "out")
    assert len(set(before.values())) == 3
    assert make(made) == []
    assert tokens(made / "out") == before


def test_no_file_is_left_that_is_not_a_report(made: Path) -> None:
    assert sorted(path.name for path in (made / "out" / "notebooks").iterdir()) == [
        "01_first.ipynb",
        "02_second.ipynb",
        "03_third.ipynb",
    ]


def test_editing_prose_executes_that_notebook_alone(project: Path) -> None:
    make(project)
    before = tokens(project / "out")
    edit(project / "notebooks" / "02_second.ipynb", "Some prose.", "Better prose.")
    make(project)
    after = tokens(project / "out")
    assert [name for name in before if after[name] != before[name]] == ["02_second"]
    assert "Better prose." in (project / "out" / "02_second.html").read_text("utf-8")


def changed(root: Path) -> bool:
    """Make the reports; whether 01 was executed again."""
    before = tokens(root / "out")
    make(root, only="01")
    return tokens(root / "out") != before


def test_what_a_report_depends_on_executes_it_again_and_nothing_else_does(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    make(project, only="01")
    content = json.loads(notebook.read_text("utf-8"))
    for index, cell in enumerate(content["cells"]):
        cell |= {"id": f"cell-{index}", "metadata": {**cell["metadata"], "collapsed": True}}
    notebook.write_text(json.dumps(content, indent=4), "utf-8")
    assert not changed(project), "cell ids, other metadata and layout"
    (project / "params" / "quick" / "01_first.yaml").write_text("epochs: 2\n")
    assert not changed(project), "a parameter set to its default"
    (project / "params" / "quick" / "01_first.yaml").write_text("epochs: 5\n")
    assert changed(project), "a parameter"
    content["cells"][2]["metadata"]["tags"] = ["remove-input"]
    notebook.write_text(json.dumps(content), "utf-8")
    assert changed(project), "a tag"
    assert changed(project) is False
    before = tokens(project / "out")
    build.build(prepare(project, only="01"), force=True)
    assert tokens(project / "out") != before, "force"


def test_changed_data_executes_a_notebook_again(project: Path) -> None:
    folder = project / "animals"
    for name in ("cat", "dog"):
        for number in range(8):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.linear_gradient("L").rotate(number).save(folder / name / f"{number}.png")
    declared = f'{COMMON}dataset: str = "{folder}"  # name or folder\ndata_dir: str = ""  # its place\n'
    write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, parameters=declared)
    make(project, only="01")
    assert not changed(project)
    Image.linear_gradient("L").save(folder / "cat" / "8.png")
    assert changed(project)


def test_a_missing_page_is_rendered_without_execution(project: Path) -> None:
    make(project)
    before, page = tokens(project / "out"), project / "out" / "02_second.html"
    page.unlink()
    make(project)
    assert page.exists()
    assert tokens(project / "out") == before


def test_pages_do_not_link_to_reports_that_are_not_there(project: Path) -> None:
    make(project, only="1 3")
    first, third = (project / "out" / name for name in ("01_first.html", "03_third.html"))
    assert 'href="03_third.html"' in first.read_text("utf-8")
    assert "02_second.html" not in first.read_text("utf-8") + third.read_text("utf-8")
    before = tokens(project / "out")
    make(project)
    assert 'href="02_second.html"' in first.read_text("utf-8")
    assert before.items() < tokens(project / "out").items()


def test_a_neighbours_new_title_is_rendered_without_execution(project: Path) -> None:
    make(project)
    before = tokens(project / "out")
    edit(project / "notebooks" / "03_third.ipynb", "What does 03_third ask?", "A better title")
    make(project, only="1 2")
    assert "A better title" in (project / "out" / "02_second.html").read_text("utf-8")
    assert tokens(project / "out") == before


def test_a_damaged_executed_notebook_is_made_again(project: Path) -> None:
    make(project, only="01")
    executed = project / "out" / "notebooks" / "01_first.ipynb"
    executed.write_text(executed.read_text("utf-8")[:100])
    make(project, only="01")
    assert "token" in outputs(executed)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no such thing\\nmore')", "FAILED 02_second, cell 5: ValueError: no such thing (see "),
        (
            "from fmnist_utils import UserError\nraise UserError('lr is odd; take 0.1')",
            "FAILED 02_second, cell 5: lr is odd; take 0.1 (see ",
        ),
        ("import os\nos._exit(1)", "FAILED 02_second, cell 5: DeadKernelError: "),
    ],
)
def test_a_failure_is_told_keeps_the_last_good_report_and_stops_no_other(project: Path, code: str, said: str) -> None:
    make(project, only="02")
    good, page = tokens(project / "out"), (project / "out" / "02_second.html").read_text("utf-8")
    write_notebook(project / "notebooks" / "02_second.ipynb", TOKEN, "print('so far')", code, "print('never')")
    (failure,) = make(project)
    assert failure.startswith(said)
    failed = project / "out" / "notebooks" / "02_second.failed.ipynb"
    assert str(failed) in failure
    assert "so far" in outputs(failed)
    assert "never" not in outputs(failed)
    after = tokens(project / "out")
    assert after["02_second"] == good["02_second"]
    assert (project / "out" / "02_second.html").read_text("utf-8") == page
    assert {"01_first", "03_third"} < after.keys()
    index = (project / "out" / "index.html").read_text("utf-8")
    assert "02_second.html" in index
    assert "03_third.html" in index


def test_an_output_that_cannot_be_rendered_is_a_failure_of_its_notebook_alone(project: Path) -> None:
    broken = "from IPython.display import display\ndisplay({'image/png': 'AAAA'}, raw=True)"
    write_notebook(project / "notebooks" / "01_first.ipynb", broken)
    (failure,) = make(project, only="01 02")
    assert failure.startswith("FAILED 01_first, rendering: ")
    assert list(tokens(project / "out")) == ["01_first.failed", "02_second"]
    assert not (project / "out" / "01_first.html").exists()


def test_a_failure_that_takes_lines_to_tell_is_told_in_one(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    content["cells"][-1]["metadata"]["collapsed"] = "neither"  # which no notebook may say
    notebook.write_text(json.dumps(content), "utf-8")
    (failure,) = make(project, only="01")
    assert failure.startswith("FAILED 01_first, rendering: ") and "\n" not in failure


def test_a_notebook_without_kernel_metadata_is_executed(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    notebook.write_text(json.dumps({**content, "metadata": {}}), "utf-8")
    assert make(project, only="01") == []


def test_a_failed_notebook_is_tried_again_and_its_trace_goes_when_it_succeeds(project: Path) -> None:
    notebook = project / "notebooks" / "01_first.ipynb"
    write_notebook(notebook, "1 / 0")
    assert len(make(project, only="01")) == 1
    assert len(make(project, only="01")) == 1
    write_notebook(notebook, TOKEN)
    assert make(project, only="01") == []
    assert [path.name for path in (project / "out" / "notebooks").iterdir()] == ["01_first.ipynb"]


def test_taking_a_failed_edit_back_leaves_the_good_report_and_no_failure(project: Path) -> None:
    make(project, only="01")
    good, notebook = tokens(project / "out"), project / "notebooks" / "01_first.ipynb"
    before = notebook.read_text("utf-8")
    write_notebook(notebook, "1 / 0")
    assert len(make(project, only="01")) == 1
    notebook.write_text(before, "utf-8")
    assert make(project, only="01") == []
    assert tokens(project / "out") == good


def test_a_project_may_lie_in_a_folder_with_braces(tmp_path: Path) -> None:
    root = write_project(tmp_path / "{braces} {0} {{x")
    assert make(root, only="01") == []
    assert list(tokens(root / "out")) == ["01_first"]


def test_more_images_than_there_are_is_told_before_any_kernel_starts(project: Path) -> None:
    folder = project / "animals"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            Image.linear_gradient("L").rotate(number).save(folder / name / f"{number}.png")
    data = f'dataset: str = "{folder}"  # name or folder\ndata_dir: str = ""  # its place\nout: str = ""  # folder\n'
    for size, comment in ((15, "training images"), (14, "0 for all that validation leaves")):
        declared = f"{data}train_size: int = {size}  # {comment}\n"
        write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, parameters=declared)
        with pytest.raises(UserError, match=f"01_first: train_size: {size} is more than the 1[24] images"):
            make(project, only="01")
        assert not (project / "out").exists()


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_trained_and_changes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = "from fmnist_utils import Experiment, run_all\nmodel = dict(model='cnn-small', train_size=500, epochs=1)\n"
    write_notebook(project / "notebooks" / "01_first.ipynb", train + "run_all([Experiment(**model)], out)", "1 / 0")
    write_notebook(project / "notebooks" / "02_second.ipynb", "raise ValueError('before any training')\nrun_all([])")
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook")
    ours = ("JPY_SESSION_NAME", "DRY_RUN", "DRY_RUN_FILE", "PRECISION", "JOBS", "SCHEDULER")
    before = [os.environ.get(name) for name in ours]
    (failure,) = build.dry_run(prepare(project, only="1 2"))
    assert failure == "FAILED 02_second, cell 3: ValueError: before any training"
    assert "01_first: new; 1 run to train, about " in capsys.readouterr().out
    assert [os.environ.get(name) for name in ours] == before
    assert not (project / "out" / "notebooks").exists()


@pytest.mark.slow
def test_a_dry_run_executes_nothing_beyond_the_last_training(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = (report.notebook for report in prepare(project))
    names, heavy = "from fmnist_utils import Experiment, run_all\n", "raise SystemError('hours of work')"
    write_notebook(first, names, heavy)
    write_notebook(second, names, "run_all([], out)", heavy)
    function = f"{names}def fit(**options):\n    run_all(Experiment(**options), out)"
    write_notebook(third, function, "fit(model='cnn-small', train_size=500, epochs=1)", heavy)
    assert build.dry_run(prepare(project)) == []
    told = capsys.readouterr().out
    assert "01_first: new; nothing to train" in told
    assert "02_second: new; nothing to train" in told
    assert "03_third: new; 1 run to train" in told


@pytest.mark.slow
def test_a_dry_run_counts_a_cross_validation_after_what_is_trained(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "from fmnist_utils import Experiment, cross_validate, fold_experiments, run_groups\n"
    checker = f"{names}checker = Experiment(model='cnn-small', train_size=500, epochs=1)"
    done, folds = "groups = run_groups({}, 1, out)", "unseen = cross_validate(checker, 2, out)"
    notebook = prepare(project, only="01")[0].notebook
    write_notebook(notebook, checker, done, folds, "1 / 0")
    assert build.dry_run(prepare(project, only="01")) == []
    assert "01_first: new; 2 runs to train" in capsys.readouterr().out
    together = "run_groups({'all': checker}, 1, out, also=fold_experiments(checker, 3))"
    write_notebook(notebook, checker, together, folds)
    assert build.dry_run(prepare(project, only="01")) == []
    assert "01_first: new; 4 runs to train" in capsys.readouterr().out


def test_a_dry_run_does_not_fetch_data(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "ROOT", tmp_path / "elsewhere")
    monkeypatch.setattr(locate, "SYSTEM", tmp_path / "system")
    declared = f'{COMMON}dataset: str = "fashion-mnist"  # name or folder\ndata_dir: str = ""  # its place\n'
    write_notebook(project / "notebooks" / "01_first.ipynb", TOKEN, parameters=declared)
    assert build.dry_run(prepare(project, only="01")) == []
    assert "01_first: new; its data would be fetched first" in capsys.readouterr().out
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(("deaths", "failures"), [(1, 0), (2, 1)])
def test_a_kernel_that_dies_before_its_first_cell_is_started_once_more(
    deaths: int, failures: int, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, left = papermill.execute_notebook, [RuntimeError("Kernel died before replying to kernel_info")] * deaths

    def dying(*arguments: object, **options: object) -> object:
        if left:
            raise left.pop()
        return execute(*arguments, **options)

    monkeypatch.setattr(papermill, "execute_notebook", dying)
    assert len(make(project, only="01")) == failures
