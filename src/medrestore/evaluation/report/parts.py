"""Parts of a page: sections, tables and plots as HTML, nothing from a network."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore import __version__
from medrestore.report.page import html_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.report.tables import Table

__all__ = ["document", "note", "plot", "section", "table"]

KINDS = ("number", "text")


def document(title: str, lead: str, body: str, foot: str) -> str:
    """A whole page; ``lead`` stands below its title, ``foot`` at its end; both are HTML."""
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return html_page(
        title,
        css,
        f"""<header>
<h1>{escape(title)}</h1>
{lead}
</header>
<main>
{body}
</main>
<footer><p class="soft">Written by medrestore {escape(__version__)}. {foot}</p></footer>""",
    )


def section(title: str, text: str, body: str) -> str:
    """A titled part; ``text`` explains it and, as ``body``, is HTML."""
    return f'<section><h2>{escape(title)}</h2><p class="soft">{text}</p>{body}</section>\n'


def note(lines: Sequence[str]) -> str:
    """What a reader should know; nothing for no lines."""
    text = "<br>".join(escape(line) for line in lines)
    return f'<div class="note">{text}</div>' if lines else ""


def table(of: Table, most: int | None = None, title: str = "All rows") -> str:
    """Titles and rows; folded behind its title if there are more than ``most``."""

    def row(tag: str, cells: Sequence[str]) -> str:
        inner = "".join(
            f'<{tag} class="{KINDS[i < of.words]}">{escape(cell)}</{tag}>'
            for i, cell in enumerate(cells)
        )
        return f"<tr>{inner}</tr>"

    body = "".join(row("td", _printed(cells, of.words)) for cells in of.rows)
    head = row("th", of.titles)
    text = f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
    if most is None or len(of.rows) <= most:
        return text
    return f"<details><summary>{escape(title)} ({len(of.rows)})</summary>{text}</details>"


def _printed(cells: Sequence[str], words: int) -> list[str]:
    """Cells; all but the first ``words``, which are numbers, with a true minus."""
    return [cell if i < words else cell.replace("-", "−") for i, cell in enumerate(cells)]


def plot(svg: bytes, name: str) -> str:
    """An SVG as a part of the page; its ids get a prefix, as those of two plots may be equal."""
    text = svg.decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    return f'<div class="plot">{text}</div>'
