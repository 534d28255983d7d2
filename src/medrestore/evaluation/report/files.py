"""The report's folder: whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.errors import OutputError
from medrestore.evaluation.findings import find
from medrestore.evaluation.report.page import render
from medrestore.evaluation.report.plots import PLOTS, draw
from medrestore.io.staging import staged_folder

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
    files["figures.csv"] = _csv([row for report in reports for row in report.rows()])
    facts = facts_of(findings)
    files["figures.json"] = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    files["report.html"] = render(findings, inline).encode()
    with staged_folder(folder, overwrite, _is_ours) as staged:
        for name, data in files.items():
            (staged / name).write_bytes(data)
    return folder / "report.html"


def check_report_folder(folder: Path, overwrite: bool = False) -> None:
    """Make sure that a folder is free for a report; asked before minutes of work.

    Raises
    ------
    OutputError
        If it is not.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; give the name of a folder")
    present = sorted(folder.iterdir()) if folder.is_dir() else []
    strange = next((path for path in present if not _is_ours(path)), None)
    if strange is not None:
        raise OutputError(
            f"{folder} holds {strange.name}, which is no part of a report; choose a folder of its "
            "own for the report"
        )
    if present and not overwrite:
        raise OutputError(
            f"{folder} holds a report already; choose another folder, or allow --overwrite"
        )


def facts_of(findings: Findings) -> dict[str, Any]:
    """All figures of all cases, as JSON takes them: what is not finite is None."""
    found: dict[str, Any] = _finite({"medrestore": __version__, **findings.facts()})
    return found


def _is_ours(path: Path) -> bool:
    return path.name in NAMES and path.is_file()


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.8g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue().encode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
