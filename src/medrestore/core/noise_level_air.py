"""Noise of the air around the body in magnitude MR images, where it is Rayleigh distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.noise_level_blocks import Blocks

__all__ = ["background"]

_RAYLEIGH_RATIO = (1.75, 2.10)
"""Accepted mean / standard deviation of a noise background; exactly 1.913 for Rayleigh."""


def background(blocks: Blocks, scale: float) -> float | None:
    """σ of the quietest population of dark blocks, if it is Rayleigh; else None.

    ``scale`` is the foreground scale. It holds whatever the noise's spectrum.
    """
    rms = np.sqrt(blocks.square)
    dark = (rms < 0.35 * scale) & (rms > 1e-6 * scale)
    if dark.sum() < 30:
        return None
    logs = np.log(rms[dark])
    near = np.abs(logs - _first_peak(logs)) < 0.25
    square = float(blocks.square[dark][near].mean(dtype=np.float64))
    mean = float(blocks.mean[dark][near].mean(dtype=np.float64))
    if near.sum() < 0.01 * dark.size or blocks.zeros[dark][near].mean() > 0.02:
        return None
    low, high = _RAYLEIGH_RATIO
    if not low < mean / np.sqrt(max(square - mean**2, 1e-30)) < high:
        return None
    return float(np.sqrt(square / 2))


def _first_peak(logs: NDArray[np.floating[Any]]) -> float:
    """Lowest of the peaks of a histogram that reach a third of the highest."""
    low, high = np.quantile(logs, [0.005, 0.995])
    if high - low < 1e-6:
        return float(low)
    counts, edges = np.histogram(logs, bins=200, range=(low, high))
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 3, mode="constant")
    peak = (smooth >= np.roll(smooth, 1)) & (smooth >= np.roll(smooth, -1))
    first = np.flatnonzero(peak & (smooth > smooth.max() / 3))[0]
    return float(0.5 * (edges[first] + edges[first + 1]))
