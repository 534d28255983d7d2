"""Plots of metrics over cases: agreement, changes by restoring, reliability of the uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.ticker import FixedLocator

from medrestore.evaluation.fidelity import agreement
from medrestore.evaluation.images import RESTORED
from medrestore.evaluation.over_cases import compared_metrics, compared_value, in_unit, unit_for
from medrestore.evaluation.strata import FOREGROUND
from medrestore.report.plots import ACCENT, FAINT, INK, NOISY, colours_of
from medrestore.report.tables import true_minus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from medrestore.evaluation.evaluate import Report
    from medrestore.evaluation.fidelity import Agreement
    from medrestore.evaluation.over_cases import Paired
    from medrestore.evaluation.uncertainty import Uncertainty

__all__ = ["bland_altman", "differences", "reliability"]

BINS = 90
MOST = 3
"""Panels side by side."""
COLOURS = ListedColormap(colormaps["Blues"](np.linspace(0.2, 1, 256)))

COMPARED = ("PSNR", "SSIM", "RMSE")
NAMED = 60
"""Cases that are named beside the axis; of more, only their order is shown."""
LONGEST = 28
APART = 0.5
"""Of a case's row, what several methods are spread over."""


def bland_altman(figure: Figure, reports: Sequence[Report]) -> None:
    """Draw the difference against the mean for noisy and every method, on the same axes.

    CT in HU, MR in percent of the foreground scale; each case gives as many voxels.
    """
    unit = unit_for(reports[0].modality)
    reference, *images = _points(reports)
    reach = float(np.quantile(np.abs(images[0] - reference), 0.998)) or 1.0
    left, right = np.quantile(reference, (0.001, 0.999))
    across, away = (float(left), float(right)), (-reach, reach)
    counts = [
        np.histogram2d((image + reference) / 2, image - reference, BINS, (across, away))[0]
        for image in images
    ]
    norm = LogNorm(1, max(2.0, max(float(one.max()) for one in counts)))
    columns = 2 if len(images) == 4 else min(len(images), MOST)
    rows = -(-len(images) // columns)
    figure.set_size_inches(9.6, 0.5 + rows * (3.1 if columns < MOST else 2.6))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    x, y = (np.linspace(*ends, BINS + 1) for ends in (across, away))
    for axes, title, image, count in zip(
        panels.flat, ("Noisy", *map(_panel_title, reports[0].methods)), images, counts, strict=False
    ):
        filled = np.ma.masked_equal(count.T, 0)
        mesh = axes.pcolormesh(x, y, filled, cmap=COLOURS, norm=norm, rasterized=True)
        _lines(axes, agreement(image, reference, np.ones(image.shape, bool)))
        axes.set(title=title, xlim=across, ylim=away)
    for axes in panels.flat[len(images) :]:
        axes.set_visible(False)
    for axes in panels.flat[max(len(images) - columns, 0) : len(images)]:
        axes.tick_params(labelbottom=True)  # nothing stands below
    figure.supxlabel(f"mean of image and reference ({unit})", fontsize=9)
    figure.supylabel(f"image − reference ({unit})", fontsize=9)
    bar = figure.colorbar(mesh, ax=panels, label="voxels", pad=0.01, aspect=30)
    bar.outline.set_visible(False)


def _points(reports: Sequence[Report]) -> NDArray[np.float64]:
    """Return reference, noisy and methods, (2 + methods, voxels), as many voxels of each case."""
    fewest = min(len(report.points) for report in reports)
    parts = []
    for report in reports:
        factor = in_unit(report.of("noisy").window, report.modality)
        drawn = np.random.default_rng(0).choice(report.points, fewest, replace=False, axis=0)
        parts.append(drawn.astype(np.float64) * factor)
    return np.concatenate(parts).T


def _panel_title(method: str) -> str:
    return "Restored" if method == RESTORED else method


def _lines(axes: Axes, found: Agreement) -> None:
    """Draw the mean difference and limits of agreement."""
    low, high = found.limits
    axes.axhline(0, color=INK, lw=0.6)
    axes.axhline(found.mean, color=ACCENT, lw=1.4, label=true_minus(f"mean {found.mean:.3g}"))
    limits = true_minus(f"95 % limits {low:.3g} to {high:.3g}")
    for limit, label in ((high, limits), (low, None)):
        axes.axhline(limit, color=ACCENT, lw=1.1, ls="--", label=label)
    axes.legend(loc="upper right", handlelength=1.6)


def differences(figure: Figure, reports: Sequence[Report], paired: Sequence[Paired]) -> None:
    """Draw noisy and restored of every case in the foreground, and the mean difference."""
    rows = len(reports)
    row = 0.26 if len(reports[0].methods) == 1 else 0.2 + 0.08 * len(reports[0].methods)
    figure.set_size_inches(9.6, 1.7 + row * min(rows, NAMED))
    panels = figure.subplots(1, len(COMPARED), sharey=True)
    units = compared_metrics(reports[0].modality)
    for axes, metric in zip(panels, COMPARED, strict=True):
        _panel(axes, reports, metric)
        unit = f" ({units[metric]})" if units[metric] else ""
        title = _mean_difference(paired, metric) if len(reports[0].methods) == 1 else ""
        axes.set(xlabel=f"{metric}{unit}", title=title)
        axes.margins(x=0.12)
    names = [_short(report.case) for report in reports] if rows <= NAMED else None
    panels[0].set_yticks(range(rows) if names else [], names)
    panels[0].set_ylim(rows - 0.4, -0.6)
    panels[0].set_ylabel("" if names else f"{rows} cases")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(labels)))


def _panel(axes: Axes, reports: Sequence[Report], metric: str) -> None:
    def of(method: str) -> list[float]:
        return [compared_value(report.of(method), metric, report.modality) for report in reports]

    methods = reports[0].methods
    rows, noisy = np.arange(len(reports)), of("noisy")
    axes.plot(noisy, rows, "o", color=NOISY, mfc="white", ms=5.5, label="noisy", zorder=3)
    spread = np.linspace(-APART / 2, APART / 2, len(methods)) if len(methods) > 1 else (0.0,)
    for (method, colour), shift in zip(colours_of(methods).items(), spread, strict=True):
        values = of(method)
        if len(methods) == 1:
            axes.hlines(rows, noisy, values, color=FAINT, lw=1.4, zorder=1)
        axes.plot(values, rows + shift, "o", color=colour, ms=5, label=method, zorder=2)
    axes.grid(axis="x", color="#e8e8e8", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def _mean_difference(paired: Sequence[Paired], metric: str) -> str:
    """Return the mean difference with its interval; nothing for a single case."""
    for one in paired:
        if (one.window, one.figure) == (FOREGROUND, metric):
            return f"Δ {one.mean:+.3g}  [{one.lower:+.3g}, {one.upper:+.3g}]"
    return ""


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"


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
    """Return 1, 2 and 5 of each decade between two values."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    return FixedLocator([m * 10.0**d for d in decades for m in steps if low <= m * 10.0**d <= high])
