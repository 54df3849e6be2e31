"""The six notebooks on small data sets that are legal and odd: each says what cannot be computed, and goes on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_files import idx
from small_project import call, copy_package

from fmnist_utils import Dataset, sentences
from fmnist_utils.basics.system import ROOT
from fmnist_utils.data.locate import FILES

# Not UTF-8, nothing that a font has, Markdown, HTML, TeX; and the two that notebook 06 looks for.
NAMES = (b"{x}", b"_b", b"\x07bell", b"caf\xe9", b"Shirt", b"T-shirt/top", "日本$x_1$".encode(), b"**<b>|`=1+1")


def write(
    folder: Path, data: Dataset, train: dict[int, int], test: dict[int, int], names: tuple[bytes, ...] = ()
) -> Path:
    """Write so many training and test images a class as IDX files, the classes one after the other."""
    folder.mkdir(parents=True)
    parts = []
    for images, labels, counts in (
        (data.train_images, data.train_labels, train),
        (data.test_images, data.test_labels, test),
    ):
        chosen = [np.flatnonzero(labels.numpy() == label)[:n] for label, n in counts.items()]
        parts += [images.numpy()[np.concatenate(chosen)], np.repeat(list(counts), list(counts.values()))]
    for stem, array in zip(FILES, parts, strict=True):
        (folder / stem).write_bytes(idx(array))
    if names:
        (folder / "classes.txt").write_bytes(b"\n".join(names))
    return folder


@pytest.mark.slow
def test_nothing_is_trained_about_other_data_than_the_readers(data: Dataset, tmp_path: Path) -> None:
    """The ablation, the recipes and the claims, which profile full trains, are about Fashion-MNIST."""
    each = dict.fromkeys(range(3), 30)
    folder = write(tmp_path / "data", data, each, each, (b"a", b"b", b"c"))
    place = ["--profile", "full", "--only", "04 05", "--dataset", str(folder), "--out", str(tmp_path / "out")]
    few = ["train_size=0", "seeds=1", "epochs=1", "batch_size=16", "model=cnn-small", "models=[cnn-small]"]
    few += ["headline_epochs=0"]
    command = [sys.executable, "-m", "fmnist_utils", "reports", *place, "--dry-run", "--jobs", "1", "--set", *few]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cnn-small, seed 0" in done.stdout and "sprint" not in done.stdout and "compact" not in done.stdout


@pytest.mark.slow
def test_the_notebooks_go_on_where_a_section_has_nothing_to_say(data: Dataset, tmp_path: Path) -> None:
    """Classes of one image, of no training image, of no test image; 5 test images in all; names of any kind."""
    train, test = {0: 9, 1: 5, 2: 40, 4: 3, 5: 2, 6: 1}, {0: 1, 2: 2, 3: 1, 4: 1}
    folder, out = write(tmp_path / "odd {x} data", data, train, test, NAMES), tmp_path / "out"
    command = [sys.executable, "-m", "fmnist_utils", "reports", "--profile", "smoke", "--dataset", str(folder)]
    same = ["--jobs", "1", "--set", "train_size=0", "epochs=1"]
    halves = {
        "01 02 03": ["long_epochs=1", "linear_steps=5", "augmentations=[flip]"],
        "04 05 06": ["models=[cnn-small, sprint]", "schedule=plateau", "fold_epochs=1"],
    }
    series = [  # both at once, on a core each
        subprocess.Popen(
            [*command, "--only", only, "--out", str(out / only[:2]), *same, *some],
            cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for only, some in halves.items()
    ]  # fmt: skip
    for process in series:
        said, err = process.communicate()
        assert (process.returncode, err) == (0, ""), said
    pages = sorted(out.glob("*/notebooks/*.ipynb"))
    assert len(pages) == 6
    for page in pages:
        cells = json.loads(page.read_text("utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.get("name") == "stderr"]
        told = "".join("".join(output.get("data", {}).get("text/markdown", "")) for output in outputs)
        assert not re.search(r"\bnan\b", told), page.name
        alts = [output["metadata"]["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]
        if page.name.startswith("03"):
            assert sentences.NOT_LONGER in told and "onger training" not in "".join(alts)
        if page.name.startswith("05"):
            assert "It was not trained for this report" in told
        if page.name.startswith("06"):
            doubts = dict(re.findall(r"Of [\d,]+ (training|test) labels, \*\*([\d,]+)\*\*", told))
            shown = {part: any(alt.startswith(f"Most doubtful {part}") for alt in alts) for part in doubts}
            assert shown == {part: number != "0" for part, number in doubts.items()} and len(shown) == 2
            assert not [alt for alt in alts if alt.startswith("Pairs") and " 0.00 % (" in alt]
            assert not [alt for alt in alts if "No cell has a number" in alt]


@pytest.mark.slow
def test_the_notebooks_say_what_nobody_has_trained_yet(tmp_path: Path) -> None:
    """Without published runs of today's code: an edit of a layer makes all of them those of a former one."""
    project = copy_package(tmp_path)
    for folder in ("notebooks", "params"):
        shutil.copytree(ROOT / folder, project / folder)
    (project / "data").symlink_to(ROOT / "data")
    few = ["train_size=300", "seeds=1", "model=cnn-small", "models=[cnn-small]", "optimizers=[adam]"]
    few += ["schedules=[constant]"]
    code, out, err = call(project, "reports", "--profile", "smoke", "--only", "04 05", "--set", *few)
    assert code == 0, out + err
    for name, times in (("04_regularization", 2), ("05_architecture_comparison", 1)):
        page = (project / "reports" / "smoke" / "notebooks" / f"{name}.ipynb").read_text("utf-8")
        assert page.count(sentences.UNTRAINED) == times
