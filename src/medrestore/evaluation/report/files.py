"""The report's folder: whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.evaluation.findings import find
from medrestore.evaluation.report.folder import (
    as_csv,
    as_json,
    check_folder,
    finite,
    write_folder,
)
from medrestore.evaluation.report.page import render
from medrestore.evaluation.report.plots import PLOTS, draw

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from medrestore.evaluation.findings import Findings
    from medrestore.evaluation.report_of_case import Report

__all__ = ["check_report_folder", "facts_of", "write_findings", "write_report"]

NAMES = {
    "figures.csv",
    "figures.json",
    "report.html",
    *(f"{plot}.{kind}" for plot in PLOTS for kind in ("svg", "pdf")),
}


def write_report(
    reports: Sequence[Report],
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    overwrite: bool = False,
    alone: Sequence[str] = (),
) -> Path:
    """Write the figures of one or several cases into a folder.

    ``figures.csv`` (a row per case, method and window), ``figures.json`` (all), ``report.html``
    (opens offline), and the plots as SVG and PDF: ``bland_altman``, ``differences`` and, where a
    result came with its std, ``reliability``.

    Parameters
    ----------
    reports : sequence of Report
        At least one; of one modality and the same methods, their cases named differently.
    out : path
        A folder that is missing, empty, or holds an earlier report.
    seed : int
        Of the bootstrap over people.
    overwrite : bool
        Whether an earlier report may be replaced.
    alone : sequence of str
        Scans that had no partner, to be named.

    Returns
    -------
    Path
        ``report.html``.

    Raises
    ------
    InputError
        If there is no case, or modalities or methods are mixed.
    OutputError
        If something else is in the folder, or it cannot be written.
    """
    folder = Path(out)
    check_report_folder(folder, overwrite)
    return write_findings(find(reports, seed, alone), folder, overwrite)


def write_findings(findings: Findings, folder: Path, overwrite: bool = False) -> Path:
    """The same of what was found already (`findings.find`); ``report.html`` is returned."""
    check_report_folder(folder, overwrite)
    reports = findings.reports
    plots = draw(reports, findings.paired)
    inline = {name: files["svg"] for name, files in plots.items()}
    files = {f"{name}.{kind}": data for name, of in plots.items() for kind, data in of.items()}
    files["figures.csv"] = as_csv([row for report in reports for row in report.rows()])
    files["figures.json"] = as_json(facts_of(findings))
    files["report.html"] = render(findings, inline).encode()
    return write_folder(folder, NAMES, files, overwrite)


def check_report_folder(folder: Path, overwrite: bool = False) -> None:
    """Make sure that a folder is free for a report; asked before minutes of work.

    Raises
    ------
    OutputError
        If it is not.
    """
    check_folder(folder, NAMES, overwrite)


def facts_of(findings: Findings) -> dict[str, Any]:
    """All figures of all cases, as JSON takes them: what is not finite is None."""
    found: dict[str, Any] = finite({"medrestore": __version__, **findings.facts()})
    return found
