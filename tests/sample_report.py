"""A small series of really executed notebooks with all that a report can hold, hostile names included."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fmnist_utils.basics.system import ROOT
from fmnist_utils.report import freshness

EVIL = "<script>alert(1)</script>"
EVIL_IMAGE = "<img src=x onerror=alert(2)>"

PROVENANCE: dict[str, Any] = {
    "parameters": {"dataset": f"data/{EVIL}", "lr": 0.001, "models": ["base", EVIL_IMAGE], "data_dir": ""},
    "device": "cpu",
    "machine": "Linux x86_64",
    "versions": {"python": "3.11.2", "torch": "2.9.0", "numpy": "2.3.0"},
    "commit": "0123456789ab",
    "wall_seconds": 83.4,
    "date": "2026-01-31T12:00:00+00:00",
    "profile": "smoke",
    "fingerprint": "ab" * 32,
}  # fmt: skip

CELLS = [
    f"""\
    # How good is a small net, and is it {EVIL}?

    The questions of this report are made up; its outputs are real. Text runs on for a line or two, with a
    [link to the next](02_second.ipynb), `code`, and **strong** words. HTML in it, such as {EVIL_IMAGE}, is text.
    """,
    "## What do the numbers say?\n\nA table follows. The last column of it is wide.",
    """
    import pandas as pd
    EVIL = "<script>alert(1)</script>"
    names = ["T-shirt/top", "Trouser", EVIL, "Ankle boot"]
    table = pd.DataFrame({"accuracy": ["92.3 %", "9.8 % ± 0.2", "100.0 %", "nan"], "images": [1000, 999, 20, 7],
                          "parameters": ["1,200", "98", "12.5k", "1.1M"],
                          "a training": ["1 h 05 min on cpu", "3 min 08 s", "9.4 s on cpu", "3 min 20 s"],
                          "change": ["−0.77 points", "+0.02 points", "−1.03 points", "0.00 points"]},
                         index=pd.Index(names, name="class"))
    table
    """,
    """
    wide = pd.DataFrame({f"a wide column {i}": range(3 * i, 3 * i + 3) for i in range(14)}).style
    wide.background_gradient(text_color_threshold=0.18, subset=["a wide column 3", "a wide column 5"])
    wide.set_caption("Fourteen columns, two of them shaded")
    """,
    """
    columns = pd.MultiIndex.from_product([["train", "test"], ["loss", "accuracy"]])
    pd.DataFrame([[0.1, 0.9, 0.2, 0.8]] * 2, columns=columns, index=["a", "b"])
    """,
    """\
    ### Why does `x` stay & what follows?

    > A quotation.

    - one
    - two

    | model | seconds |
    |---|---:|
    | a | 3.5 |
    | b | 12 |
    """,
    """
    # A comment, a number and a string for the highlighter
    for epoch in range(1, 13):
        print(f"base, seed 0: epoch {epoch}/12, loss {1 / epoch:.3f}, training {epoch / 13:.2%}, 2.1 s", flush=True)
    """,
    "print('two lines\\nof output')",
    "## Does the curve bend?\n\nA figure follows.",
    """
    import io
    import matplotlib
    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import seaborn as sns
    from IPython.display import display
    sns.set_theme(style="whitegrid")
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    sns.lineplot(x=range(1, 11), y=[1 - 0.5 / i for i in range(1, 11)], marker="o", ax=axes)
    axes.set(xlabel="epoch", ylabel="accuracy")
    png = io.BytesIO()
    figure.savefig(png, dpi=192)
    plt.close(figure)
    from IPython.display import Image
    alt = f"Line chart: accuracy rises from 0.50 in epoch 1 to 0.95 in epoch 10 for {EVIL}"
    display({"image/png": png.getvalue()}, raw=True, metadata={"image/png": {"alt": alt}})
    """,
    """
    from IPython.display import Markdown
    display(Markdown(f"### What is computed?\\n\\nThe worst class is **{EVIL}**, see [here](javascript:alert(3))."))
    """,
    """
    from tqdm.notebook import tqdm
    import ipywidgets
    for _ in tqdm(range(3)):
        pass
    display(ipywidgets.IntSlider(description="epochs"))
    """,
    """
    from IPython.display import HTML, Javascript
    display(HTML(f"<b onclick='alert(4)'>bold</b> {EVIL}<iframe src='https://example.com'></iframe>"))
    display(Javascript("alert(5)"))
    """,
    "## What is a long heading that goes on, and on, until it needs a second line in the contents?\n\nNothing more.",
    """
    import numpy as np
    from fmnist_utils import Experiment, Run, summary
    answers = {"test_probabilities": np.eye(10), "test_labels": np.arange(10), "train_accuracy": 1.0}
    size = {"parameters": 1, "multiply_adds": 1, "provenance": {}}
    runs = [Run(Experiment(), "", [{"seconds": seconds}], **answers, **size) for seconds in (61.5, 30)]
    runs[1].fresh = False
    summary(f"How good is a small net on {EVIL}?", f"It reaches 92.31 % on {EVIL}.", "92.31 % ± 0.12 (3 seeds)",
            runs=runs)
    """,
]


def execute(cells: list[str], allow_errors: bool = False) -> nbformat.NotebookNode:
    """Run cells in a real kernel; those that begin with ``#`` and a blank are Markdown."""
    sources = [dedent(cell).strip() for cell in cells]
    notebook = new_notebook(
        cells=[
            new_markdown_cell(source) if source.startswith(("# How", "# Second", "##")) else new_code_cell(source)
            for source in sources
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    client = NotebookClient(notebook, timeout=120, allow_errors=allow_errors, resources={"metadata": {"path": ROOT}})
    executed: nbformat.NotebookNode = client.execute()
    return executed


def seal(executed: Path, **changed: object) -> None:
    """Give an executed notebook the checksum that the command gives it, its provenance `changed` before."""
    content = json.loads(executed.read_text("utf-8"))
    content["metadata"]["fmnist"]["provenance"] |= changed
    freshness.seal(content)
    executed.write_text(json.dumps(content), "utf-8")


def make_series(out: Path, sources: Path) -> None:
    """Leave four notebooks in `sources`; in `out` two are executed, the third failed, the fourth never ran."""
    (out / "notebooks").mkdir(parents=True)
    sources.mkdir(parents=True)
    first = execute(CELLS)
    first.metadata["fmnist"] = {"provenance": PROVENANCE}
    second = execute(["# Second question", "## What fails?", "raise ValueError('<script>alert(6)</script>')"], True)
    second.metadata["fmnist"] = {"provenance": PROVENANCE}
    for name, notebook in (("01_first", first), ("02_second", second), ("03_third.failed", second)):
        nbformat.write(notebook, out / "notebooks" / f"{name}.ipynb")
        seal(out / "notebooks" / f"{name}.ipynb")
    titles = {"01_first": CELLS[0].strip().splitlines()[0][2:], "02_second": "Second question"}
    for name in ("01_first", "02_second", "03_third", "04_fourth"):
        cells = [new_markdown_cell(f"# {titles.get(name, f'What does {name} ask?')}")]
        nbformat.write(new_notebook(cells=cells), sources / f"{name}.ipynb")
