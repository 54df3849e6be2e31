"""A model of one's own: README's example as it stands, and what happens when it is edited."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_project import copy_package, edit

from fmnist_utils import Experiment, UserError, models, run_all
from fmnist_utils.basics.system import ROOT

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


def test_the_example_passes_lint_as_it_stands(project: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", project)
    for arguments in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--follow-imports=silent"]):
        command = [sys.executable, "-m", *arguments, "fmnist_utils/models/mine.py"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def train(root: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(root / "out")], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if re.match(r"[0-9a-f]{16} ", line)][0].split()


def test_an_edited_model_is_trained_anew(project: Path) -> None:
    key, state, parameters, _ = train(project)
    assert state == "fresh"
    assert train(project) == [key, "stored", parameters, "1"]
    edit(project / "fmnist_utils" / "models" / "mine.py", "nn.ReLU()", "nn.Tanh()")
    other, state, _, stored = train(project)
    assert (state, stored) == ("fresh", "1")  # the old run no longer counts
    assert other != key
    edit(project / "fmnist_utils" / "models" / "mine.py", "nn.Tanh()", "nn.ReLU()")
    assert train(project)[:2] == [key, "stored"]


def test_a_module_that_the_model_uses_counts_too(project: Path) -> None:
    mine = project / "fmnist_utils" / "models" / "mine.py"
    (project / "my_layers.py").write_text("from torch import nn\nactivation = nn.ReLU\n", "utf-8")
    mine.write_text(
        "import my_layers\n" + mine.read_text("utf-8").replace("nn.ReLU()", "my_layers.activation()"), "utf-8"
    )
    key, *_ = train(project)
    edit(project / "my_layers.py", "nn.ReLU", "nn.SiLU")
    assert train(project)[0] != key


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


def test_the_packages_models_have_no_digest_and_keep_their_names() -> None:
    assert {models.entry(name).digest for name in models.names()} == {""}
    with pytest.raises(ValueError, match="two models are called 'base'"):
        models.register("base", source="me")(models.entry("base").build)


def test_weights_of_another_version_are_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [run] = run_all([Experiment(model="cnn-small", train_size=500, epochs=1)], tmp_path)
    run.provenance["model_digest"] = "of another version"
    with pytest.raises(UserError, match="model 'cnn-small' has changed since run .* was trained"):
        run.model()
