"""Figures as rows of text, for the page and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.evaluation.metrics import IMAGE_METRICS, UNCERTAINTY_METRICS, cells_of
from medrestore.evaluation.over_cases import compared_metrics
from medrestore.report.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medrestore.evaluation.metrics import Metric
    from medrestore.evaluation.over_cases import Paired, Summary
    from medrestore.evaluation.perception import Perception
    from medrestore.evaluation.report_of_case import Report
    from medrestore.evaluation.uncertainty import Level, Uncertainty

__all__ = [
    "better",
    "of_fidelity",
    "of_floors",
    "of_levels",
    "of_paired",
    "of_perception",
    "of_regions",
    "of_scores",
    "of_strata",
    "of_summary",
    "of_summary_uncertainty",
]


def of_summary(summaries: Sequence[Summary], modality: str) -> Table:
    """Method by figure, in every window."""
    return _crossed(summaries, [*compared_metrics(modality).items()])


def of_summary_uncertainty(summaries: Sequence[Summary], modality: str) -> Table:
    """Method by figure of the uncertainty."""
    images = compared_metrics(modality)
    return _crossed(
        [one for one in summaries if one.figure not in images],
        list(dict.fromkeys((s.figure, s.unit) for s in summaries if s.figure not in images)),
    )


def better(which: str) -> list[str]:
    """Names of the metrics of images that are better when ``"higher"`` or ``"lower"``."""
    compared = (one for one in IMAGE_METRICS.values() if one.compared)
    return [one.name for one in compared if one.better == which]


def _crossed(summaries: Sequence[Summary], figures: Sequence[tuple[str, str]]) -> Table:
    found = {(one.window, one.method, one.figure): one for one in summaries}
    wanted = {name for name, _ in figures}
    rows = []
    for window, method in dict.fromkeys((w, m) for w, m, f in found if f in wanted):
        of = [found.get((window, method, name)) for name, _ in figures]
        people = str(max(one.people for one in of if one is not None))
        rows.append((window, method, people, *("–" if one is None else _mean(one) for one in of)))
    titles = [f"{name} ({unit})" if unit else name for name, unit in figures]
    return Table(("window", "method", "people", *titles), rows, 2)


def _mean(one: Summary) -> str:
    digits = next((m.digits for m in IMAGE_METRICS.values() if m.name == one.figure), 3)
    if not np.isfinite(one.lower):
        return f"{one.mean:.{digits}g}"
    return f"{one.mean:.{digits}g} [{one.lower:.{digits}g}, {one.upper:.{digits}g}]"


def of_paired(paired: Sequence[Paired]) -> Table:
    """Differences over people."""
    rows = [
        (
            one.window,
            f"{one.method} − {one.against}",
            f"{one.figure} ({one.unit})" if one.unit else one.figure,
            f"{one.people}",
            f"{one.mean:+.3g}",
            f"{one.lower:+.3g} to {one.upper:+.3g}",
            f"{one.p:.2g}",
            f"{one.p_holm:.2g}",
        )
        for one in paired
    ]
    titles = (
        "window", "methods", "figure", "people", "difference", "95 % interval", "p", "p, Holm",
    )  # fmt: skip
    return Table(titles, rows, 3)


def of_fidelity(reports: Sequence[Report]) -> Table:
    """Every image in every window."""
    unit = reports[0].unit
    cells = cells_of(IMAGE_METRICS.values(), unit)
    titles = (
        "case", "window", "method", f"from … to ({unit})", f"data range ({unit})", "voxels", *cells
    )  # fmt: skip
    rows = [
        (
            report.case,
            one.window.name,
            one.method,
            f"{one.window.low:.5g} … {one.window.high:.5g}",
            f"{one.window.data_range:.5g}",
            f"{one.voxels:,}",
            *(_metric_cell(of, one.values) for of in cells.values()),
        )
        for report in reports
        for one in report.fidelity
    ]
    return Table(titles, rows, 3)


def _metric_cell(metrics: Sequence[Metric[Any]], values: Mapping[str, float]) -> str:
    """Values as a cell shows them; a dash for one that is not defined."""
    return " … ".join(
        "–" if np.isnan(values[one.key]) else one.cell.format(values[one.key]) for one in metrics
    )


def of_levels(reports: Sequence[Report]) -> Table:
    """Coverage and width at every level: the model's interval beside a Gaussian's."""
    unit = reports[0].unit
    rows = []
    for report, method, judged in _judged(reports):
        for nominal in dict.fromkeys(level.nominal for level in judged.levels):
            of = {level.kind: level for level in judged.levels if level.nominal == nominal}
            gaussian, ours = of["gaussian"], of.get("result", of.get("calibrated"))
            cells = [report.case, method, f"{100 * nominal:.4g}"]
            cells += ["–", "–", "–"] if ours is None else [ours.kind, *_cells(ours)]
            rows.append((*cells, *_cells(gaussian)))
    titles = (
        "case", "method", "nominal (%)", "interval", "covered (%)", f"mean width ({unit})",
        "restored ± factor · std covers (%)", f"mean width ({unit})",
    )  # fmt: skip
    return Table(titles, rows, 2)


def _cells(level: Level) -> tuple[str, str]:
    return f"{100 * level.covered:.1f}", f"{level.width:.3g}"


def of_scores(reports: Sequence[Report]) -> Table:
    """Single figures of the uncertainty."""
    cells = cells_of(UNCERTAINTY_METRICS.values(), reports[0].unit)
    rows = [
        (
            report.case,
            method,
            f"{judged.voxels:,}",
            *(_metric_cell(of, judged.scores) for of in cells.values()),
        )
        for report, method, judged in _judged(reports)
    ]
    return Table(("case", "method", "voxels", *cells), rows, 2)


def of_regions(reports: Sequence[Report]) -> Table:
    """Intervals of region means, by size."""
    rows = [
        (
            report.case,
            method,
            " × ".join(str(n) for n in one.shape),
            f"{one.voxels:,}",
            f"{one.regions}",
            f"{100 * one.nominal:.4g}",
            f"{100 * one.covered:.0f}",
            f"{one.width:.3g}",
            f"{one.bias:+.2g}",
        )
        for report, method, judged in _judged(reports)
        for one in judged.regions
    ]
    unit = reports[0].unit
    titles = (
        "case", "method", "slices × rows × columns", "voxels", "regions", "nominal (%)",
        "covered (%)", f"mean width ({unit})", f"bias ({unit})",
    )  # fmt: skip
    return Table(titles, rows, 3)


def of_floors(reports: Sequence[Report]) -> Table:
    """Methods against the reference's own noise."""
    rows = [
        (
            report.case,
            one.method,
            f"{one.own:.3g}",
            f"{one.added:.3g}",
            f"{one.rmse:.4g}",
            f"{one.floor:.4g}",
            f"{20 * np.log10(one.rmse / one.floor):+.2f}" if one.rmse and one.floor else "–",
            f"{one.excess:.4g}",
            f"{one.clean:.4g}",
        )
        for report in reports
        for one in report.floors
    ]
    unit = reports[0].unit
    titles = (
        "case", "method", f"reference’s own noise ({unit})", f"added ({unit})", f"RMSE ({unit})",
        f"floor ({unit})", "above it (dB)", f"excess ({unit})", f"to noise-free ({unit})",
    )  # fmt: skip
    return Table(titles, rows, 2)


