"""Reports as files: self-contained, escaped, structured; the browser tests hold the rest."""

import base64
import io
import re
import shutil
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from made_up_runs import run_with
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import EpsImagePlugin, Image, UnidentifiedImageError
from sample_report import EVIL, PROVENANCE, make_series, seal

from fmnist_utils import Experiment, UserError
from fmnist_utils.basics.system import PUBLISHED, ROOT
from fmnist_utils.basics.text import duration
from fmnist_utils.report import index
from fmnist_utils.report.html import render
from fmnist_utils.report.index import write_index
from fmnist_utils.report.streams import join_streams
from fmnist_utils.report.summary import MIME, cost
from fmnist_utils.runs.lookup import results
from fmnist_utils.runs.store import Store

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NEIGHBOURS = ("00_before.html", f"Before {EVIL}"), ("02_second.html", "Second question")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("series")
    make_series(root / "out", root / "sources")
    return root / "out"


@pytest.fixture(scope="module")
def page(out: Path) -> BeautifulSoup:
    html = out / "01_first.html"
    render(out / "notebooks" / "01_first.ipynb", html, *NEIGHBOURS)
    return BeautifulSoup(html.read_text("utf-8"), "html.parser")


def rendered(folder: Path, *cells: nbformat.NotebookNode) -> BeautifulSoup:
    nbformat.write(new_notebook(cells=list(cells)), folder / "01_made.ipynb")
    render(folder / "01_made.ipynb", folder / "01_made.html")
    return BeautifulSoup((folder / "01_made.html").read_text("utf-8"), "html.parser")


def code_cell(**output: object) -> nbformat.NotebookNode:
    return new_code_cell("show()", outputs=[new_output("display_data", **output)])


def test_nothing_is_loaded_and_one_script_may_run(page: BeautifulSoup) -> None:
    assert len(page.find_all("script")) == 1
    for element in page.find_all(["img", "link", "script", "iframe", "source"]):
        address = element.get("src") or element.get("href") or ""
        assert address == "" or address.startswith("data:"), element
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'") and "script-src 'sha256-" in policy
    assert not re.search(r"mathjax|require\.js|jupyter-widgets|mermaid", str(page), re.IGNORECASE)


def test_markup_in_data_is_text(page: BeautifulSoup) -> None:
    assert not page.find_all(["iframe", "b"], onclick=True) and not page.find("iframe")
    assert not page.find_all(lambda tag: any(name.startswith("on") for name in tag.attrs))
    assert not page.find("a", href=re.compile("javascript"))
    in_table = page.find("th", string=re.compile("script"))
    assert in_table is not None and in_table.get_text() == EVIL
    for selector in ("h1", ".answer .reply", ".meta", ".facts", ".pager", "strong"):
        assert EVIL in " ".join(element.get_text() for element in page.select(selector)), selector


def test_a_picture_pasted_into_a_cell_is_on_the_page_and_others_are_words(tmp_path: Path) -> None:
    svg = base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg" onload="a()"/>').decode()
    source = "![One](attachment:one%20a.png) ![two < 3](attachment:two.svg) ![lost](attachment:lost.png) ![far](https://a.b/c)"
    evil = {"image/png": PNG + '" onerror="a()'}
    pictures = {"one a.png": {"image/png": PNG}, "two.svg": {"image/svg+xml": svg}, "lost.png": {"text/html": "<b>"}}
    first = new_markdown_cell(source, attachments=pictures)
    second = new_markdown_cell("![e](attachment:e.png)", attachments={"e.png": evil})
    soup = rendered(tmp_path, first, second)
    assert [(image["src"], image["alt"]) for image in soup.main.find_all("img")] == [
        (f"data:image/png;base64,{PNG}", "One"),
        (f"data:image/svg+xml;base64,{svg}", "two < 3"),
        (f"data:image/png;base64,{PNG}onerror=a", "e"),
    ]
    assert all(set(image.attrs) == {"src", "alt"} for image in soup.main.find_all("img"))
    words = "[{}: not shown, as it is no part of the notebook; paste it into the cell]"
    assert [element.get_text() for element in soup.main.find_all("em")] == [words.format("lost"), words.format("far")]


