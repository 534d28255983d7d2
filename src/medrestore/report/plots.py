"""One style for every plot, on a page and in a paper: colours, type, files without a date."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "ACCENT",
    "DIFFERENCE_MAP",
    "FAINT",
    "INK",
    "NOISY",
    "STD_MAP",
    "colours_of",
    "draw_plots",
    "gradient",
]

INK, FAINT = "#1c1f23", "#9aa0a6"
NOISY, ACCENT = "#777777", "#d55e00"
METHODS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")
"""Told apart by the colour-blind (Okabe & Ito), and in print."""
DIFFERENCE_MAP, STD_MAP = "RdBu_r", "inferno"
"""Colour maps of differences, white for none, and of standard deviations."""
STOPS = 11

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


def draw_plots(plots: Mapping[str, Callable[[Figure], None]]) -> dict[str, dict[str, bytes]]:
    """Return every plot as ``{"svg": …, "pdf": …}``, by name.

    Parameters
    ----------
    plots : mapping of str to callable
        By the name of its files, what draws a plot into an empty figure.
    """
    drawn = {}
    with matplotlib.rc_context(STYLE):
        for name, plot in plots.items():
            figure = Figure(layout="constrained")
            FigureCanvasAgg(figure)
            plot(figure)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # laid out once, for both kinds of file
            drawn[name] = {kind: _saved(figure, kind) for kind in WITHOUT_DATE}
    return drawn


def _saved(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=200, metadata=WITHOUT_DATE[kind])
    return buffer.getvalue()


def colours_of(methods: Sequence[str]) -> dict[str, str]:
    """Return a colour for each method, the same in every plot; they repeat after the seventh."""
    return {name: METHODS[i % len(METHODS)] for i, name in enumerate(methods)}


def gradient(name: str) -> str:
    """Return a colour map as a CSS background, lowest on the left."""
    stops = (to_hex(colour) for colour in colormaps[name]([i / (STOPS - 1) for i in range(STOPS)]))
    return f"linear-gradient(90deg, {', '.join(stops)})"