def of_perception(perceptions: Sequence[Perception]) -> Table:
    """Distances from the set of references."""

    def interval(low: float, high: float) -> str:
        return f"{low:.3g} to {high:.3g}" if np.isfinite(low) else "–"

    rows = [
        (
            one.method,
            f"{one.slices}",
            f"{one.people}",
            f"{one.kid:.3g}",
            interval(one.kid_lower, one.kid_upper),
            f"{one.fid:.3g}",
            interval(one.fid_lower, one.fid_upper),
            f"{one.fid_limit:.3g}" if np.isfinite(one.fid_limit) else "–",
        )
        for one in perceptions
    ]
    titles = (
        "method", "slices", "people", "KID", "95 % interval", "FID", "95 % interval", "FID∞",
    )  # fmt: skip
    return Table(titles, rows, 1)


def of_strata(reports: Sequence[Report]) -> Table:
    """Tissues and gradients."""
    unit = reports[0].unit
    rows = [
        (
            report.case,
            one.method,
            one.kind,
            one.name,
            f"{one.voxels:,}",
            f"{one.rmse_noisy:.4g}",
            f"{one.rmse:.4g}",
            f"{one.bias:+.3g}",
            "–" if one.covered is None else f"{100 * one.covered:.1f}",
            "–" if one.std_ratio is None else f"{one.std_ratio:.3f}",
        )
        for report in reports
        for one in report.strata
    ]
    titles = (
        "case", "method", "by", "stratum", "voxels", f"RMSE, noisy ({unit})",
        f"RMSE, restored ({unit})", f"bias ({unit})", "covered (%)", "std ratio",
    )  # fmt: skip
    return Table(titles, rows, 4)


def _judged(reports: Sequence[Report]) -> Iterator[tuple[Report, str, Uncertainty]]:
    for report in reports:
        for method, judged in report.uncertainties.items():
            yield report, method, judged