def test_links_lead_to_pages_and_sections_or_are_text(tmp_path: Path) -> None:
    links = {
        "#My-Own-Section": "#my-own-section",
        "02_b.ipynb#Are-the-classes-balanced?": "02_b.html#are-the-classes-balanced",
        "./02_b.ipynb": "02_b.html",
        "results.csv": "results.csv",
        "https://a.b/c.md#D": "https://a.b/c.md#D",
        "03_c.ipynb#x": None, "02_b.ipynb?x": None, "../README.md": None, "/etc/x.html": None,
    }  # fmt: skip
    source = "\n\n".join(f"[link {i}]({address})" for i, address in enumerate(links))
    nbformat.write(
        new_notebook(cells=[new_markdown_cell(source), new_markdown_cell("## My Own Section")]), tmp_path / "01_a.ipynb"
    )
    render(tmp_path / "01_a.ipynb", tmp_path / "01_a.html", pages=["01_a", "02_b"])
    soup = BeautifulSoup((tmp_path / "01_a.html").read_text("utf-8"), "html.parser")
    found = {a.get_text(): a["href"] for a in soup.main.find_all("a") if a.get_text().startswith("link ")}
    assert found == {f"link {i}": to for i, to in enumerate(links.values()) if to}
    assert soup.find(id="my-own-section") and "link 5" in soup.main.get_text()


def test_a_formula_is_shown_as_it_was_written_and_what_cannot_be_shown_is_named(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    formula = {"text/plain": "<IPython.core.display.Math object>", "text/latex": "$a < b$"}
    soup = rendered(tmp_path, code_cell(data=formula), code_cell(data={"application/x-odd": "?"}))
    shown = [element.get_text() for element in soup.main.find_all("pre", class_="text")]
    assert shown == ["$a < b$", "(An output of type application/x-odd, which a page cannot show.)"]
    assert not [warning for warning in recwarn if "mimetype" in str(warning.message)]


def test_html_of_outputs_is_reduced_to_text_and_tables(tmp_path: Path) -> None:
    html = (
        "<table><tr><td onclick='a()'>1</td></tr></table><meta http-equiv=refresh content='0;url=https://example.com'>"
    )
    soup = rendered(tmp_path, code_cell(data={"text/html": f"{html}<form action=x><img src=x onerror=a()></form>"}))
    main = soup.find("main")
    assert main.find("td").attrs.keys() <= {"class"}
    assert not main.find_all(["meta", "form", "img"])
    assert "http-equiv" in main.get_text()


def test_entities_in_markdown_are_not_escaped_twice(tmp_path: Path) -> None:
    soup = rendered(tmp_path, code_cell(data={"text/markdown": "**&lt;b&gt; &amp; c** and `<i>`"}))
    assert soup.find("strong").get_text() == "<b> & c"
    assert soup.select_one("main p code").get_text() == "<i>"


def test_headings_make_the_contents(page: BeautifulSoup) -> None:
    entries = page.select("nav.contents a")
    assert len(page.find_all("h1")) == 1
    assert [entry["href"][1:] for entry in entries] == [heading["id"] for heading in page.select("main h2, main h3")]
    assert "Why does x stay & what follows?" in [entry.get_text() for entry in entries]


def test_equal_headings_have_different_addresses(tmp_path: Path) -> None:
    soup = rendered(tmp_path, new_markdown_cell("# One\n\n## Why?\n\n## Why?"), new_markdown_cell("# Another title"))
    assert [heading["id"] for heading in soup.select("main h2")] == ["why", "why-2", "another-title"]
    assert soup.find("h1").get_text() == "One"


def test_tables_have_header_scopes_and_names(page: BeautifulSoup) -> None:
    frames = page.select("div.table[tabindex='0'][aria-label]")
    assert len(frames) == len(page.find_all("table")) == 4
    assert len({frame["aria-label"] for frame in frames}) == 4
    assert all(head.get("scope") for head in page.select("th"))
    first = page.find("table")
    assert [head.get_text() for head in first.select("thead th")] == [
        "class",
        "accuracy",
        "images",
        "parameters",
        "a training",
        "change",
    ]
    assert not first.has_attr("border")
    assert page.find("caption").get_text() == "Fourteen columns, two of them shaded"


def test_long_output_is_folded_and_short_is_not(page: BeautifulSoup) -> None:
    assert "Training log (12 lines)" in [fold.get_text() for fold in page.select("details.log > summary")]
    assert [block.get_text() for block in page.select("main > pre.text")] == ["two lines\nof output\n"]


def test_pieces_of_a_log_are_one_and_overwritten_lines_are_gone(tmp_path: Path) -> None:
    pieces = [new_output("stream", name="stdout", text=f"{i} %\r{i} done\n") for i in range(9)]
    soup = rendered(tmp_path, new_code_cell("train()", outputs=pieces))
    assert soup.select_one("details.log > summary").get_text() == "Training log (9 lines)"
    assert "%" not in soup.select_one("details.log > pre").get_text()


def stream(text: str, name: str = "stdout") -> nbformat.NotebookNode:
    return new_output("stream", name=name, text=text)


def joined(*outputs: nbformat.NotebookNode) -> list[str]:
    cell = new_code_cell("train()", outputs=list(outputs))
    join_streams(cell)
    return [output.get("text", output.output_type) for output in cell.outputs]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("a\rb", "b"),
        ("a\r\nb\r", "a\r\nb\r"),
        ("a\r\r\n", "a\r\r\n"),
        ("\r  0%|  | 0/2\r 50%|█ | 1/2\r100%|██| 2/2\nended\n", "100%|██| 2/2\nended\n"),
        ("lost\r 1\nwhole\nlost\r\r 2", " 1\nwhole\n 2"),
    ],
)
def test_a_line_shows_what_was_written_last(printed: str, shown: str) -> None:
    assert joined(*map(stream, printed)) == [shown]


