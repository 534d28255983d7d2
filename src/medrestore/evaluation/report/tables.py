"""Figures as rows of text, for the page and the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.over_cases import Paired
    from medrestore.evaluation.uncertainty import Level

__all__ = ["Table", "of_fidelity", "of_levels", "of_paired", "of_scores", "of_strata"]


class Table(NamedTuple):
    """Titles and rows; the first ``words`` columns are words, the others numbers."""

    titles: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: int


def of_paired(paired: Sequence[Paired]) -> Table:
    """Differences over cases."""
    rows = [
        (
            one.window,
            f"{one.figure} ({one.unit})" if one.unit else one.figure,
            f"{one.cases}",
            f"{one.mean:+.3g}",
            f"{one.lower:+.3g} to {one.upper:+.3g}",
            f"{one.p:.2g}",
        )
        for one in paired
    ]
    return Table(("window", "figure", "n", "restored − noisy", "95 % interval", "p"), rows, 2)


def of_fidelity(reports: Sequence[Report]) -> Table:
    """Every image in every window."""
    unit = _unit(reports)
    titles = (
        "case", "window", "method", f"from … to ({unit})", f"data range ({unit})", "voxels",
        "PSNR (dB)", "SSIM", f"RMSE ({unit})", f"bias ({unit})", f"95 % limits ({unit})", "slope",
    )  # fmt: skip
    rows = [
        (
            report.case,
            one.window.name,
            one.method,
            f"{one.window.low:.5g} … {one.window.high:.5g}",
            f"{one.window.data_range:.5g}",
            f"{one.voxels:,}",
            f"{one.psnr_db:.2f}",
            f"{one.ssim:.4f}",
            f"{one.rmse:.4g}",
            f"{one.bias:+.3g}",
            f"{one.agreement.limits[0]:+.3g} … {one.agreement.limits[1]:+.3g}",
            f"{one.agreement.slope:+.3f}" if np.isfinite(one.agreement.slope) else "–",
        )
        for report in reports
        for one in report.fidelity
    ]
    return Table(titles, rows, 3)


def of_levels(reports: Sequence[Report]) -> Table:
    """Coverage and width at every level: the model's interval beside a Gaussian's."""
    unit = _unit(reports)
    rows = []
    for report in reports:
        levels = report.uncertainty.levels if report.uncertainty is not None else ()
        for nominal in dict.fromkeys(level.nominal for level in levels):
            of = {level.kind: level for level in levels if level.nominal == nominal}
            gaussian, ours = of["gaussian"], of.get("result", of.get("calibrated"))
            cells = [report.case, f"{100 * nominal:.4g}"]
            cells += ["–", "–", "–"] if ours is None else [ours.kind, *_cells(ours)]
            rows.append((*cells, *_cells(gaussian)))
    titles = (
        "case", "nominal (%)", "interval", "covered (%)", f"mean width ({unit})",
        "restored ± factor · std covers (%)", f"mean width ({unit})",
    )  # fmt: skip
    return Table(titles, rows, 1)


def _cells(level: Level) -> tuple[str, str]:
    return f"{100 * level.covered:.1f}", f"{level.width:.3g}"


def of_scores(reports: Sequence[Report]) -> Table:
    """Single figures of the uncertainty."""
    rows = [
        (
            report.case,
            f"{report.uncertainty.voxels:,}",
            f"{report.uncertainty.crps:.4g}",
            f"{report.uncertainty.ence:.3f}",
            f"{report.uncertainty.ause:.3f}",
            f"{report.uncertainty.std_ratio:.3f}",
        )
        for report in reports
        if report.uncertainty is not None
    ]
    titles = ("case", "voxels", f"CRPS ({_unit(reports)})", "ENCE", "AUSE", "std ratio")
    return Table(titles, rows, 1)


def of_strata(reports: Sequence[Report]) -> Table:
    """Tissues and gradients."""
    unit = _unit(reports)
    rows = [
        (
            report.case,
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
        "case", "by", "stratum", "voxels", f"RMSE, noisy ({unit})", f"RMSE, restored ({unit})",
        f"bias ({unit})", "covered (%)", "std ratio",
    )  # fmt: skip
    return Table(titles, rows, 3)


def _unit(reports: Sequence[Report]) -> str:
    return reports[0].unit
