"""The uncertainty in three panels: coverage, error by standard deviation, PIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator

from medrestore.evaluation.report.colours import ACCENT, FAINT, INK, RESTORED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.uncertainty import Uncertainty

__all__ = ["reliability"]


def reliability(figure: Figure, reports: Sequence[Report]) -> None:
    """Draw the cases that have an uncertainty; thin lines are cases, thick ones their mean."""
    judged = [report for report in reports if report.uncertainty is not None]
    found = [report.uncertainty for report in judged if report.uncertainty is not None]
    figure.set_size_inches(9.6, 3.3)
    coverage, error, pit = figure.subplots(1, 3)
    _coverage(coverage, found)
    _errors(error, judged)
    _pit(pit, found)


def _coverage(axes: Axes, found: list[Uncertainty]) -> None:
    axes.plot([0, 100], [0, 100], color=FAINT, lw=1, ls="--", zorder=1)
    curves = 100 * np.array([one.reliability for one in found])  # cases × levels × 2
    for curve in curves if len(curves) > 1 else ():
        axes.plot(*curve.T, color=RESTORED, lw=0.6, alpha=0.35)
    axes.plot(*curves.mean(axis=0).T, color=RESTORED, lw=1.8, label="restored ± factor · std")
    for kind, marker, label in (
        ("calibrated", "o", "calibrated interval"),
        ("result", "D", "the result's own interval"),
    ):
        points = [
            (level.nominal, level.covered)
            for one in found
            for level in one.levels
            if level.kind == kind
        ]
        if points:
            axes.plot(
                *(100 * np.array(points)).T,
                marker,
                color=ACCENT,
                ms=4.5,
                label=label,
                mfc=ACCENT if kind == "result" else "white",
            )
    axes.set(
        title="Coverage",
        xlabel="nominal coverage (%)",
        ylabel="voxels covered (%)",
        xlim=(0, 100),
        ylim=(0, 100),
        aspect="equal",
    )
    axes.legend(loc="upper left", handlelength=1.4)


def _errors(axes: Axes, judged: Sequence[Report]) -> None:
    unit = "HU" if judged[0].modality == "CT" else "% of scale"
    curves = []
    for report in judged:
        assert report.uncertainty is not None  # chosen so
        window = report.of("restored").window
        factor = 1.0 if unit == "HU" else 100 / window.data_range
        curves.append(factor * np.array(report.uncertainty.error_by_std))
    values = np.concatenate(curves)
    low, high = values[values > 0].min() / 1.25, values.max() * 1.25
    axes.plot([low, high], [low, high], color=FAINT, lw=1, ls="--")
    for curve in curves:
        axes.plot(*curve.T, "o-", color=RESTORED, ms=3, lw=1.2 if len(curves) == 1 else 0.7)
    axes.set(
        title="Error by predicted std",
        xlabel=f"RMS standard deviation ({unit})",
        ylabel=f"RMS error ({unit})",
        xscale="log",
        yscale="log",
        xlim=(low, high),
        ylim=(low, high),
        aspect="equal",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(_ticks(low, high))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")


def _pit(axes: Axes, found: list[Uncertainty]) -> None:
    shares = 100 * np.array([one.pit for one in found])
    bins = shares.shape[1]
    edges = np.linspace(0, 1, bins + 1)
    axes.stairs(shares.mean(axis=0), edges, fill=True, color=RESTORED, alpha=0.75)
    axes.axhline(100 / bins, color=INK, lw=1, ls="--")
    axes.set(
        title="PIT", xlabel="Φ((reference − restored) / std)", ylabel="voxels (%)", xlim=(0, 1)
    )


def _ticks(low: float, high: float) -> FixedLocator:
    """1, 2 and 5 of each decade between two values."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    return FixedLocator([m * 10.0**d for d in decades for m in steps if low <= m * 10.0**d <= high])