def test_streams_are_joined_where_they_begin_and_stdout_goes_first() -> None:
    figure = new_output("display_data", data={"text/plain": "x"})
    assert joined(stream("e", "stderr"), stream("a"), figure, stream("b"), stream("f", "stderr")) == [
        "ab", "ef", "display_data",
    ]  # fmt: skip
    assert joined(figure, stream("a")) == ["display_data", "a"]


def test_one_long_line_takes_no_time(tmp_path: Path) -> None:
    begin = time.process_time()
    assert joined(stream("x" * 200_000), stream("\r" + "y" * 200_000)) == ["y" * 200_000]
    assert time.process_time() - begin < 1
    rendered(tmp_path, new_code_cell("train()", outputs=[stream("x" * 200_000)]))
    assert time.process_time() - begin < 10


def test_figures_keep_their_text_and_size(page: BeautifulSoup) -> None:
    [image] = page.find_all("img")
    assert image["alt"].startswith("Line chart: accuracy rises") and image["alt"].endswith(EVIL)
    assert (image["width"], image["height"]) == ("768", "432")  # 8 by 4.5 inches at 96 CSS pixels
    assert not page.select("[data-undescribed]")


def test_a_figure_without_text_gets_its_heading_and_is_marked(tmp_path: Path) -> None:
    soup = rendered(tmp_path, new_markdown_cell("## Where is it?"), code_cell(data={"image/png": PNG}))
    assert soup.select_one("figure[data-undescribed] img")["alt"] == "Figure in the section “Where is it?”"


def test_a_figures_pixels_are_kept(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 4), dtype=np.uint8)
    noise[..., 3] |= 1  # an invisible pixel has no colour to keep
    for drawn in (Image.fromarray(noise), Image.fromarray(noise[..., :3]).quantize(64)):
        buffer = io.BytesIO()
        drawn.save(buffer, "png")
        png = base64.b64encode(buffer.getvalue()).decode()
        source = str(rendered(tmp_path, code_cell(data={"image/png": png})).find("img")["src"])
        shown = Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))
        assert np.array_equal(np.asarray(shown.convert("RGBA")), np.asarray(drawn.convert("RGBA")))


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg"])
def test_what_is_no_picture_of_its_type_is_not_given_to_other_programs(
    mime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript is started"))
    postscript = base64.b64encode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(UnidentifiedImageError):
        rendered(tmp_path, code_cell(data={mime: postscript.decode()}))
    with pytest.raises(UnidentifiedImageError):
        index._thumbnail(postscript.decode())


def test_a_jpeg_is_shown_as_it_is(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20)).save(buffer, "jpeg")
    jpeg = base64.b64encode(buffer.getvalue()).decode()
    image = rendered(tmp_path, code_cell(data={"image/jpeg": jpeg})).find("img")
    assert (image["src"], image["width"], image["height"]) == (f"data:image/jpeg;base64,{jpeg}", "30", "20")


