"""The reliability diagram: how much more often voxels exceeded than was predicted, in points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medrestore.report.plots import FAINT, INK, STYLE, colours_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["draw"]

TARGET = 3.0
"""Points off that are aimed at."""


def draw(path: Path, table: list[dict[str, Any]], model: str) -> None:
    """Draw a panel for each number of samples: persons faint, their mean by noise in colours."""
    counts = sorted({row["samples"] for row in table})
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.6 * len(counts), 3.4), layout="constrained")
        FigureCanvasAgg(figure)
        for axes, samples in zip(
            figure.subplots(1, len(counts), sharey=True, squeeze=False)[0], counts, strict=True
        ):
            _panel(axes, [row for row in table if row["samples"] == samples])
            how = f"{samples} samples" if samples else "one evaluation"
            axes.set_title(f"{model}, {how}")
            axes.set_xlabel("predicted probability, %")
        figure.axes[0].set_ylabel("observed less predicted, points")
        figure.axes[0].legend(loc="upper left")
        figure.savefig(path, dpi=160)


def _panel(axes: Any, rows: list[dict[str, Any]]) -> None:
    axes.axhspan(-TARGET, TARGET, color="0.94", zorder=0)
    axes.axhline(0, color=INK, linewidth=0.8)
    levels = sorted({row["noise"] for row in rows if row["noise"] != "all"})
    colours = colours_of([str(level) for level in levels])
    for level in levels:
        here = [row for row in rows if row["noise"] == level]
        for scan in sorted({row["scan"] for row in here} - {"mean"}):
            axes.plot(*_points(here, scan), color=FAINT, linewidth=0.6, zorder=1)
        noise = f"{100 * level:g} %" if level < 1 else f"{level:g} HU"
        axes.plot(*_points(here, "mean"), color=colours[str(level)], marker="o", ms=3, label=noise)
    axes.set(xlim=(0, 100), ylim=(-10, 10))


def _points(rows: list[dict[str, Any]], scan: str) -> tuple[list[float], list[float]]:
    found = sorted((row["predicted"], row["observed"]) for row in rows if row["scan"] == scan)
    return [100 * p for p, _ in found], [100 * (o - p) for p, o in found]
