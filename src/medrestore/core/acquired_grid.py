"""The grid that an MR image was acquired on, from the edge of its k-space.

Scanners store 512 × 512 voxels of which 256 × 256 were measured: the rest of k-space is zero. Noise
is white on the acquired grid only. Its edge shows as a step in the power spectrum of what varies
inside the body; air is left out, since the magnitude of band-limited noise alone has no edge.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft, ndimage

from medrestore.core.zero_filling import resampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Lost", "acquired_grid", "acquired_shares", "grid_of", "lost_on", "on_acquired_grid"]

EDGE_STEP = math.log(4.0)
"""Fall of log power at an edge; the slope of anatomy and the ripples of noise stay below it."""
LEAST_SHARE = 0.4
"""Share of k-space, along an axis, in which no edge is looked for."""
INSIDE_EDGE = 0.98
"""Part of the share found whose noise is read: frequencies beyond the edge would hold none."""
FEWEST_VOXELS = 40
"""Voxels of an acquired grid: with fewer there are no blocks of tissue to read."""
BODY = (0.3, 0.45)
"""Local means above this share of the intensity scale are body; the second is tried where the first
shows no edge, which strong noise fills in where the signal is weak."""
SLICES = 24
"""More slices say no more about an edge."""
WORTH = 0.8
"""Voxels of the acquired grid over those shown, above which it is left at that."""


PATCH_PX = 9
"""Side of the places that local means and the worst of what is lost refer to."""
WORST = 99.0
"""Percentile of places in the body."""


class Lost(NamedTuple):
    """RMS of what a coarser grid does not hold of a scan, in the scan's unit.

    ``body`` is that of the body, ``worst`` that which a hundredth of its places exceed.
    """

    body: float
    worst: float


def acquired_shares(array: NDArray[np.float32], scale: float) -> tuple[float, float]:
    """Shares of k-space that were acquired along y and x; 1 where there is no edge.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x)
        Magnitudes; NaN is taken for 0.
    scale : float
        Their intensity scale.
    """
    taper = np.float32(np.hanning(array.shape[1])[:, None] * np.hanning(array.shape[2]))
    powers = [[np.zeros(n // 2 + 1) for n in array.shape[1:]] for _ in BODY]
    for plane in array[:: -(-len(array) // SLICES)]:
        clean = np.nan_to_num(plane)
        mean = ndimage.uniform_filter(clean, PATCH_PX)
        for body, axes in zip(BODY, powers, strict=True):
            # Fading out where body ends, so that no edge is made.
            inside = ndimage.gaussian_filter(
                (mean > body * scale).astype(np.float32), 2, truncate=3
            )
            detail = taper * inside * (clean - mean)
            for axis, power in enumerate(axes):
                power += (np.abs(fft.rfft(detail, axis=axis)) ** 2).mean(axis=1 - axis)
    wide, bright = ([_share(power) for power in axes] for axes in powers)
    rows, columns = (one if one < 1 else other for one, other in zip(wide, bright, strict=True))
    return rows, columns


def acquired_grid(array: NDArray[np.float32], scale: float) -> tuple[int, int] | None:
    """Rows and columns that hold all that was acquired of a scan; None if that saves little.

    Parameters as of `acquired_shares`.
    """
    shape = array.shape[1:]
    rows, columns = (
        n if share >= 1 else min(n, max(FEWEST_VOXELS, 2 * round(share * n / 2)))
        for n, share in zip(shape, acquired_shares(array, scale), strict=True)
    )
    return (rows, columns) if rows * columns <= WORTH * shape[0] * shape[1] else None


def lost_on(array: NDArray[np.float32], scale: float, grid: tuple[int, int]) -> Lost:
    """What lies beyond the k-space of a coarser grid: next to nothing, if it is the acquired one.

    Magnitudes alone fill the zeros a little: where the signal is weak, or changes its sign.

    Parameters
    ----------
    array, scale
        As of `acquired_shares`.
    grid : (int, int)
        Rows and columns.
    """
    squares = []
    for plane in array[:: -(-len(array) // SLICES)]:
        clean = np.nan_to_num(plane)
        beyond = clean - resampled(resampled(clean, grid), clean.shape)
        inside = ndimage.uniform_filter(clean, PATCH_PX) > BODY[0] * scale
        squares.append(ndimage.uniform_filter(beyond**2, PATCH_PX)[inside])
    places = np.concatenate(squares)
    if not places.size:
        return Lost(math.inf, math.inf)
    return Lost(math.sqrt(places.mean()), math.sqrt(np.percentile(places, WORST)))


def grid_of(shape: Sequence[int], shares: Sequence[float]) -> tuple[int, int]:
    """Rows and columns of the grid that these shares of k-space fill, a little inside the edge."""
    rows, columns = (
        n if share >= 1 else min(n, max(FEWEST_VOXELS, 2 * round(INSIDE_EDGE * share * n / 2)))
        for n, share in zip(shape, shares, strict=True)
    )
    return rows, columns


def on_acquired_grid(plane: NDArray[np.float32], grid: tuple[int, int]) -> NDArray[np.float32]:
    """A plane (y, x) on a coarser grid of this shape: the same values, fewer voxels."""
    if grid == plane.shape:
        return plane
    rows, columns = grid
    spectrum = fft.fftshift(fft.fft2(plane))
    top, left = plane.shape[0] // 2 - rows // 2, plane.shape[1] // 2 - columns // 2
    acquired = fft.ifftshift(spectrum[top : top + rows, left : left + columns])
    image = fft.ifft2(acquired).real * (rows * columns / plane.size)
    return np.asarray(image, dtype=np.float32)


def _share(power: NDArray[np.float64]) -> float:
    """Frequency, of the highest, at which a power spectrum falls by the largest step; 1 if none."""
    half = len(power) - 1
    logs = np.log(np.maximum(power, 1e-300))
    wide = max(6, half // 16)
    found = np.arange(max(wide, int(LEAST_SHARE * half), FEWEST_VOXELS // 2), half - 1)
    if not found.size:
        return 1.0
    beyond = np.concatenate([logs, np.full(wide, np.nan)])
    middles = np.nanmedian(np.lib.stride_tricks.sliding_window_view(beyond, wide)[:-1], axis=1)
    steps = middles[found - wide] - middles[found + 1]
    if steps.max() < EDGE_STEP:
        return 1.0
    return _edge(logs, int(found[steps.argmax()]), wide) / half


def _edge(logs: NDArray[np.float64], step: int, wide: int) -> int:
    """The first of two frequencies at a step with less than half the power that leads up to it.

    Leakage makes a slope of the step; its foot lies several rows beyond what was acquired.

    Parameters
    ----------
    logs : ndarray of float64, shape (frequencies,)
        Log power.
    step, wide : int
        A frequency on the step, and how far around it is looked.
    """
    inside = np.arange(max(1, step - 2 * wide), step - wide // 2)
    slope, start = np.polyfit(inside, logs[inside], 1)
    near = np.arange(max(step - wide, 1), min(step + wide, len(logs) - 1) + 1)
    below = logs[near] < start + slope * near - math.log(2)
    both = np.flatnonzero(below[:-1] & below[1:])
    return int(near[both[0]]) if both.size else step