def test_progress_widgets_vanish_and_others_say_where_they_live(page: BeautifulSoup) -> None:
    assert "%|" not in page.get_text()
    assert page.get_text().count("when the notebook is open in JupyterLab") == 1


def test_the_summary_stands_below_the_title_once(page: BeautifulSoup) -> None:
    [box] = page.select(".answer")
    assert box.find_previous("h1") and not box.find_previous("h2")
    assert box.select_one(".value").get_text() == "92.31 % ± 0.12 (3 seeds)"
    assert box.select_one(".cost").get_text() == "2 runs, 1 min 32 s of training; 1 trained for this report"


def test_links_lead_through_the_series(page: BeautifulSoup) -> None:
    assert [link["href"] for link in page.select(".pager a")] == ["00_before.html", "02_second.html"]
    assert page.find("a", string="link to the next")["href"] == "02_second.html"


def test_links_to_reports_that_are_not_there_are_text(out: Path, tmp_path: Path) -> None:
    render(out / "notebooks" / "01_first.ipynb", tmp_path / "page.html", pages=["01_first"])
    soup = BeautifulSoup((tmp_path / "page.html").read_text("utf-8"), "html.parser")
    assert "link to the next" in soup.get_text() and soup.find("a", string="link to the next") is None


def test_errors_are_shown_as_text(out: Path, tmp_path: Path) -> None:
    render(out / "notebooks" / "02_second.ipynb", tmp_path / "page.html")
    soup = BeautifulSoup((tmp_path / "page.html").read_text("utf-8"), "html.parser")
    assert soup.select_one(".error > p").get_text() == "ValueError: <script>alert(6)</script>"
    assert "\x1b" not in soup.get_text()


