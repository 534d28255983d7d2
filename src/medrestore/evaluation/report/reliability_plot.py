"""The uncertainty in three panels: coverage, error by standard deviation, PIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedLocator

from medrestore.evaluation.compared import in_unit, unit_for
from medrestore.report.plots import ACCENT, FAINT, INK, colours_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medrestore.evaluation.report_of_case import Report
    from medrestore.evaluation.uncertainty import Uncertainty

__all__ = ["reliability"]


def reliability(figure: Figure, reports: Sequence[Report]) -> None:
    """Draw every method that has an uncertainty; thin lines are cases, thick ones their mean."""
    figure.set_size_inches(9.6, 3.3)
    coverage, error, pit = figure.subplots(1, 3)
    coverage.plot([0, 100], [0, 100], color=FAINT, lw=1, ls="--", zorder=1)
    judged = {
        method: found
        for method in reports[0].methods
        if (found := [r for r in reports if method in r.uncertainties])
    }
    colours = colours_of(reports[0].methods)
    for method, cases in judged.items():
        uncertainties = [case.uncertainties[method] for case in cases]
        name = method if len(judged) > 1 else ""
        _coverage(coverage, uncertainties, colours[method], name)
        _pit(pit, uncertainties, colours[method], single=not name)
    coverage.legend(loc="upper left", handlelength=1.4, fontsize=7 if len(judged) > 1 else 8)
    _errors(error, judged, colours)


def _coverage(axes: Axes, found: list[Uncertainty], colour: str, name: str) -> None:
    curves = 100 * np.array([one.reliability for one in found])  # cases × levels × 2
    for curve in curves if len(curves) > 1 else ():
        axes.plot(*curve.T, color=colour, lw=0.6, alpha=0.35)
    label = name or "restored ± factor · std"
    axes.plot(*curves.mean(axis=0).T, color=colour, lw=1.8, label=label)
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
        edge = colour if name else ACCENT
        if points:
            axes.plot(
                *(100 * np.array(points)).T,
                marker,
                color=edge,
                ms=4.5,
                label=None if name else label,
                mfc=edge if kind == "result" else "white",
            )
    axes.set(
        title="Coverage",
        xlabel="nominal coverage (%)",
        ylabel="voxels covered (%)",
        xlim=(0, 100),
        ylim=(0, 100),
        aspect="equal",
    )


def _errors(axes: Axes, judged: dict[str, list[Report]], colours: dict[str, str]) -> None:
    cases = [(method, case) for method, found in judged.items() for case in found]
    unit = unit_for(cases[0][1].modality)
    curves = []
    for method, case in cases:
        factor = in_unit(case.of(method).window, case.modality)
        curves.append(factor * np.array(case.uncertainties[method].error_by_std))
    values = np.concatenate(curves)
    low, high = values[values > 0].min() / 1.25, values.max() * 1.25
    axes.plot([low, high], [low, high], color=FAINT, lw=1, ls="--")
    for (method, _), curve in zip(cases, curves, strict=True):
        width = 1.2 if len(curves) == 1 else 0.7
        axes.plot(*curve.T, "o-", color=colours[method], ms=3, lw=width)
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


def _pit(axes: Axes, found: list[Uncertainty], colour: str, single: bool) -> None:
    shares = 100 * np.array([one.pit for one in found])
    bins = shares.shape[1]
    edges = np.linspace(0, 1, bins + 1)
    alpha, width = (0.75, 0.0) if single else (1.0, 1.6)
    axes.stairs(shares.mean(axis=0), edges, fill=single, color=colour, alpha=alpha, lw=width)
    axes.axhline(100 / bins, color=INK, lw=1, ls="--")
    axes.set(
        title="PIT", xlabel="Φ((reference − restored) / std)", ylabel="voxels (%)", xlim=(0, 1)
    )
    axes.set_ylim(bottom=0)


def _ticks(low: float, high: float) -> FixedLocator:
    """1, 2 and 5 of each decade between two values."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    return FixedLocator([m * 10.0**d for d in decades for m in steps if low <= m * 10.0**d <= high])
