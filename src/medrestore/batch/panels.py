"""Pictures of a restored scan: one slice of each volume, as a radiologist expects to see it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from PIL import Image

from medrestore.modalities import modality_named
from medrestore.report.plots import STD_MAP
from medrestore.report.slices import view_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["PANELS", "Panel", "panels", "png"]

PANELS = {
    "noisy": "noisy",
    "restored": "restored",
    "std": "standard deviation",
    "lower": "lower bound",
    "upper": "upper bound",
}
"""Labels of the volumes of a scan that are drawn, in their order."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One slice, ready to be drawn.

    Parameters
    ----------
    label : str
        Name of the volume in plain words.
    pixels : ndarray of float32, shape (rows, columns)
        Intensities; NaN where there are none.
    window : tuple of float
        Intensities drawn darkest and brightest.
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
    def is_std(self) -> bool:
        """True for a map of uncertainty, false for an image."""
        return self.colours == STD_MAP

    @property
    def is_large(self) -> bool:
        """True for the two that are compared first."""
        return self.label in (PANELS["noisy"], PANELS["restored"])

    def levels(self) -> NDArray[np.uint8]:
        """Return the pixels as numbers from 0 to 255 of the colour map; NaN is 0."""
        low, high = self.window
        scaled = (np.nan_to_num(self.pixels, nan=low) - low) / (high - low)
        return np.asarray(np.round(255 * np.clip(scaled, 0, 1)), dtype=np.uint8)


def panels(
    row: Mapping[str, Volume], level: float | None = None, calibrated: bool = True
) -> list[Panel]:
    """Return the middle slice, as acquired, of every volume in ``row``.

    Right in the patient is left in the picture, anterior or superior is up. Images share one
    window: soft tissue for CT, zero to the 99.8th percentile of the restored slice for MR.

    Parameters
    ----------
    row : mapping of str to Volume
        Some of ``PANELS``, on one grid.
    level : float, optional
        Nominal coverage of the bounds, for their labels.
    calibrated : bool
        True if that coverage was ever measured.
    """
    volumes = {key: row[key] for key in PANELS if key in row}
    window = _image_window(row.get("restored", next(iter(volumes.values()))))
    interval = "" if level is None else f", {100 * level:g} % interval"
    interval += "" if calibrated or level is None else ", not calibrated"
    return [_panel(key, volume, window, interval) for key, volume in volumes.items()]


def png(panel: Panel, longest: int = 512) -> bytes:
    """Return the panel as PNG: one byte per pixel, at most ``longest`` pixels along a side."""
    image = Image.fromarray(panel.levels())
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    if panel.colours != "gray":
        palette = colormaps[panel.colours](np.arange(256), bytes=True)[:, :3]
        image = Image.fromarray(np.asarray(image), mode="P")
        image.putpalette(palette.tobytes())
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def _panel(key: str, volume: Volume, window: tuple[float, float], interval: str) -> Panel:
    view = view_of(volume.geometry)
    pixels = view.turned(_middle_slice(volume))
    down, right = view.spacing_mm
    size_mm = pixels.shape[0] * down, pixels.shape[1] * right
    label = PANELS[key]
    if key == "std":
        finite = pixels[np.isfinite(pixels)]
        high = float(np.percentile(finite, 99.5)) if finite.size else 1.0
        window = (0.0, high if high > 0 else 1.0)
        return Panel(label, pixels, window, volume.unit, STD_MAP, size_mm, letters="")
    if key in ("lower", "upper"):
        label += interval
    return Panel(label, pixels, window, volume.unit, "gray", size_mm, view.letters)


def _middle_slice(volume: Volume) -> NDArray[np.float32]:
    plane: NDArray[np.float32] = volume.time_point(0).array[volume.geometry.shape[0] // 2]
    return plane


def _image_window(volume: Volume) -> tuple[float, float]:
    usual = modality_named(volume.modality).display.window if volume.modality else None
    if usual is not None:
        return usual
    pixels = _middle_slice(volume)
    finite = pixels[np.isfinite(pixels)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(p) for p in np.percentile(finite, (0.5, 99.8)))
    low = min(low, 0.0)
    return low, high if high > low else low + 1.0
