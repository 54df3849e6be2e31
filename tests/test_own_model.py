"""A model of one's own: README's example as it stands, and what happens when it is edited."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_project import call, copy_package, edit, tokens, write_notebook, write_project
from torch import Tensor, nn

from fmnist_utils import Experiment, UserError, models, run_all
from fmnist_utils.basics import own
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.runs import cluster
from fmnist_utils.runs.store import Store

TRAIN = """
import sys
from fmnist_utils import Experiment, results, run_all
[run] = run_all([Experiment(model="my-net", train_size=500, batch_size=50, epochs=1)], sys.argv[1])
print(run.key, "fresh" if run.fresh else "stored", run.parameters, len(results(sys.argv[1])))
run.model()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose package has README's example in a file of its own."""
    root = copy_package(tmp_path / "project")
    [example] = re.findall(r"```python\n(.*?register.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (root / "fmnist_utils" / "models" / "mine.py").write_text(example, "utf-8")
    return root


def python(root: Path, *arguments: str) -> str:
    command = [sys.executable, "-c", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def train(root: Path) -> list[str]:
    lines = python(root, TRAIN, str(root / "out")).splitlines()
    return [line for line in lines if re.match(r"[0-9a-f]{16} ", line)][0].split()


@pytest.mark.slow
def test_an_edited_model_is_trained_anew(project: Path) -> None:
    key, state, parameters, _ = train(project)
    assert state == "fresh"
    assert train(project) == [key, "stored", parameters, "1"]
    edit(project / "fmnist_utils" / "models" / "mine.py", "nn.ReLU()", "nn.Tanh()")
    other, state, _, stored = train(project)
    assert (state, stored) == ("fresh", "1")  # the old run no longer counts
    load = "from fmnist_utils import UserError, load_run\ntry: load_run({!r}, 'out')\nexcept UserError as e: print(e)"
    said = f"no finished run '{key}' in out: model 'my-net' has changed since it was trained; train it again"
    assert python(project, load.format(key)).startswith(said)
    assert other != key
    edit(project / "fmnist_utils" / "models" / "mine.py", "nn.Tanh()", "nn.ReLU()")
    assert train(project)[:2] == [key, "stored"]
    (project / "fmnist_utils" / "models" / "mine.py").unlink()
    said = f"no finished run '{key}' in out: unknown model 'my-net', so run or import first what registers it"
    assert python(project, load.format(key)).startswith(said)


@pytest.mark.slow
def test_a_module_that_the_model_uses_counts_too(project: Path) -> None:
    mine = project / "fmnist_utils" / "models" / "mine.py"
    (project / "my_layers.py").write_text("from torch import nn\nactivation = nn.ReLU\n", "utf-8")
    mine.write_text(
        "import my_layers\n" + mine.read_text("utf-8").replace("nn.ReLU()", "my_layers.activation()"), "utf-8"
    )
    key, *_ = train(project)
    edit(project / "my_layers.py", "nn.ReLU", "nn.SiLU")
    assert train(project)[0] != key


@pytest.mark.slow
def test_an_edit_beside_the_package_has_reports_executed_again(project: Path) -> None:
    write_project(project)
    write_notebook(project / "notebooks" / "01_first.ipynb", "import my_words", "print(my_words.WORD)")
    mine = project / "fmnist_utils" / "models" / "mine.py"
    mine.write_text("from my_layers import activation  # noqa\n" + mine.read_text("utf-8"), "utf-8")
    (project / "my_layers.py").write_text("from my_parts import activation\n", "utf-8")
    (project / "my_parts.py").write_text("from torch import nn\nactivation = nn.ReLU\n", "utf-8")
    (project / "my_words.py").write_text("WORD = 'one'\n", "utf-8")
    (project / "unused.py").write_text("", "utf-8")
    assert "01_first: executing (new)" in call(project, "reports", "--only", "1")[1]
    assert "01_first: unchanged" in call(project, "reports", "--only", "1")[1]
    edit(project / "my_words.py", "one", "two")
    assert "01_first: executing (changed: code)" in call(project, "reports", "--only", "1")[1]
    assert tokens(project / "reports" / "quick") == {"01_first": "two\n"}
    edit(project / "my_parts.py", "ReLU", "SiLU")
    (project / "unused.py").write_text("edited = True", "utf-8")
    assert "01_first: changed: code" in call(project, "reports", "--only", "1", "--dry-run")[1]
    edit(project / "my_parts.py", "SiLU", "ReLU")
    assert "01_first: unchanged" in call(project, "reports", "--only", "1")[1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nn.ReLU()", "nn.ReLU(", "line 14: SyntaxError: invalid syntax"),
        (
            "class MyNet(nn.Module)",
            "class MyNet(nn.Modul)",
            "line 9: AttributeError: module 'torch.nn' has no attribute",
        ),
        ('"my-net"', '"base"', "line 8: two models are called 'base': choose another name"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_in_a_line(project: Path, old: str, new: str, said: str) -> None:
    edit(project / "fmnist_utils" / "models" / "mine.py", old, new)
    status, out, error = call(project, "models")
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"Error: fmnist_utils/models/mine.py, {said}")


def test_a_class_defined_again_in_a_notebook_replaces_the_former(tmp_path: Path) -> None:
    script = f"""
from torch import nn
from fmnist_utils import Experiment, models, run_all
keys = []
for act in (nn.ReLU, nn.Tanh):
    @models.register("mine", source="me", width=act.__name__)
    class Mine(nn.Module):
        def __init__(self, n_classes: int = 10, width: str = "") -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, n_classes))
        def forward(self, images):
            return self.layers(images)
    [run] = run_all([Experiment(model="mine", train_size=500, epochs=1)], {str(tmp_path)!r})
    keys.append(run.key)
print(len(set(keys)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["2"], done.stderr


def test_layers_that_share_their_weights_are_stored(tmp_path: Path) -> None:
    @models.register("twice", source="a test")
    class Twice(nn.Module):
        def __init__(self, n_classes: int = 10) -> None:
            super().__init__()
            self.first = nn.Linear(784, n_classes)
            self.second = self.first

        def forward(self, images: Tensor) -> Tensor:
            return self.first(images.flatten(1)) + self.second(images.flatten(1))

    try:
        [run] = run_all([Experiment(model="twice", train_size=100, epochs=1)], tmp_path)
        weights = Store(tmp_path).check(run.key).model().state_dict()
        assert run.fresh and torch.equal(weights["first.weight"], weights["second.weight"])
    finally:
        del models.REGISTRY["twice"]


def test_the_packages_models_have_no_digest_and_keep_their_names() -> None:
    assert {models.entry(name).digest for name in models.names()} == {""}
    with pytest.raises(UserError, match="two models are called 'base': choose another name"):
        models.register("base", source="me")(models.entry("base").build)


def test_files_that_decide_results_are_as_they_were_released() -> None:
    """Where this fails and the golden tests do not, no bit has changed: write what is now into `own.RELEASED`."""
    texts = {file: (ROOT / "fmnist_utils" / file).read_text("utf-8") for file in own.RELEASED}
    assert {file: hashlib.sha256(text.encode()).hexdigest()[:16] for file, text in texts.items()} == own.RELEASED


def test_a_file_of_the_package_that_is_edited_makes_other_runs(request: pytest.FixtureRequest) -> None:
    experiment = Experiment(augmentation="flip")
    key, digests, mine = experiment.key(""), experiment.digests, own.digest(json.loads)
    request.getfixturevalue("edited_package")
    assert digests == {} and experiment.digests.keys() == {"model", "augmentation", "optimizer", "schedule"}
    assert experiment.key("") != key
    assert own.digest(json.loads) != mine, "a part of one's own is trained by the package's files, too"
    assert "edited" in cluster.version(), "a worker with other files is told so"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models/projects.py", "nn.ReLU()", "nn.Tanh()"),
        ("basics/randomness.py", "torch.manual_seed(seed)", "torch.manual_seed(seed + 7)"),
        ("data/dataset.py", "VALIDATION_SHARE = 1 /", "VALIDATION_SHARE = 2 /"),
        ("training/experiment.py", "epochs: Annotated[int, Field(ge=1, le=2000)] = 10", "epochs: int = 3"),
    ],
)
def test_what_is_edited_of_the_package_makes_other_runs(file: str, old: str, new: str, tmp_path: Path) -> None:
    edit(copy_package(tmp_path) / "fmnist_utils" / file, old, new, 1)
    script = "from fmnist_utils import Experiment; print(Experiment(model='base').key(''))"
    said = subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, text=True)
    assert len(said.strip()) == 16 and said.strip() != Experiment(model="base").key("")


@pytest.mark.slow
def test_an_edit_of_the_package_and_its_end_lose_no_run(tmp_path: Path) -> None:
    """Defaults are left out of a key: the records of before an edit are stale, not damaged."""
    records = [json.loads(path.read_text("utf-8")) for path in (ROOT / PUBLISHED / "runs").glob("*/record.json")]
    plain = [{"name": "flip", "probability": 0.5, "classes": []}]
    flipped = next(record["key"] for record in records if record["experiment"]["augmentation"] == plain)
    copy = shutil.copytree(ROOT / PUBLISHED / "runs" / flipped, tmp_path / "out" / "runs" / flipped)
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    file = copy_package(tmp_path) / "fmnist_utils" / "training" / "augmentations.py"
    edit(file, "probability: Probability = 0.5", "probability: Probability = 0.3", 1)
    code, out, err = call(tmp_path, "runs", "--out", "out")
    assert (code, err) == (0, "") and "no finished runs in out" in out
    assert "1 run: training/augmentations.py is not as it was released" in out
    edit(file, "probability: Probability = 0.3", "probability: Probability = 0.5", 1)
    code, out, err = call(tmp_path, "runs", "--out", "out")
    assert (code, err) == (0, "") and flipped in out
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_weights_of_another_version_are_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [run] = run_all([Experiment(model="cnn-small", train_size=500, epochs=1)], tmp_path)
    run.provenance["model_digest"] = "of another version"
    with pytest.raises(UserError, match="model 'cnn-small' has changed since run .* was trained"):
        run.model()
