"""The report's folder: tables, plots and a page, whole or not at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.evaluation.compared import figure_of
from medrestore.evaluation.findings import find
from medrestore.evaluation.report import tables
from medrestore.evaluation.report.plots import bland_altman, differences, reliability
from medrestore.evaluation.windows import FOREGROUND
from medrestore.report.files import ReportFolder, as_csv, as_json, finite
from medrestore.report.page import render
from medrestore.report.plots import draw_plots

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from medrestore.evaluation.findings import Findings
    from medrestore.evaluation.report_of_case import Report

__all__ = [
    "REPORT_FOLDER",
    "facts_of",
    "selected_cases",
    "write_findings",
    "write_report",
]

TITLE = "Restored scans against their references"
REPORT_FOLDER = ReportFolder(
    ("figures.csv", "figures.json"), ("reliability", "bland_altman", "differences")
)


def write_report(
    reports: Sequence[Report],
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    overwrite: bool = False,
    alone: Sequence[str] = (),
) -> Path:
    """Write the metrics of one or several cases into a folder.

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
        True if an earlier report may be replaced.
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
    REPORT_FOLDER.check(folder, overwrite)
    return write_findings(find(reports, seed, alone), folder, overwrite)


def write_findings(findings: Findings, folder: Path, overwrite: bool = False) -> Path:
    """Write the same of what was found already (`findings.find`); return ``report.html``."""
    REPORT_FOLDER.check(folder, overwrite)
    plots = draw(findings)
    written = {
        "figures.csv": as_csv([row for report in findings.reports for row in report.rows()]),
        "figures.json": as_json(facts_of(findings)),
    }
    return REPORT_FOLDER.write(folder, _page(findings, plots), written, plots, overwrite)


def facts_of(findings: Findings) -> dict[str, Any]:
    """Return all metrics of all cases, as JSON takes them: what is not finite is None."""
    found: dict[str, Any] = finite({"medrestore": __version__, **findings.facts()})
    return found


def draw(findings: Findings) -> dict[str, dict[str, bytes]]:
    """Return every plot as ``{"svg": …, "pdf": …}``; the reliability only where there is a std."""
    reports = findings.reports
    plots: dict[str, Callable[[Figure], None]] = {}
    if any(report.uncertainties for report in reports):
        plots["reliability"] = partial(reliability, reports=reports)
    plots["bland_altman"] = partial(bland_altman, reports=reports)
    plots["differences"] = partial(differences, reports=reports, paired=findings.paired)
    return draw_plots(plots)


def _page(findings: Findings, plots: Mapping[str, Mapping[str, bytes]]) -> str:
    reports, modality = findings.reports, findings.reports[0].modality
    summaries = [one for one in findings.summaries if one.window == FOREGROUND]
    elsewhere = [one for one in findings.summaries if one.window != FOREGROUND]
    return render(
        "evaluation/report/page.html",
        title=TITLE,
        findings=findings,
        methods=reports[0].methods,
        plots=plots,
        cases=selected_cases(reports),
        better={which: tables.better(which) for which in ("higher", "lower")},
        means=tables.of_summary(summaries, modality),
        means_of_uncertainty=tables.of_summary_uncertainty(summaries, modality),
        means_elsewhere=tables.of_summary(elsewhere, modality),
        differences=tables.of_paired([o for o in findings.paired if o.window == FOREGROUND]),
        differences_elsewhere=tables.of_paired(
            [o for o in findings.paired if o.window != FOREGROUND]
        ),
        fidelity=tables.of_fidelity(reports),
        floors=tables.of_floors(reports),
        levels=tables.of_levels(reports),
        scores=tables.of_scores(reports),
        regions=tables.of_regions(reports),
        perception=tables.of_perception(findings.perceptions),
        strata=tables.of_strata(reports),
    )


def selected_cases(reports: Sequence[Report]) -> dict[str, Report]:
    """Return the best, median and worst case by RMSE of the first method in the foreground.

    Fewer of fewer cases, and none without pictures; a single one is named ``""``.
    """
    pictured = [report for report in reports if report.picture is not None]
    method = reports[0].methods[0]

    def error(report: Report) -> float:
        found = report.of(method)
        return figure_of(found, "RMSE", report.modality)

    order = sorted(pictured, key=error)
    if len(order) < 3:
        names = ("best", "worst") if len(order) == 2 else ("",)
        return dict(zip(names, order, strict=False))
    return {"best": order[0], "median": order[(len(order) - 1) // 2], "worst": order[-1]}
