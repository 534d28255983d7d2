"""A batch's page: articles that are made one by one, small enough for all to stand on one page.

A scan's `Entry` holds pictures as arrays; `draw_article` makes an `Article` of it, which is text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.batch.panels import PANELS, png
from medrestore.report.files import write_file
from medrestore.report.page import render, stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.batch.panels import Panel

__all__ = ["Article", "Entry", "draw_article", "write_page"]

PAGE_BYTES = 13_500_000
"""A page stays below this, whatever the number of scans: browsers and mail take it."""
TEXT_BYTES, FIGURE_BYTES = 3_500, 600
"""Size of an article's text, and of a figure without its picture."""
LONGEST = (512, 384, 256, 192, 128, 96, 64, 48, 40, 32)
"""Sizes of a picture's longer side, in pixels, from which the largest that fits is taken."""
FEW_BYTES = 40_000
"""An article with less room for pictures has three of them, not five."""
FEW = tuple(PANELS[name] for name in ("noisy", "restored", "std"))


@dataclass(frozen=True, eq=False)
class Entry:
    """One scan on the page; holds pictures of one slice, not the volumes.

    Parameters
    ----------
    name : str
        Heading: the scan's name.
    summary : str
        One line under it: modality, size, spacing.
    panels : tuple of Panel
        Its pictures; empty for a scan that failed.
    facts : dict of str to dict of str to str
        Titled lists of facts, in plain words.
    warnings : tuple of str
        Cautions for the user about this scan.
    error : str
        Reason why nothing could be restored; empty where it could.
    seconds : float, optional
        Time the scan took.
    """

    name: str
    summary: str = ""
    panels: tuple[Panel, ...] = ()
    facts: Mapping[str, Mapping[str, str]] | None = None
    warnings: tuple[str, ...] = ()
    error: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Article:
    """An entry as text: its line in the page's table, and its article in HTML.

    Parameters
    ----------
    name, kind, seconds
        Name of the scan; modality and size; time it took, None if it could not be restored.
    warnings : int
        Number of its warnings.
    failed : bool
        True if it could not be restored.
    body : str
        HTML inside the article, pictures included.
    """

    name: str
    kind: str
    seconds: float | None
    warnings: int
    failed: bool
    body: str


def draw_article(entry: Entry, scans: int = 1) -> Article:
    """Return an entry as text, its pictures as large as a page of so many scans has room for."""
    pictures = _pictures(entry.panels, _room(scans))
    body = render("batch/article.html", entry=entry, pictures=pictures)
    kind = entry.summary.rpartition(" · ")[0]
    return Article(entry.name, kind, entry.seconds, len(entry.warnings), bool(entry.error), body)


def write_page(
    path: str | Path, entries: Sequence[Entry | Article], *, title: str = "Restored scans"
) -> None:
    """Write one HTML file with everything in it: no script, no font, nothing from a network.

    Parameters
    ----------
    path : str or Path
        The file; an older one is replaced in one step.
    entries : sequence of Entry or Article
        Scans in their order on the page.
    title : str
        Heading of the page.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    count = len(entries)
    articles = [one if isinstance(one, Article) else draw_article(one, count) for one in entries]
    failures = sum(one.failed for one in articles)
    small = _room(count) < FEW_BYTES
    context = {"title": title, "articles": articles, "failures": failures, "small": small}
    write_file(Path(path), stream("batch/page.html", **context))


def _room(scans: int) -> float:
    """Return the bytes that the pictures of one of so many scans may take."""
    return PAGE_BYTES / max(scans, 1) - TEXT_BYTES


def _pictures(panels: Sequence[Panel], room: float) -> list[tuple[Panel, bytes]]:
    """Return PNGs of the largest size that fits; of the smallest, if none does."""
    drawn = [one for one in panels if room >= FEW_BYTES or one.label in FEW]
    made: list[tuple[Panel, bytes]] = []
    for longest in LONGEST if drawn else ():
        made = [(panel, png(panel, longest)) for panel in drawn]
        if sum(FIGURE_BYTES + len(data) * 4 / 3 for _, data in made) <= room:
            break
    return made