def test_a_page_that_cannot_be_written_is_a_user_error(out: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(UserError, match="cannot write .*page.html"):
        render(out / "notebooks" / "01_first.ipynb", tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_summary_shows_escaped_text_and_stores_its_parts(out: Path) -> None:
    output = nbformat.read(out / "notebooks" / "01_first.ipynb", as_version=4).cells[-1].outputs[0]
    assert EVIL not in output.data["text/html"] and "It reaches 92.31 % on &lt;script&gt;" in output.data["text/html"]
    parts = output.data[MIME]
    assert parts["question"] == f"How good is a small net on {EVIL}?"
    assert (parts["value"], parts["note"]) == ("92.31 % ± 0.12 (3 seeds)", "")
    assert (parts["runs"], parts["trained"], parts["seconds"]) == (2, 1, 91.5)
    assert EVIL in output.data["text/plain"]


@pytest.mark.parametrize(
    ("runs", "trained", "text"),
    [
        (0, 0, ""),
        (1, 1, "1 run, 7.5 s of training; all trained for this report"),
        (2, 0, "2 runs, 7.5 s of training; read from the store"),
    ],
)
def test_cost_says_what_was_trained(runs: int, trained: int, text: str) -> None:
    assert cost({"runs": runs, "trained": trained, "seconds": 7.5}) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.24, "4.2 s"), (59.96, "1 min 00 s"), (200, "3 min 20 s"), (3599.9, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_index_lists_what_ran_what_failed_and_what_did_not(out: Path, page: BeautifulSoup) -> None:
    write_index(out, out.parent / "sources")
    soup = BeautifulSoup((out / "index.html").read_text("utf-8"), "html.parser")
    first, second, third, fourth = soup.select(".card")
    assert first.find("a")["href"] == "01_first.html" and EVIL in first.find("h3").get_text()
    assert first.find("img")["alt"].startswith("Line chart") and "92.31 %" in first.get_text()
    assert not second.find("img")
    assert "last attempt failed" in third.get_text()
    assert "Not run yet" in fourth.get_text() and not fourth.find("a")
    assert (out / "results.csv").exists()
    assert len(soup.find_all("script")) == 1


def test_index_names_the_data_and_the_profile_of_each_report_where_they_differ(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    write_index(tmp_path / "out", out.parent / "sources")
    text = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "Data: " not in text and "Profile: " not in text and "profile <b>smoke</b>" in text
    second = next((tmp_path / "out" / "notebooks").glob("02_*.ipynb"))
    seal(second, parameters={**PROVENANCE["parameters"], "dataset": "data/letters"}, profile=EVIL)
    write_index(tmp_path / "out", out.parent / "sources")
    soup = BeautifulSoup((tmp_path / "out" / "index.html").read_text("utf-8"), "html.parser")
    first, other, *_ = soup.select(".card")
    assert f"Data: data/{EVIL}." in first.get_text() and "Data: data/letters." in other.get_text()
    assert f"data/{EVIL}, data/letters" in soup.select(".meta")[0].get_text()
    assert "Profile: smoke." in first.get_text() and f"Profile: {EVIL}." in other.get_text()
    assert f"profile smoke, {EVIL}" in soup.select(".meta")[0].get_text()
    assert f"profilesmoke, {EVIL}" in soup.select(".facts")[0].get_text()


def test_index_counts_one_run_as_one(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    key = results(PUBLISHED)["key"].iloc[0]
    shutil.copytree(ROOT / PUBLISHED / "runs" / key, tmp_path / "out" / "runs" / key)
    write_index(tmp_path / "out", out.parent / "sources")
    soup = BeautifulSoup((tmp_path / "out" / "index.html").read_text("utf-8"), "html.parser")
    assert soup.select(".meta span")[-1].get_text() == "1 run"


def test_index_folds_away_what_saw_a_part_of_the_images(tmp_path: Path) -> None:
    runs = results(PUBLISHED)
    runs = runs[runs["model"] == "sprint"]
    for key in runs["key"]:
        shutil.copytree(ROOT / PUBLISHED / "runs" / key, tmp_path / "runs" / key)
    write_index(tmp_path)
    soup = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    images = {
        table["aria-label"]: {row.find_all("td")[7].get_text() for row in table.select("tbody tr")}
        for table in soup.select(".wide")
    }
    # The nets of the cross-validation are runs, but no experiments.
    assert 48000 in set(runs["train_size"])
    fewer = {f"{size:,}" for size in set(runs["train_size"]) if size < 30_000}
    assert fewer and images == {"Leaderboard": {"60,000", "55,000"}, "Experiments on fewer images": fewer}
    folded = soup.find("details")
    assert isinstance(folded, Tag) and not folded.has_attr("open") and "not to be compared" in folded.get_text()


def test_the_data_set_of_the_most_experiments_leads_the_leaderboard(tmp_path: Path) -> None:
    runs = results(PUBLISHED).query("train_size == 60000")
    of_digits = runs[(runs["dataset"] == "mnist") & (runs["model"] == "cnn-23m")]["key"]
    others = [runs[runs["model"] == model]["key"].iloc[0] for model in ("cnn-small", "base")]
    for key in (*of_digits, *others):
        shutil.copytree(ROOT / PUBLISHED / "runs" / key, tmp_path / "runs" / key)
    write_index(tmp_path)
    soup = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    assert len(of_digits) > 1
    assert [row.find_all("td")[2].get_text() for row in soup.select(".wide tbody tr")] == ["fashion-mnist"] * 2 + [
        "mnist"
    ]


def test_an_interval_that_is_cut_is_written_out_in_the_leaderboard(tmp_path: Path) -> None:
    for seed, accuracy in enumerate((0.5, 0.97, 0.99)):
        Store(tmp_path).save(run_with(accuracy, Experiment(seed=seed)))
    write_index(tmp_path)
    soup = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    [row] = soup.select(".wide tbody tr")
    [interval] = [cell.get_text() for cell in row.find_all("td") if " to " in cell.get_text()]
    assert re.fullmatch(r"\d+\.\d\d to 100\.00 %", interval)


def test_index_of_small_runs_alone_folds_nothing(tmp_path: Path) -> None:
    runs = results(PUBLISHED)
    key = runs.loc[runs["train_size"] == runs["train_size"].min(), "key"].iloc[0]
    shutil.copytree(ROOT / PUBLISHED / "runs" / key, tmp_path / "runs" / key)
    write_index(tmp_path)
    soup = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    assert [table["aria-label"] for table in soup.select(".wide")] == ["Leaderboard"]
