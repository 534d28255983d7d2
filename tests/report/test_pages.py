"""Templates: all of them packaged, every value escaped, nothing missing passed over in silence."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from jinja2 import UndefinedError

import medrestore
from medrestore.report.page import render, stream
from medrestore.report.tables import Table, number

SRC = Path(medrestore.__file__).parent
NAMED = re.compile(r'(?:render|stream|extends|include|from)\b\(?\s*"([\w/]+\.(?:html|md|css))"')
EVIL = "<script>alert('1')</script>&\""


def named() -> set[str]:
    """Templates that code or another template names."""
    files = [path for kind in ("*.py", "*.html", "*.md") for path in SRC.rglob(kind)]
    return {name for path in files for name in NAMED.findall(path.read_text(encoding="utf-8"))}


def test_every_template_is_a_file_of_the_package_and_in_use() -> None:
    there = {
        path.relative_to(SRC).as_posix()
        for kind in ("*.html", "*.md", "*.css")
        for path in SRC.rglob(kind)
    }
    assert named() == there
    assert all(files("medrestore").joinpath(name).is_file() for name in there)


def test_the_theme_has_no_address_and_no_script() -> None:
    text = "".join((SRC / name).read_text(encoding="utf-8") for name in named())
    assert not re.search(r"https?:|//|@import|url\(|<script", text)
    assert '<html lang="en">' in text


def test_values_are_escaped_in_html() -> None:
    page = render("batch/page.html", title=EVIL, articles=[], failures=0, small=False)
    assert EVIL not in page and page.count("&lt;script&gt;") == 2


def test_a_name_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="articles"):
        render("batch/page.html", title="", failures=0, small=False)


def test_a_page_in_pieces_is_the_same_page() -> None:
    context = {"title": "é", "articles": [], "failures": 0, "small": True}
    assert b"".join(stream("batch/page.html", **context)).decode() == render(
        "batch/page.html", **context
    )


def test_a_long_table_is_folded_and_its_numbers_have_a_true_minus() -> None:
    short = Table(("a-b", "n (mm)"), [("x-y", "-1.5")], 1)
    page = table(short)
    assert '<th scope="col" class="text">a-b</th>' in page
    assert '<td class="text">x-y</td>' in page and '<td class="number">−1.5</td>' in page
    assert "<details>" not in page
    folded = table(short._replace(rows=[("x", "1")] * 4))
    assert "<details><summary>All rows (4)</summary>" in folded


def table(of: Table) -> str:
    """A table, folded if it has more than three rows."""
    from medrestore.report.page import _environment

    parts = _environment().get_template("report/parts.html").module
    return str(parts.table(of, 3))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.001234, "−0.00123"), (999.6, "1e+03"), (1234.5, "1234"), (0.0, "0"), (12.34, "12.3")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text
