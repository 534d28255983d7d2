"""The evaluation as one HTML document: tables and plots inside, no script, nothing from a network.

What each figure is, in words, comes from `words`; numbers come from `tables`.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from medrestore.evaluation.report import words
from medrestore.evaluation.report.parts import document, note
from medrestore.evaluation.report.sections import sections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.evaluation.findings import Findings

__all__ = ["render"]

TITLE = "Restored scans against their references"
RESEARCH_ONLY = "For research use only, not for diagnosis."


def render(findings: Findings, plots: Mapping[str, bytes]) -> str:
    """The page.

    Parameters
    ----------
    findings : Findings
        All figures.
    plots : mapping of str to bytes
        SVG by name (`plots.PLOTS`).
    """
    lead = f'<p class="soft">{_summary(findings)} {RESEARCH_ONLY}</p>{note(findings.notes())}'
    return document(TITLE, lead, "".join(sections(findings, plots)), words.FOOT)


def _summary(findings: Findings) -> str:
    cases, people = len(findings.reports), len(findings.people)
    of = f" of {people} {'person' if people == 1 else 'people'}" if findings.grouped else ""
    methods = findings.reports[0].methods
    named = f" Methods: {escape(', '.join(methods))}." if len(methods) > 1 else ""
    modality = findings.reports[0].modality
    return f"{cases} case{'' if cases == 1 else 's'}{of}, {modality}.{named}"
