"""The page's HTML: text and pictures in one string."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import colormaps
from matplotlib.colors import to_hex

from medrestore import __version__
from medrestore.batch.picture import amount, number, png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.batch.picture import Panel

__all__ = ["Entry", "render"]

RESEARCH_ONLY = "For research use only, not for diagnosis."

MEANING = """
<footer>
<h3>What the interval means, and what it does not</h3>
<p>The bounds are set so that, at a level of 90&nbsp;%, about 90 of 100 voxels hold their
noise-free value between <i>lower</i> and <i>upper</i>, on scans like those the model was
calibrated on. That is a promise about many voxels together. It is no promise about one chosen
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


def render(entries: Sequence[Entry], title: str) -> str:
    """One self-contained HTML document: style and pictures inside, no script, dark mode too."""
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    articles = "\n".join(_article(number, one) for number, one in enumerate(entries, 1))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{css}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<p class="soft">{_count(entries)}</p>
<p class="research">{RESEARCH_ONLY}</p>
</header>
{_table(entries) if len(entries) > 1 else ""}
<main>
{articles}
</main>
{MEANING.format(version=escape(__version__), research_only=RESEARCH_ONLY)}
</body>
</html>
"""


def _count(entries: Sequence[Entry]) -> str:
    bad = sum(1 for one in entries if one.error)
    good = len(entries) - bad
    text = f"{good} scan{'' if good == 1 else 's'} restored, with the uncertainty of every voxel"
    return text + (f"; {bad} could not be restored." if bad else ".")


def _table(entries: Sequence[Entry]) -> str:
    rows = "".join(
        f'<tr><td><a href="#scan-{number}">{escape(one.name)}</a></td>'
        f"<td>{escape(one.summary.rpartition(' · ')[0])}</td><td>{_state(one)}</td>"
        f"<td>{'' if one.seconds is None else f'{one.seconds:.1f} s'}</td></tr>"
        for number, one in enumerate(entries, 1)
    )
    return (
        '<div class="list"><table><thead><tr><th>scan</th><th>kind and size</th><th>outcome</th>'
        f"<th>time</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _state(one: Entry) -> str:
    if one.error:
        return "not restored"
    n = len(one.warnings)
    return "restored" + (f", {n} warning{'' if n == 1 else 's'}" if n else "")


def _article(number: int, one: Entry) -> str:
    parts = [f'<article id="scan-{number}">', f"<h2>{escape(one.name)}</h2>"]
    if one.summary:
        parts.append(f'<p class="soft">{escape(one.summary)}</p>')
    if one.error:
        parts.append(f'<div class="note bad">Not restored: {escape(one.error)}</div>')
    if one.warnings:
        items = "".join(f"<li>{escape(text)}</li>" for text in one.warnings)
        parts.append(f'<div class="note"><ul>{items}</ul></div>')
    if one.panels:
        parts.append(f'<div class="panels">{"".join(_figure(p) for p in one.panels)}</div>')
    if one.facts:
        sections = "".join(_section(title, rows) for title, rows in one.facts.items())
        parts.append(f'<div class="facts">{sections}</div>')
    return "\n".join([*parts, "</article>"])


def _section(title: str, rows: Mapping[str, str]) -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items())
    return f"<section><h3>{escape(title)}</h3><dl>{items}</dl></section>"


def _figure(panel: Panel) -> str:
    height, width = panel.size_mm
    large = ' class="large"' if panel.is_large else ""
    letters = "".join(f"<i>{escape(letter)}</i>" for letter in panel.letters)
    data = base64.b64encode(png(panel)).decode("ascii")
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
