"""Intensity windows in which an image is judged, and which voxels belong to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medrestore.core.intensity import foreground_scale
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FOREGROUND", "Window", "voxels_in", "windows_of"]

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


def windows_of(reference: NDArray[np.float32], modality: str) -> tuple[Window, ...]:
    """The windows of a scan, the foreground first.

    MR has no unit, so the foreground reaches from 0 to the reference's foreground scale
    (`core.intensity.foreground_scale`).
    """
    judged = modality_named(modality).evaluation
    low, high = judged.counted or (0.0, foreground_scale(reference))
    return (Window(FOREGROUND, low, high), *(Window(*window) for window in judged.windows))


def voxels_in(
    window: Window, reference: NDArray[np.float32], counted: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Voxels that count and whose *reference* lies in the window; for the foreground all."""
    if window.name == FOREGROUND:
        return counted
    return counted & (reference >= window.low) & (reference <= window.high)
