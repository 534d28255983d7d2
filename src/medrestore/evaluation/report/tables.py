"""Figures as rows of text, for the page and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.evaluation.metrics import IMAGE_METRICS, UNCERTAINTY_METRICS, cells_of
from medrestore.evaluation.over_cases import compared_metrics
from medrestore.report.tables import Table, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.floor import Floor
    from medrestore.evaluation.metrics import Metric
    from medrestore.evaluation.over_cases import Paired, Summary
    from medrestore.evaluation.perception import Perception
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
    return table_of(
        [(one,) for one in paired],
        3,
        ("window", lambda one: one.window),
        ("methods", lambda one: f"{one.method} − {one.against}"),
        ("figure", lambda one: f"{one.figure} ({one.unit})" if one.unit else one.figure),
        ("people", lambda one: f"{one.people}"),
        ("difference", lambda one: f"{one.mean:+.3g}"),
        ("95 % interval", lambda one: f"{one.lower:+.3g} to {one.upper:+.3g}"),
        ("p", lambda one: f"{one.p:.2g}"),
        ("p, Holm", lambda one: f"{one.p_holm:.2g}"),
    )


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
    unit = reports[0].unit
    return table_of(
        [(r, method, one) for r, method, found in _judged(reports) for one in found.regions],
        3,
        ("case", lambda report, method, one: report.case),
        ("method", lambda report, method, one: method),
        ("slices × rows × columns", lambda report, method, one: " × ".join(map(str, one.shape))),
        ("voxels", lambda report, method, one: f"{one.voxels:,}"),
        ("regions", lambda report, method, one: f"{one.regions}"),
        ("nominal (%)", lambda report, method, one: f"{100 * one.nominal:.4g}"),
        ("covered (%)", lambda report, method, one: f"{100 * one.covered:.0f}"),
        (f"mean width ({unit})", lambda report, method, one: f"{one.width:.3g}"),
        (f"bias ({unit})", lambda report, method, one: f"{one.bias:+.2g}"),
    )


def of_floors(reports: Sequence[Report]) -> Table:
    """Methods against the reference's own noise."""

    def above(one: Floor) -> str:
        return f"{20 * np.log10(one.rmse / one.floor):+.2f}" if one.rmse and one.floor else "–"

    unit = reports[0].unit
    return table_of(
        [(report, one) for report in reports for one in report.floors],
        2,
        ("case", lambda report, one: report.case),
        ("method", lambda report, one: one.method),
        (f"reference’s own noise ({unit})", lambda report, one: f"{one.own:.3g}"),
        (f"added ({unit})", lambda report, one: f"{one.added:.3g}"),
        (f"RMSE ({unit})", lambda report, one: f"{one.rmse:.4g}"),
        (f"floor ({unit})", lambda report, one: f"{one.floor:.4g}"),
        ("above it (dB)", lambda report, one: above(one)),
        (f"excess ({unit})", lambda report, one: f"{one.excess:.4g}"),
        (f"to noise-free ({unit})", lambda report, one: f"{one.clean:.4g}"),
    )


def of_perception(perceptions: Sequence[Perception]) -> Table:
    """Distances from the set of references."""

    def interval(low: float, high: float) -> str:
        return f"{low:.3g} to {high:.3g}" if np.isfinite(low) else "–"

    return table_of(
        [(one,) for one in perceptions],
        1,
        ("method", lambda one: one.method),
        ("slices", lambda one: f"{one.slices}"),
        ("people", lambda one: f"{one.people}"),
        ("KID", lambda one: f"{one.kid:.3g}"),
        ("95 % interval", lambda one: interval(one.kid_lower, one.kid_upper)),
        ("FID", lambda one: f"{one.fid:.3g}"),
        ("95 % interval", lambda one: interval(one.fid_lower, one.fid_upper)),
        ("FID∞", lambda one: f"{one.fid_limit:.3g}" if np.isfinite(one.fid_limit) else "–"),
    )


def of_strata(reports: Sequence[Report]) -> Table:
    """Tissues and gradients."""

    def optional(value: float | None, form: str) -> str:
        return "–" if value is None else f"{value:{form}}"

    unit = reports[0].unit
    return table_of(
        [(report, one) for report in reports for one in report.strata],
        4,
        ("case", lambda report, one: report.case),
        ("method", lambda report, one: one.method),
        ("by", lambda report, one: one.kind),
        ("stratum", lambda report, one: one.name),
        ("voxels", lambda report, one: f"{one.voxels:,}"),
        (f"RMSE, noisy ({unit})", lambda report, one: f"{one.rmse_noisy:.4g}"),
        (f"RMSE, restored ({unit})", lambda report, one: f"{one.rmse:.4g}"),
        (f"bias ({unit})", lambda report, one: f"{one.bias:+.3g}"),
        ("covered (%)", lambda report, one: optional(one.covered and 100 * one.covered, ".1f")),
        ("std ratio", lambda report, one: optional(one.std_ratio, ".3f")),
    )


def _judged(reports: Sequence[Report]) -> Iterator[tuple[Report, str, Uncertainty]]:
    for report in reports:
        for method, judged in report.uncertainties.items():
            yield report, method, judged
