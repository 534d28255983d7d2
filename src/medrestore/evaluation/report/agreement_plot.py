"""Bland–Altman plots of noisy and restored images, over voxels drawn from all cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm

from medrestore.evaluation.agreement import agreement
from medrestore.evaluation.compared import in_unit, unit_for
from medrestore.evaluation.images import RESTORED
from medrestore.evaluation.report.colours import ACCENT, INK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from medrestore.evaluation.agreement import Agreement
    from medrestore.evaluation.report_of_case import Report

__all__ = ["bland_altman"]

BINS = 90
MOST = 3
"""Panels side by side."""
COLOURS = ListedColormap(colormaps["Blues"](np.linspace(0.2, 1, 256)))


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
        panels.flat, ("Noisy", *map(_title, reports[0].methods)), images, counts, strict=False
    ):
        shown = np.ma.masked_equal(count.T, 0)
        mesh = axes.pcolormesh(x, y, shown, cmap=COLOURS, norm=norm, rasterized=True)
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
    """Reference, noisy and methods, (2 + methods, voxels), as many voxels of each case."""
    fewest = min(len(report.points) for report in reports)
    parts = []
    for report in reports:
        factor = in_unit(report.of("noisy").window, report.modality)
        drawn = np.random.default_rng(0).choice(report.points, fewest, replace=False, axis=0)
        parts.append(drawn.astype(np.float64) * factor)
    return np.concatenate(parts).T


def _title(method: str) -> str:
    return "Restored" if method == RESTORED else method


def _lines(axes: Axes, found: Agreement) -> None:
    """Mean difference and limits of agreement."""
    low, high = found.limits
    axes.axhline(0, color=INK, lw=0.6)
    axes.axhline(found.mean, color=ACCENT, lw=1.4, label=_signed(f"mean {found.mean:.3g}"))
    limits = _signed(f"95 % limits {low:.3g} to {high:.3g}")
    for place, label in ((high, limits), (low, None)):
        axes.axhline(place, color=ACCENT, lw=1.1, ls="--", label=label)
    axes.legend(loc="upper right", handlelength=1.6)


def _signed(text: str) -> str:
    """With a true minus."""
    return text.replace("-", "−")
