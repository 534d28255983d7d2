"""The page's HTML: text and pictures in one string.

A scan's `Entry` holds pictures as arrays; `drawn` makes an `Article` of it, text that is small
enough for all the scans of a batch to stand on one page.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import colormaps
from matplotlib.colors import to_hex

from medrestore import __version__
from medrestore.batch.picture import PANELS, amount, number, png
from medrestore.report.page import html_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.batch.picture import Panel

__all__ = ["Article", "Entry", "drawn", "render"]

PAGE_BYTES = 13_500_000
"""A page stays below this, whatever the number of scans: browsers and mail take it."""
TEXT_BYTES = 3_500
"""What an article takes beside its pictures."""
LONGEST = (512, 384, 256, 192, 128, 96, 64, 48, 40, 32)
"""Sizes of a picture's longer side, in pixels, from which the largest that fits is taken."""
FEW_BYTES = 40_000
"""An article with less room for pictures shows three of them, not five."""
FEW = tuple(PANELS[name] for name in ("noisy", "restored", "std"))

RESEARCH_ONLY = "For research use only, not for diagnosis."

MEANING = """
<footer>
<h3>What the interval means, and what it does not</h3>
<p>The bounds are set so that, at a level of 90&nbsp;%, about 90 of 100 voxels hold their
noise-free value between <i>lower</i> and <i>upper</i>, on scans like those the model was
calibrated on; where they are said not to be calibrated, nobody has counted. That is a promise
about many voxels together. It is no promise about one chosen
voxel, a lesion or an edge, where errors are larger than on average; nor about the mean of a
region, because neighbouring voxels err together: measure that from the samples
(<code>result.region(mask)</code>). It does not hold where the scan, its noise or its anatomy is
unlike the calibration scans. And “noise-free” is all it speaks of: blur, motion, metal and other
artefacts of the scan are still there, inside the interval or not.</p>
<p class="soft">The standard deviation is the error to expect of the restored image at each voxel,
in the unit of the scan. Pictures show the middle slice as acquired; letters at the edges are the
patient’s right, left, anterior, posterior, superior and inferior side. Written by medrestore
{version}. {research_only}</p>
</footer>
"""


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
        What is shown; empty for a scan that failed.
    facts : dict of str to dict of str to str
        Titled lists of facts, in plain words.
    warnings : tuple of str
        What the user should know about this scan.
    error : str
        Why nothing could be restored; empty where it could.
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
    """An entry as text: what stands in the page's table, and its article in HTML.

    Parameters
    ----------
    name, kind, seconds
        Name of the scan; modality and size; time it took, None if it could not be restored.
    warnings : int
        How many there are.
    failed : bool
        Whether it could not be restored.
    body : str
        The inside of the article, pictures included.
    """

    name: str
    kind: str
    seconds: float | None
    warnings: int
    failed: bool
    body: str

    @property
    def state(self) -> str:
        """What became of it, for the table."""
        if self.failed:
            return "not restored"
        n = self.warnings
        return "restored" + (f", {n} warning{'' if n == 1 else 's'}" if n else "")


def drawn(one: Entry, among: int = 1) -> Article:
    """An entry as text, with pictures as large as a page of ``among`` scans has room for."""
    parts = [f"<h2>{escape(one.name)}</h2>"]
    if one.summary:
        parts.append(f'<p class="soft">{escape(one.summary)}</p>')
    if one.error:
        parts.append(f'<div class="note bad">Not restored: {escape(one.error)}</div>')
    if one.warnings:
        items = "".join(f"<li>{escape(text)}</li>" for text in one.warnings)
        parts.append(f'<div class="note"><ul>{items}</ul></div>')
    if one.panels:
        parts.append(f'<div class="panels">{_figures(one.panels, among)}</div>')
    if one.facts:
        sections = "".join(_section(title, rows) for title, rows in one.facts.items())
        parts.append(f'<div class="facts">{sections}</div>')
    kind = one.summary.rpartition(" · ")[0]
    return Article(
        one.name, kind, one.seconds, len(one.warnings), bool(one.error), "\n".join(parts)
    )


def render(entries: Sequence[Entry | Article], title: str) -> str:
    """One self-contained HTML document: style and pictures inside, no script, dark mode too."""
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    made = [e if isinstance(e, Article) else drawn(e, len(entries)) for e in entries]
    articles = "\n".join(
        f'<article id="scan-{number}">\n{one.body}\n</article>'
        for number, one in enumerate(made, 1)
    )
    return html_page(
        title,
        css,
        f"""<header>
<h1>{escape(title)}</h1>
<p class="soft">{_count(made)}</p>
<p class="research">{RESEARCH_ONLY}</p>
</header>
{_table(made) if len(made) > 1 else ""}
<main>
{articles}
</main>
{MEANING.format(version=escape(__version__), research_only=RESEARCH_ONLY)}""",
    )


def _count(made: Sequence[Article]) -> str:
    bad = sum(1 for one in made if one.failed)
    good = len(made) - bad
    text = f"{good} scan{'' if good == 1 else 's'} restored, with the uncertainty of every voxel"
    text += f"; {bad} could not be restored." if bad else "."
    if _room(len(made)) < FEW_BYTES:
        text += " So many scans share this page that their pictures are small."
    return text


def _table(made: Sequence[Article]) -> str:
    rows = "".join(
        f'<tr><td><a href="#scan-{number}">{escape(one.name)}</a></td>'
        f"<td>{escape(one.kind)}</td><td>{one.state}</td>"
        f"<td>{'' if one.seconds is None else f'{one.seconds:.1f} s'}</td></tr>"
        for number, one in enumerate(made, 1)
    )
    return (
        '<div class="list"><table><thead><tr><th>scan</th><th>kind and size</th><th>outcome</th>'
        f"<th>time</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _room(among: int) -> float:
    """Bytes that the pictures of one of so many scans may take."""
    return PAGE_BYTES / max(among, 1) - TEXT_BYTES


def _figures(panels: Sequence[Panel], among: int) -> str:
    """Figures of the largest size that fits; the smallest one, if none does."""
    room = _room(among)
    shown = [one for one in panels if one.label in FEW] if room < FEW_BYTES else list(panels)
    figures = ""
    for longest in LONGEST:
        figures = "".join(_figure(panel, longest) for panel in shown)
        if len(figures) <= room:
            break
    return figures


def _section(title: str, rows: Mapping[str, str]) -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items())
    return f"<section><h3>{escape(title)}</h3><dl>{items}</dl></section>"


def _figure(panel: Panel, longest: int) -> str:
    height, width = panel.size_mm
    large = ' class="large"' if panel.is_large else ""
    letters = "".join(f"<i>{escape(letter)}</i>" for letter in panel.letters)
    data = base64.b64encode(png(panel, longest)).decode("ascii")
    return (
        f'<figure{large}><div class="frame">'
        f'<img alt="{escape(panel.label)}" style="aspect-ratio: {width:.6g} / {height:.6g}" '
        f'src="data:image/png;base64,{data}">{letters}</div>'
        f"<figcaption><b>{escape(panel.label)}</b>{_scale(panel)}</figcaption></figure>"
    )


def _scale(panel: Panel) -> str:
    """The colour bar: what the darkest and the brightest colour stand for."""
    low, high = panel.window
    colours = colormaps[panel.colours]([i / 10 for i in range(11)])
    gradient = "linear-gradient(90deg, " + ", ".join(to_hex(colour) for colour in colours) + ")"
    return (
        f'<div class="scale">{number(low)}<span style="background: {gradient}"></span>'
        f"{escape(amount(high, panel.unit))}</div>"
    )
