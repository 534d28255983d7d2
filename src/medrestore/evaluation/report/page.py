"""The evaluation as one HTML document: tables and plots inside, no script, nothing from a network.

What each figure is, in words, stands above its table; numbers come from `tables`.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore import __version__
from medrestore.evaluation.report import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.over_cases import Paired
    from medrestore.evaluation.report.tables import Table

__all__ = ["render"]

TITLE = "Restored scans against their references"
RESEARCH_ONLY = "For research use only, not for diagnosis."

PAIRED = """\
Mean over cases of restored − noisy, with its 95 % interval (percentile bootstrap over {n}
cases, 5000 draws, seed {seed}) and the two-sided p of Wilcoxon’s signed-rank test. With n
cases p cannot be below 2/2ⁿ. Each case counts as another person; p values are not corrected
for several tests."""
CHANGE = """\
Foreground of each case.{title} Higher PSNR and SSIM are better, lower RMSE is better."""
FIDELITY = """\
Every row states its window and data range. Voxels count by what the reference shows: in a
window, those of the foreground whose reference lies in it. PSNR and SSIM are relative to the
data range, the width of the window; SSIM compares images cut to the window, slice by slice,
with a Gaussian window of 1.5 pixels. RMSE, bias, limits of agreement (mean ± 1.96 standard
deviations of the differences) and slope (of the difference on the mean of both images) are of
the uncut images. The reference’s own noise counts as error."""
AGREEMENT = """\
Voxels of the foreground, drawn at random, as many from each case. Colour is the number of
voxels, on a logarithmic scale. An image with more noise than the reference slopes upwards
without any bias."""
UNCERTAINTY = """\
Over the foreground; every voxel counts the same. Interval: <i>result</i> is the result’s own
lower and upper bound, <i>calibrated</i> what the model’s factors give at another level, a
dash where the model is not at hand. Beside it restored ± a Gaussian’s factor times std. The
reference’s own noise counts as error, so the noise-free image may be covered more often than
is shown."""
SCORES = """\
CRPS: continuous ranked probability score of a Gaussian, less is better. ENCE: expected
normalised calibration error, 0 is perfect. AUSE: area under the sparsification error, 0 where
the largest std sits at the largest error. std ratio: √(mean std² / mean error²), 1 is honest
and below 1 overconfident."""
RELIABILITY = """\
On the dashed line the uncertainty is right. Coverage above it means intervals that are too
wide, below it too narrow. Errors below the line in the second panel are smaller than
predicted. PIT is flat where the errors are Gaussian with the predicted std; a hump in the
middle means std too large.{thin}"""
STRATA = """\
The foreground, divided by what the reference shows: tissue (CT: windows of HU; MR: thirds of
the intensity) and in-plane gradient (thirds). Covered: by the result’s own interval."""


def render(
    reports: Sequence[Report],
    paired: Sequence[Paired],
    plots: Mapping[str, bytes],
    seed: int,
    alone: Sequence[str] = (),
) -> str:
    """The page.

    Parameters
    ----------
    reports, paired
        Cases, and their paired differences if there are several.
    plots : mapping of str to bytes
        SVG by name (`plots.PLOTS`).
    seed : int
        Of the bootstrap; it is stated.
    alone : sequence of str
        Scans that had no partner; they are named.
    """
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="icon" href="data:,">
<style>
{css}</style>
</head>
<body>
<header>
<h1>{TITLE}</h1>
<p class="soft">{_summary(reports)} {RESEARCH_ONLY}</p>
{_notes(reports, alone)}
</header>
<main>
{"".join(_sections(reports, paired, plots, seed))}
</main>
<footer><p class="soft">Written by medrestore {escape(__version__)}. The same figures are in
figures.csv and figures.json; every plot lies beside this page as SVG and PDF.</p></footer>
</body>
</html>
"""


def _sections(
    reports: Sequence[Report], paired: Sequence[Paired], plots: Mapping[str, bytes], seed: int
) -> list[str]:
    several = len(reports) > 1
    parts = []
    if paired:
        text = PAIRED.format(n=len(reports), seed=seed)
        parts.append(_section("Over all cases", text, _table(tables.of_paired(paired))))
    title = " Δ: mean of restored − noisy, with its 95 % interval." if several else ""
    parts.append(
        _section("Noisy and restored", CHANGE.format(title=title), _plot(plots, "differences"))
    )
    parts.append(_section("Fidelity", FIDELITY, _table(tables.of_fidelity(reports))))
    parts.append(_section("Agreement (Bland–Altman)", AGREEMENT, _plot(plots, "bland_altman")))
    if "reliability" in plots:
        thin = " Thin lines are cases, thick ones and bars their mean." if several else ""
        body = _plot(plots, "reliability") + f'<p class="soft">{UNCERTAINTY}</p>'
        body += _table(tables.of_levels(reports)) + f'<p class="soft">{SCORES}</p>'
        body += _table(tables.of_scores(reports))
        parts.append(_section("Uncertainty", RELIABILITY.format(thin=thin), body))
    parts.append(_section("By tissue and gradient", STRATA, _table(tables.of_strata(reports))))
    return parts


def _summary(reports: Sequence[Report]) -> str:
    n = len(reports)
    return f"{n} case{'' if n == 1 else 's'}, {reports[0].modality}."


def _notes(reports: Sequence[Report], alone: Sequence[str]) -> str:
    said = [f"{report.case}: {note}" for report in reports for note in report.notes]
    if alone:
        said.append(f"left out, without partner: {', '.join(alone)}")
    lines = "<br>".join(escape(text) for text in said)
    return f'<div class="note">{lines}</div>' if said else ""


def _section(title: str, text: str, body: str) -> str:
    return f'<section><h2>{title}</h2><p class="soft">{text}</p>{body}</section>\n'


def _table(table: Table) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        classes = [' class="text"' if i < table.words else "" for i in range(len(cells))]
        inner = "".join(
            f"<{tag}{kind}>{escape(cell)}</{tag}>"
            for kind, cell in zip(classes, cells, strict=True)
        )
        return f"<tr>{inner}</tr>"

    body = "".join(row("td", cells) for cells in table.rows)
    head = row("th", table.titles)
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _plot(plots: Mapping[str, bytes], name: str) -> str:
    """An SVG as a part of the page; its ids get a prefix, as those of two plots may be equal."""
    text = plots[name].decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    return f'<div class="plot">{text}</div>'
