"""Pictures of a restored scan: one slice of each volume, as a radiologist expects to see it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["PANELS", "Panel", "amount", "draw_sheet", "number", "panels", "png"]

PANELS = {
    "noisy": "noisy",
    "restored": "restored",
    "std": "standard deviation",
    "lower": "lower bound",
    "upper": "upper bound",
}
"""What a row may hold, in the order shown."""

SPREAD_MAP = "inferno"  # even to the eye and readable by the colour-blind

INK, FAINT, PAPER = "#eceef0", "#9aa0a6", "#0f1114"
WIDTH, GAP, MARGIN, HEAD, FOOT = 2.5, 0.07, 0.3, 0.42, 0.36  # of the sheet, inches


@dataclass(frozen=True, eq=False)
class Panel:
    """One slice, ready to be drawn.

    Parameters
    ----------
    label : str
        Plain words for what it shows.
    pixels : ndarray of float32, shape (rows, columns)
        Intensities; NaN where there are none.
    window : tuple of float
        Intensities shown darkest and brightest.
    unit : str
        Unit of the intensities.
    colours : str
        Name of the matplotlib colour map.
    size_mm : tuple of float
        Height and width in the patient.
    letters : str
        Patient directions at the left, right, top and bottom edge; empty where they are unknown
        or would hide in the colours.
    """

    label: str
    pixels: NDArray[np.float32]
    window: tuple[float, float]
    unit: str
    colours: str
    size_mm: tuple[float, float]
    letters: str

    @property
    def is_spread(self) -> bool:
        """Whether this is a map of uncertainty rather than an image."""
        return self.colours == SPREAD_MAP

    @property
    def is_large(self) -> bool:
        """Whether it is one of the two that are compared first."""
        return self.label in (PANELS["noisy"], PANELS["restored"])

    def levels(self) -> NDArray[np.uint8]:
        """The pixels as numbers from 0 to 255 of the colour map; NaN is 0."""
        low, high = self.window
        scaled = (np.nan_to_num(self.pixels, nan=low) - low) / (high - low)
        return np.asarray(np.round(255 * np.clip(scaled, 0, 1)), dtype=np.uint8)


def panels(
    row: Mapping[str, Volume], level: float | None = None, calibrated: bool = True
) -> list[Panel]:
    """The middle slice, as acquired, of every volume in ``row``.

    Right in the patient is left in the picture, anterior or superior is up. Images share one
    window: soft tissue for CT, zero to the 99.8th percentile of the restored slice for MR.

    Parameters
    ----------
    row : mapping of str to Volume
        Some of ``PANELS``, on one grid.
    level : float, optional
        Nominal coverage of the bounds, for their labels.
    calibrated : bool
        Whether that coverage was ever measured.
    """
    volumes = {key: row[key] for key in PANELS if key in row}
    window = _image_window(row.get("restored", next(iter(volumes.values()))))
    named = "" if level is None else f", {100 * level:g} % interval"
    named += "" if calibrated or level is None else ", not calibrated"
    return [_panel(key, volume, window, named) for key, volume in volumes.items()]


def png(panel: Panel, longest: int = 512) -> bytes:
    """The panel as PNG: one byte per pixel, at most ``longest`` pixels along a side."""
    image = Image.fromarray(panel.levels())
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    if panel.colours != "gray":
        palette = colormaps[panel.colours](np.arange(256), bytes=True)[:, :3]
        image = Image.fromarray(np.asarray(image), mode="P")
        image.putpalette(palette.tobytes())
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def draw_sheet(rows: Sequence[tuple[str, Sequence[Panel]]], dpi: int = 160) -> bytes:
    """All panels on one dark sheet, a row per scan with its heading, as PNG."""
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
            _draw_panel(figure, panel, box, has_scale=panel.is_spread or column == 0)
        top = bottom - FOOT
    _text(figure, MARGIN, MARGIN * 0.7, "For research use only, not for diagnosis.", FAINT, 7)
    file = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": "medrestore"})
    return file.getvalue()


def _panel(key: str, volume: Volume, window: tuple[float, float], interval: str) -> Panel:
    pixels, size_mm, letters = _slice(volume)
    label = PANELS[key]
    if key == "std":
        finite = pixels[np.isfinite(pixels)]
        high = float(np.percentile(finite, 99.5)) if finite.size else 1.0
        shown = (0.0, high if high > 0 else 1.0)
        return Panel(label, pixels, shown, volume.unit, SPREAD_MAP, size_mm, letters="")
    if key in ("lower", "upper"):
        label += interval
    return Panel(label, pixels, window, volume.unit, "gray", size_mm, letters)


def _slice(volume: Volume) -> tuple[NDArray[np.float32], tuple[float, float], str]:
    """Middle acquired slice, turned for display; its height and width in mm; edge letters."""
    order, flips = volume.geometry.display_axes()
    shown = [(axis, flip) for axis, flip in zip(order, flips, strict=True) if axis != 0]
    pixels = volume.time_point(0).array[volume.geometry.shape[0] // 2]
    if shown[0][0] == 2:
        pixels = pixels.T
    steps = tuple(slice(None, None, -1 if flip else 1) for _, flip in shown)
    size_mm = [volume.geometry.shape[a] * volume.geometry.spacing_mm[a] for a, _ in shown]
    return pixels[steps], (size_mm[0], size_mm[1]), _letters(volume, shown)


def _letters(volume: Volume, shown: Sequence[tuple[int, bool]]) -> str:
    """Patient directions at the left, right, top and bottom edge of a picture."""
    if not volume.geometry.known:
        return ""
    opposite = dict(zip("RLAPSI", "LRPAIS", strict=True))
    codes = [volume.geometry.axis_codes[axis] for axis, _ in shown]
    down, right = (opposite[c] if f else c for c, (_, f) in zip(codes, shown, strict=True))
    return opposite[right] + right + opposite[down] + down


def _image_window(volume: Volume) -> tuple[float, float]:
    usual = modality_named(volume.modality).display.window if volume.modality else None
    if usual is not None:
        return usual
    pixels = volume.time_point(0).array[volume.geometry.shape[0] // 2]
    finite = pixels[np.isfinite(pixels)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(p) for p in np.percentile(finite, (0.5, 99.8)))
    low = min(low, 0.0)
    return low, high if high > low else low + 1.0


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
    places = ((0.02, 0.5, "left", "center"), (0.98, 0.5, "right", "center"),
              (0.5, 0.985, "center", "top"), (0.5, 0.015, "center", "bottom"))  # fmt: skip
    for letter, (x, y, ha, va) in zip(panel.letters, places, strict=False):
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


def number(value: float) -> str:
    """Three significant digits, at least all before the point, and a true minus."""
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return text.replace("-", "−")


def amount(value: float, unit: str) -> str:
    """A number with its unit."""
    return f"{number(value)} {unit}"
