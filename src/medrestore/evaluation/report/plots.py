"""Plots of an evaluation, for a page and for a paper: labelled axes, units, no state kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medrestore.evaluation.report.agreement_plot import bland_altman
from medrestore.evaluation.report.difference_plot import differences
from medrestore.evaluation.report.reliability_plot import reliability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.over_cases import Paired
    from medrestore.evaluation.report_of_case import Report

__all__ = ["PLOTS", "draw", "saved"]

PLOTS = ("reliability", "bland_altman", "differences")
"""Names of the plots' files, without suffix."""

STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text that journals can embed and edit
    "svg.hashsalt": "medrestore",  # the same plot, the same bytes
}
WITHOUT_DATE: Any = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}


def draw(reports: Sequence[Report], paired: Sequence[Paired]) -> dict[str, dict[str, bytes]]:
    """Every plot as ``{"svg": …, "pdf": …}``; the reliability only where a std came along."""
    with matplotlib.rc_context(STYLE):
        drawn = {}
        for name in PLOTS:
            figure = Figure(layout="constrained")
            FigureCanvasAgg(figure)
            if name == "reliability":
                if not any(report.uncertainties for report in reports):
                    continue
                reliability(figure, reports)
            elif name == "bland_altman":
                bland_altman(figure, reports)
            else:
                differences(figure, reports, paired)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # laid out once, for all kinds of file
            drawn[name] = {kind: saved(figure, kind) for kind in ("svg", "pdf")}
        return drawn


def saved(figure: Figure, kind: str) -> bytes:
    """A figure as the bytes of a file, without its date."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=200, metadata=WITHOUT_DATE[kind])
    return buffer.getvalue()
