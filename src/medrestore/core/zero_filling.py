"""Zero-filling: from the grid that k-space was acquired on to a finer one, and back.

A scanner that measured 256 × 256 points of k-space and shows 512 × 512 voxels has put zeros around
them, which interpolates by the periodic sinc. Voxel 0 of both grids is one point, and voxel j of n
lies at j·m/n of m: both cover one field of view. Values are kept, not energies, so that the noise
of a voxel keeps its variance; on the finer grid it is correlated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["adjoint", "interpolated", "resampled"]


def resampled(array: NDArray[np.float32], grid: Sequence[int]) -> NDArray[np.float32]:
    """The last two axes on a grid of another size: k-space cut, or filled with zeros.

    Parameters
    ----------
    array : ndarray of float32, shape (..., y, x)
        Finite values.
    grid : (int, int)
        Rows and columns of the result.

    Returns
    -------
    ndarray of float32, shape (..., *grid)
        Of a band-limited array the same function, sampled anew: there and back changes nothing.
    """
    for axis, n in zip((-2, -1), grid, strict=True):
        array = _along(array, n, axis)
    return array


def adjoint(weights: NDArray[np.float32], grid: Sequence[int]) -> NDArray[np.float32]:
    """Weights (..., y, x) of voxels, on a coarser grid: A\u1d40w, where A fills k-space with zeros.

    The weighted sum of a zero-filled array is that of the array itself: Σ w·(A a) = Σ (A\u1d40w)·a.
    """
    for axis, n in zip((-2, -1), grid, strict=True):
        if weights.shape[axis] != n:
            along = np.moveaxis(fft.rfft(weights, axis=axis), axis, -1)
            values = fft.irfft(along[..., : n // 2 + 1], n)
            weights = np.ascontiguousarray(np.moveaxis(values, -1, axis), dtype=np.float32)
    return weights


def _along(array: NDArray[np.float32], n: int, axis: int) -> NDArray[np.float32]:
    m = array.shape[axis]
    if m == n:
        return array
    spectrum = np.moveaxis(fft.rfft(array, axis=axis), axis, -1)
    low = min(m, n)
    kept = spectrum[..., : low // 2 + 1]
    if low % 2 == 0:  # the highest frequency of the coarser grid is two of the finer one
        kept = np.concatenate([kept[..., :-1], kept[..., -1:] * (2 if n < m else 0.5)], axis=-1)
    values = fft.irfft(kept, n) * (n / m)
    return np.ascontiguousarray(np.moveaxis(values, -1, axis), dtype=np.float32)


def interpolated(array: NDArray[np.float32], grid: Sequence[int]) -> NDArray[np.float32]:
    """The last two axes at the voxels of another grid of the same field of view, linearly.

    For maps that are positive, as standard deviations are: a sinc would swing below zero.
    Periodic, as `resampled` is.
    """
    for axis, n in zip((-2, -1), grid, strict=True):
        m = array.shape[axis]
        if m == n:
            continue
        place = np.arange(n) * (m / n)
        first = place.astype(int)
        shape = [1] * array.ndim
        shape[axis] = n
        share = (place - first).astype(np.float32).reshape(shape)
        below, above = (np.take(array, (first + one) % m, axis) for one in (0, 1))
        array = below + share * (above - below)
    return array
