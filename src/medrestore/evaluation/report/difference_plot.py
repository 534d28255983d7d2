"""What restoring changed in each case, and on average over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.evaluation.compared import figure_of, figures_for
from medrestore.evaluation.report.colours import FAINT, NOISY, of_methods
from medrestore.evaluation.windows import FOREGROUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medrestore.evaluation.over_cases import Paired
    from medrestore.evaluation.report_of_case import Report

__all__ = ["differences"]

SHOWN = ("PSNR", "SSIM", "RMSE")
NAMED = 60
"""Cases that are named beside the axis; of more, only their order is shown."""
LONGEST = 28
APART = 0.5
"""Of a case's row, what several methods are spread over."""


def differences(figure: Figure, reports: Sequence[Report], paired: Sequence[Paired]) -> None:
    """Draw noisy and restored of every case in the foreground, and the mean difference."""
    rows = len(reports)
    row = 0.26 if len(reports[0].methods) == 1 else 0.2 + 0.08 * len(reports[0].methods)
    figure.set_size_inches(9.6, 1.7 + row * min(rows, NAMED))
    panels = figure.subplots(1, len(SHOWN), sharey=True)
    units = figures_for(reports[0].modality)
    for axes, figure_name in zip(panels, SHOWN, strict=True):
        _panel(axes, reports, figure_name)
        unit = f" ({units[figure_name]})" if units[figure_name] else ""
        title = _title(paired, figure_name) if len(reports[0].methods) == 1 else ""
        axes.set(xlabel=f"{figure_name}{unit}", title=title)
        axes.margins(x=0.12)
    names = [_short(report.case) for report in reports] if rows <= NAMED else None
    panels[0].set_yticks(range(rows) if names else [], names)
    panels[0].set_ylim(rows - 0.4, -0.6)
    panels[0].set_ylabel("" if names else f"{rows} cases")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(5, len(labels)))


def _panel(axes: Axes, reports: Sequence[Report], figure_name: str) -> None:
    def of(method: str) -> list[float]:
        return [figure_of(report.of(method), figure_name, report.modality) for report in reports]

    methods = reports[0].methods
    places, noisy = np.arange(len(reports)), of("noisy")
    axes.plot(noisy, places, "o", color=NOISY, mfc="white", ms=5.5, label="noisy", zorder=3)
    spread = np.linspace(-APART / 2, APART / 2, len(methods)) if len(methods) > 1 else (0.0,)
    for (method, colour), shift in zip(of_methods(methods).items(), spread, strict=True):
        values = of(method)
        if len(methods) == 1:
            axes.hlines(places, noisy, values, color=FAINT, lw=1.4, zorder=1)
        axes.plot(values, places + shift, "o", color=colour, ms=5, label=method, zorder=2)
    axes.grid(axis="x", color="#e8e8e8", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def _title(paired: Sequence[Paired], figure_name: str) -> str:
    """The mean difference with its interval; nothing for a single case."""
    for one in paired:
        if (one.window, one.figure) == (FOREGROUND, figure_name):
            return f"Δ {one.mean:+.3g}  [{one.lower:+.3g}, {one.upper:+.3g}]"
    return ""


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
