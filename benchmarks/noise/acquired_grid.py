"""The grid that an MR image was acquired on, where it was zero-filled to a finer one.

Scanners store 512 × 512 voxels of which 256 × 256 were measured: the rest of k-space is zero. Noise
is white on the acquired grid only. Its edge shows as a step in the power spectrum of what varies
inside the body; air is left out, since the magnitude of band-limited noise alone has no edge.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["acquired_shares", "on_acquired_grid"]

STEP = math.log(4.0)
"""Fall of log power at an edge; the slope of anatomy and the ripples of noise stay below it."""
LEAST = 0.4
"""Share of k-space, along an axis, in which no edge is looked for."""
INSIDE = 0.97
"""Of the share found, what is kept: frequencies beyond the edge would hold no noise."""
FEWEST = 16
BODY = 0.3
"""Local means above this share of the intensity scale are body."""


def acquired_shares(array: NDArray[np.float32], scale: float) -> tuple[float, float]:
    """Shares of k-space that were acquired along y and x; 1 where there is no edge.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x)
        Magnitudes.
    scale : float
        Their intensity scale.
    """
    powers = [np.zeros(n) for n in array.shape[1:]]
    for plane in array:
        detail = _detail(np.nan_to_num(plane), scale)
        for axis, power in enumerate(powers):
            power += (np.abs(np.fft.fft(detail, axis=axis)) ** 2).mean(axis=1 - axis)
    rows, columns = (_share(power) for power in powers)
    return rows, columns


def on_acquired_grid(plane: NDArray[np.float32], shares: Sequence[float]) -> NDArray[np.float32]:
    """A plane (y, x) on the coarser grid that its k-space fills; the same values, fewer voxels."""
    rows, columns = (
        n if share >= 1 else max(FEWEST, 2 * round(share * n / 2))
        for n, share in zip(plane.shape, shares, strict=True)
    )
    if (rows, columns) == plane.shape:
        return plane
    spectrum = np.fft.fftshift(np.fft.fft2(plane))
    top, left = plane.shape[0] // 2 - rows // 2, plane.shape[1] // 2 - columns // 2
    kept = np.fft.ifftshift(spectrum[top : top + rows, left : left + columns])
    image = np.fft.ifft2(kept).real * (rows * columns / plane.size)
    return np.asarray(image, dtype=np.float32)


def _detail(plane: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """What varies within 9 voxels, where there is body."""
    mean = ndimage.uniform_filter(plane, 9)
    body = ndimage.gaussian_filter((mean > BODY * scale).astype(np.float32), 2)
    return np.asarray((plane - mean) * body)


def _share(power: NDArray[np.float64]) -> float:
    """Where a power spectrum, in the order of fftfreq, falls by the largest step."""
    half = len(power) // 2
    places = np.arange(half + 1)
    logs = np.log(np.maximum((power[places] + power[-places]) / 2, 1e-300))
    wide = max(6, half // 16)
    found = range(int(LEAST * half), half - 1)
    steps = [np.median(logs[k - wide : k]) - np.median(logs[k + 1 : k + 1 + wide]) for k in found]
    if not steps or max(steps) < STEP:
        return 1.0
    return INSIDE * found[int(np.argmax(steps))] / half
