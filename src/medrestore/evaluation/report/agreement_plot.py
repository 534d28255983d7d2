"""Bland–Altman plots of noisy and restored images, over voxels drawn from all cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm

from medrestore.evaluation.agreement import agreement
from medrestore.evaluation.report.colours import ACCENT, INK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medrestore.evaluation.agreement import Agreement
    from medrestore.evaluation.evaluate import Report

__all__ = ["bland_altman"]

BINS = 90
COLOURS = ListedColormap(colormaps["Blues"](np.linspace(0.2, 1, 256)))


def bland_altman(figure: Figure, reports: Sequence[Report]) -> None:
    """Draw the difference against the mean for noisy and restored, on the same axes.

    CT in HU, MR in percent of the foreground scale; each case gives as many voxels.
    """
    figure.set_size_inches(9.6, 3.6)
    unit = "HU" if reports[0].modality == "CT" else "% of scale"
    fewest = min(len(report.points) for report in reports)
    parts = []
    for report in reports:
        factor = 1.0 if unit == "HU" else 100 / report.of("restored").window.data_range
        drawn = np.random.default_rng(0).choice(report.points, fewest, replace=False, axis=0)
        parts.append(drawn.astype(np.float64) * factor)
    reference, noisy, restored = np.concatenate(parts).T
    reach = float(np.quantile(np.abs(noisy - reference), 0.998)) or 1.0
    left, right = np.quantile(reference, (0.001, 0.999))
    across, away = (float(left), float(right)), (-reach, reach)
    images = {"Noisy": noisy, "Restored": restored}
    counts = {
        title: np.histogram2d((image + reference) / 2, image - reference, BINS, (across, away))[0]
        for title, image in images.items()
    }
    norm = LogNorm(1, max(2.0, max(float(one.max()) for one in counts.values())))
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, (title, image) in zip(panels, images.items(), strict=True):
        x, y = (np.linspace(*ends, BINS + 1) for ends in (across, away))
        shown = np.ma.masked_equal(counts[title].T, 0)
        mesh = axes.pcolormesh(x, y, shown, cmap=COLOURS, norm=norm, rasterized=True)
        _lines(axes, agreement(image, reference, np.ones(image.shape, bool)))
        axes.set(
            title=title,
            xlabel=f"mean of image and reference ({unit})",
            xlim=across,
            ylim=away,
        )
    panels[0].set_ylabel(f"image − reference ({unit})")
    bar = figure.colorbar(mesh, ax=panels, label="voxels", pad=0.01, aspect=30)
    bar.outline.set_visible(False)


def _lines(axes: Axes, found: Agreement) -> None:
    """Mean difference and limits of agreement."""
    low, high = found.limits
    axes.axhline(0, color=INK, lw=0.6)
    axes.axhline(found.mean, color=ACCENT, lw=1.4, label=f"mean {found.mean:.3g}")
    for place, label in ((high, f"95 % limits {low:.3g} to {high:.3g}"), (low, None)):
        axes.axhline(place, color=ACCENT, lw=1.1, ls="--", label=label)
    axes.legend(loc="upper right", handlelength=1.6)
