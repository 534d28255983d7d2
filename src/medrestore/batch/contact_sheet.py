"""The contact sheet: all pictures of some scans on one dark sheet, a row for each."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from medrestore.batch.entry import summary_of
from medrestore.batch.panels import panels
from medrestore.errors import InputError
from medrestore.report.files import write_file
from medrestore.report.page import RESEARCH_ONLY
from medrestore.report.plots import FAINT
from medrestore.report.tables import amount, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from medrestore.batch.panels import Panel
    from medrestore.volume import Volume

__all__ = ["contact_sheet"]

INK, PAPER = "#eceef0", "#0f1114"
WIDTH, GAP, MARGIN, HEAD, FOOT = 2.5, 0.07, 0.3, 0.42, 0.36  # of the sheet, inches
DPI = 160


def contact_sheet(
    path: str | Path, rows: Sequence[Mapping[str, Volume]], *, level: float | None = None
) -> None:
    """Draw a PNG with one row per scan: noisy, restored, std, lower and upper.

    Parameters
    ----------
    path : str or Path
        The PNG; missing folders are made, an older file is replaced in one step.
    rows : sequence of mappings
        Volumes of one scan under ``"noisy"``, ``"restored"``, ``"std"``, ``"lower"``, ``"upper"``;
        what is missing is left out, the middle acquired slice is shown.
    level : float, optional
        Nominal coverage of the bounds, 0…1, for their labels.

    Raises
    ------
    InputError
        If there is nothing to draw.
    OutputError
        If the file cannot be written.
    """
    drawn = [(_heading(row), panels(row, level)) for row in rows if row]
    if not drawn:
        raise InputError("a contact sheet needs at least one restored scan, got none")
    write_file(Path(path), [_sheet(drawn)])


def _heading(row: Mapping[str, Volume]) -> str:
    volume = next(iter(row.values()))
    return f"{volume.source.name}   ·   {summary_of(volume)}"


def _sheet(rows: Sequence[tuple[str, Sequence[Panel]]]) -> bytes:
    heights = [WIDTH * min(1.4, max(p.size_mm[0] / p.size_mm[1] for p in ps)) for _, ps in rows]
    columns = max(len(ps) for _, ps in rows)
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP
    height = MARGIN + sum(heights) + len(rows) * (HEAD + FOOT) + MARGIN
    figure = Figure(figsize=(width, height), facecolor=PAPER)
    top = height - MARGIN
    for (heading, row), tall in zip(rows, heights, strict=True):
        _text(figure, MARGIN, top - 0.12, heading, INK, 9)
        bottom = top - HEAD - tall
        for column, panel in enumerate(row):
            left = MARGIN + column * (WIDTH + GAP)
            box = (left, bottom, WIDTH, tall)
            _draw_panel(figure, panel, box, has_scale=panel.is_std or column == 0)
        top = bottom - FOOT
    _text(figure, MARGIN, MARGIN * 0.7, RESEARCH_ONLY, FAINT, 7)
    file = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": "medrestore"})
    return file.getvalue()


def _text(figure: Figure, x: float, y: float, text: str, colour: str, size: float) -> None:
    wide, tall = figure.get_size_inches()
    figure.text(x / wide, y / tall, text, color=colour, fontsize=size, va="center", ha="left")


def _axes(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    wide, tall = figure.get_size_inches()
    left, bottom, width, height = box
    axes = figure.add_axes((left / wide, bottom / tall, width / wide, height / tall))
    axes.set_axis_off()
    return axes


def _draw_panel(
    figure: Figure, panel: Panel, box: tuple[float, float, float, float], has_scale: bool
) -> None:
    left, bottom, width, height = box
    axes = _axes(figure, box)
    axes.set_facecolor("black")
    tall, wide = panel.size_mm
    axes.imshow(
        panel.levels(), cmap=panel.colours, vmin=0, vmax=255, interpolation="antialiased",
        extent=(0, wide, tall, 0),
    )  # fmt: skip
    axes.set_anchor("C")
    edges = ((0.02, 0.5, "left", "center"), (0.98, 0.5, "right", "center"),
             (0.5, 0.985, "center", "top"), (0.5, 0.015, "center", "bottom"))  # fmt: skip
    for letter, (x, y, ha, va) in zip(panel.letters, edges, strict=False):
        axes.text(
            x, y, letter, color=INK, alpha=0.85, fontsize=6.5, ha=ha, va=va,
            transform=axes.transAxes, path_effects=[withStroke(linewidth=1.5, foreground="black")],
        )  # fmt: skip
    _text(figure, left, bottom + height + 0.1, panel.label, FAINT, 7.5)
    if has_scale:
        _draw_scale(figure, panel, (left, bottom - 0.13, width, 0.055))


def _draw_scale(figure: Figure, panel: Panel, box: tuple[float, float, float, float]) -> None:
    """A colour bar with its ends in the unit of the scan."""
    left, bottom, width, _ = box
    axes = _axes(figure, box)
    axes.imshow(np.arange(256)[None], cmap=panel.colours, aspect="auto")
    low, high = panel.window
    wide, tall = figure.get_size_inches()
    for x, text, ha in (
        (left, number(low), "left"),
        (left + width, amount(high, panel.unit), "right"),
    ):
        figure.text(
            x / wide, (bottom - 0.09) / tall, text, color=FAINT, fontsize=6.5, ha=ha, va="center"
        )
