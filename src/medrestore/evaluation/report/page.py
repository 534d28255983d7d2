"""The evaluation as one HTML document: tables and plots inside, no script, nothing from a network.

What each figure is, in words, comes from `words`; numbers come from `tables`.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore import __version__
from medrestore.evaluation.report import tables, words
from medrestore.evaluation.windows import FOREGROUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medrestore.evaluation.findings import Findings
    from medrestore.evaluation.report.tables import Table

__all__ = ["render"]

TITLE = "Restored scans against their references"
RESEARCH_ONLY = "For research use only, not for diagnosis."

LONG = 16
"""Tables with more rows are folded."""


def render(findings: Findings, plots: Mapping[str, bytes]) -> str:
    """The page.

    Parameters
    ----------
    findings : Findings
        All figures.
    plots : mapping of str to bytes
        SVG by name (`plots.PLOTS`).
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
<p class="soft">{_summary(findings)} {RESEARCH_ONLY}</p>
{_notes(findings)}
</header>
<main>
{"".join(_sections(findings, plots))}
</main>
<footer><p class="soft">Written by medrestore {escape(__version__)}. The same figures are in
figures.csv and figures.json; every plot lies beside this page as SVG and PDF.</p></footer>
</body>
</html>
"""


def _sections(findings: Findings, plots: Mapping[str, bytes]) -> list[str]:
    reports, several = findings.reports, len(findings.reports) > 1
    parts = _over_cases(findings) if several else []
    single = several and len(reports[0].methods) == 1
    title = " Δ: mean of restored − noisy, with its 95 % interval." if single else ""
    text = words.CHANGE.format(title=title)
    parts.append(_section("Noisy and restored", text, _plot(plots, "differences")))
    parts.append(_section("Fidelity", words.FIDELITY, _table(tables.of_fidelity(reports))))
    parts.append(
        _section("Agreement (Bland–Altman)", words.AGREEMENT, _plot(plots, "bland_altman"))
    )
    if "reliability" in plots:
        thin = " Thin lines are cases, thick ones and bars their mean." if several else ""
        body = _plot(plots, "reliability") + f'<p class="soft">{words.UNCERTAINTY}</p>'
        body += _table(tables.of_levels(reports)) + f'<p class="soft">{words.SCORES}</p>'
        body += _table(tables.of_scores(reports))
        regions = tables.of_regions(reports)
        if regions.rows:
            body += f'<p class="soft">{words.REGIONS}</p>' + _table(regions)
        parts.append(_section("Uncertainty", words.RELIABILITY.format(thin=thin), body))
    parts.append(
        _section("By tissue and gradient", words.STRATA, _table(tables.of_strata(reports)))
    )
    return parts


def _over_cases(findings: Findings) -> list[str]:
    """Methods on average, and against each other."""
    modality, people = findings.reports[0].modality, len(findings.people)
    told = {"people": people, "persons": "person" if people == 1 else "people"}
    told |= {"seed": findings.seed}
    several = ", several cases of a person averaged first," if findings.grouped else ""
    body = _table(tables.of_summary(findings.summaries, modality), LONG)
    judged = tables.of_summary_uncertainty(findings.summaries, modality)
    if judged.rows:
        body += _table(judged)
    parts = [_section("Methods", words.MEANS.format(several=several, **told), body)]
    if findings.paired:
        text = words.PAIRED.format(tests=len(findings.paired), **told)
        first = [one for one in findings.paired if one.window == FOREGROUND]
        others = [one for one in findings.paired if one.window != FOREGROUND]
        body = _table(tables.of_paired(first), 2 * LONG)
        if others:
            body += _table(tables.of_paired(others), 0, "The other windows")
        parts.append(_section("Differences between methods", text, body))
    return parts


def _summary(findings: Findings) -> str:
    cases, people = len(findings.reports), len(findings.people)
    of = f" of {people} {'person' if people == 1 else 'people'}" if findings.grouped else ""
    methods = findings.reports[0].methods
    named = f" Methods: {escape(', '.join(methods))}." if len(methods) > 1 else ""
    modality = findings.reports[0].modality
    return f"{cases} case{'' if cases == 1 else 's'}{of}, {modality}.{named}"


def _notes(findings: Findings) -> str:
    said: dict[str, list[str]] = {}
    for report in findings.reports:
        for note in report.notes:
            said.setdefault(note, []).append(report.case)
    everywhere = len(findings.reports)
    lines = [
        f"{'every case' if len(cases) == everywhere > 1 else ', '.join(cases)}: {note}"
        for note, cases in said.items()
    ]
    if findings.alone:
        lines.append(f"left out, without partner: {', '.join(findings.alone)}")
    text = "<br>".join(escape(line) for line in lines)
    return f'<div class="note">{text}</div>' if lines else ""


def _section(title: str, text: str, body: str) -> str:
    return f'<section><h2>{title}</h2><p class="soft">{text}</p>{body}</section>\n'


def _table(table: Table, most: int = LONG, title: str = "All rows") -> str:
    """A table; folded behind its title if it has more rows than ``most``."""

    def row(tag: str, cells: Sequence[str]) -> str:
        classes = [' class="text"' if i < table.words else "" for i in range(len(cells))]
        inner = "".join(
            f"<{tag}{kind}>{escape(cell)}</{tag}>"
            for kind, cell in zip(classes, cells, strict=True)
        )
        return f"<tr>{inner}</tr>"

    body = "".join(row("td", cells) for cells in table.rows)
    head = row("th", table.titles)
    text = f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
    if len(table.rows) <= most:
        return text
    return f"<details><summary>{title} ({len(table.rows)})</summary>{text}</details>"


def _plot(plots: Mapping[str, bytes], name: str) -> str:
    """An SVG as a part of the page; its ids get a prefix, as those of two plots may be equal."""
    text = plots[name].decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    return f'<div class="plot">{text}</div>'
