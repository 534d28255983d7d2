"""Intensity windows in which an image is judged, and which voxels belong to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medrestore.core.intensity import foreground_scale
from medrestore.evaluation.tissue import CT_TISSUE_HU

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CT_WINDOWS", "FOREGROUND", "Window", "voxels_in", "windows_of"]

FOREGROUND = "foreground"


class Window(NamedTuple):
    """A named interval of intensities, in the scan's unit; its width is the data range."""

    name: str
    low: float
    high: float

    @property
    def data_range(self) -> float:
        """What PSNR and SSIM are relative to."""
        return self.high - self.low


CT_WINDOWS = (
    Window("lung", -1350.0, 150.0),
    Window("abdomen", -150.0, 250.0),
    Window("brain", 0.0, 80.0),
    Window("bone", -450.0, 1050.0),
)
"""Level/width −600/1500, 50/400, 40/80 and 300/1500 HU."""


def windows_of(reference: NDArray[np.float32], modality: str) -> tuple[Window, ...]:
    """The windows of a scan, the foreground first.

    CT: the foreground from −900 to 2000 HU, and `CT_WINDOWS`. MR has no unit, so the foreground
    reaches from 0 to the reference's foreground scale (`core.intensity.foreground_scale`).
    """
    if modality == "MR":
        return (Window(FOREGROUND, 0.0, foreground_scale(reference)),)
    return (Window(FOREGROUND, *CT_TISSUE_HU), *CT_WINDOWS)


def voxels_in(
    window: Window, reference: NDArray[np.float32], counted: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Voxels that count and whose *reference* lies in the window; for the foreground all."""
    if window.name == FOREGROUND:
        return counted
    return counted & (reference >= window.low) & (reference <= window.high)
