"""The report's folder: tables, plots and a page, whole or not at all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import __version__
from medrestore.errors import InputError
from medrestore.evaluation.over_cases import compare, compared_value, summarise
from medrestore.evaluation.perception import perception
from medrestore.evaluation.report import tables
from medrestore.evaluation.report.plots import bland_altman, differences, reliability
from medrestore.evaluation.strata import FOREGROUND
from medrestore.report.files import ReportFolder, as_csv, as_json, finite
from medrestore.report.page import render
from medrestore.report.plots import draw_plots

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.figure import Figure

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.over_cases import Paired, Summary
    from medrestore.evaluation.perception import Perception

__all__ = [
    "REPORT_FOLDER",
    "Findings",
    "facts_of",
    "find",
    "selected_cases",
    "write_findings",
    "write_report",
]

TITLE = "Restored scans against their references"


@dataclass(frozen=True, eq=False)
class Findings:
    """All that an evaluation found, as the files of a report hold it.

    Parameters
    ----------
    reports : tuple of Report
        The cases.
    summaries : tuple of Summary
        Means over people.
    paired : tuple of Paired
        Differences between methods; empty for fewer than two people.
    perceptions : tuple of Perception
        FID and KID, where the cases have features.
    seed : int
        Of the bootstrap.
    unpaired : tuple of str
        Scans that had no partner.
    """

    reports: tuple[Report, ...]
    summaries: tuple[Summary, ...]
    paired: tuple[Paired, ...]
    perceptions: tuple[Perception, ...]
    seed: int
    unpaired: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """Names of the people whom the cases are of."""
        return tuple(dict.fromkeys(report.person for report in self.reports))

    @property
    def grouped(self) -> bool:
        """True if a person has several cases."""
        return len(self.people) < len(self.reports)

    def notes(self) -> list[str]:
        """Cautions for a reader, each with the cases it is about."""
        cases_by_note: dict[str, list[str]] = {}
        for report in self.reports:
            for note in report.notes:
                cases_by_note.setdefault(note, []).append(report.case)
        everywhere = len(self.reports) if len(self.reports) > 1 else None
        lines = [
            f"{'every case' if len(cases) == everywhere else ', '.join(cases)}: {note}"
            for note, cases in cases_by_note.items()
        ]
        left_out = f"left out, without partner: {', '.join(self.unpaired)}"
        return [*lines, left_out] if self.unpaired else lines

    def facts(self) -> dict[str, Any]:
        """All metrics, for JSON."""
        return {
            "cases": [report.facts() for report in self.reports],
            "people": len(self.people),
            "means": [asdict(one) for one in self.summaries],
            "paired": [asdict(one) for one in self.paired],
            "perception": [asdict(one) for one in self.perceptions],
            "tests": len(self.paired),
            "seed": self.seed,
            "left_out": list(self.unpaired),
        }


def find(reports: Sequence[Report], seed: int = 0, unpaired: Sequence[str] = ()) -> Findings:
    """Means and differences over the people of some cases.

    Raises
    ------
    InputError
        If there is no case, or modalities or methods differ between them.
    """
    if not reports:
        raise InputError("there is no case to report; evaluate at least one")
    return Findings(
        tuple(reports),
        summarise(reports, seed),
        compare(reports, seed),
        perception(reports, seed),
        seed,
        tuple(unpaired),
    )


REPORT_FOLDER = ReportFolder(
    ("figures.csv", "figures.json"), ("reliability", "bland_altman", "differences")
)


def write_report(
    reports: Sequence[Report],
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    overwrite: bool = False,
    unpaired: Sequence[str] = (),
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
    unpaired : sequence of str
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
    return write_findings(find(reports, seed, unpaired), folder, overwrite)


def write_findings(findings: Findings, folder: Path, overwrite: bool = False) -> Path:
    """Write the same of what was found already (`find`); return ``report.html``."""
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
        return compared_value(found, "RMSE", report.modality)

    order = sorted(pictured, key=error)
    if len(order) < 3:
        names = ("best", "worst") if len(order) == 2 else ("",)
        return dict(zip(names, order, strict=False))
    return {"best": order[0], "median": order[(len(order) - 1) // 2], "worst": order[-1]}
