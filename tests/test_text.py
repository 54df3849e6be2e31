"""Words for people: names as plain text in Markdown."""

from __future__ import annotations

from html import unescape

import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from fmnist_utils import md
from fmnist_utils.basics.text import counted


@pytest.mark.parametrize(
    "name",
    [
        "T-shirt/top",
        "men's & boys'",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "$a$ and $$b$$",
        "*a* _b_ **c** `d` ~~e~~",
        "[link](javascript:alert(1))",
        "![picture](https://example.org/x.png)",
        "a | b",
        "1. one",
        "- item",
        "# heading",
        "&lt;",
        "back\\slash",
    ],
)
def test_a_name_is_shown_as_it_is(name: str):
    assert unescape(markdown2html_mistune(md(name)).strip()) == f"<p>{name}</p>"
    bold = markdown2html_mistune(f"The class **{md(name)}** is hard.").strip()
    assert unescape(bold) == f"<p>The class <strong>{name}</strong> is hard.</p>"


def test_a_name_of_several_lines_stays_in_its_sentence():
    assert md("a\n\n# b") == "a &#35; b"


@pytest.mark.parametrize(
    ("n", "thing", "said"),
    [(1, "run", "1 run"), (0, "run", "0 runs"), (2000, "test image", "2,000 test images"), (3, "class", "3 classes")],
)
def test_what_is_counted_is_singular_or_plural(n: int, thing: str, said: str) -> None:
    assert counted(n, thing) == said
