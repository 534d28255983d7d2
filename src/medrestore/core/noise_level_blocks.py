"""Local variance in small in-plane blocks: what both noise estimators are built on.

A block keeps what is left after its own plane is removed. Correlated noise loses more variance to
that plane than white noise does; the lag-1 correlation of the residual says how much, because for
a noise of known family both follow from the correlation length (`kept_variance`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from medrestore.core.slices import nothing, planes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "Blocks",
    "calm",
    "even_slabs",
    "kept_variance",
    "log_mean",
    "log_mode",
    "measure",
    "smooth_histogram",
]

_LENGTHS = np.linspace(0.0, 2.5, 51)
"""Correlation lengths tabulated: standard deviation of the smoothing kernel, voxels."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Statistics of the non-overlapping ``width`` × ``width`` blocks of each slice.

    All arrays have shape (z, rows of blocks, columns of blocks); blocks that hold a NaN are NaN.
    ``variance`` is the mean square about the block's plane (not yet divided by what the plane
    keeps), ``lag`` the mean product of in-plane neighbours of that residual, ``square`` the mean
    square of the voxels themselves, ``zeros`` the share of exact zeros.
    """

    width: int
    mean: NDArray[np.float32]
    lowest: NDArray[np.float32]
    variance: NDArray[np.float32]
    lag: NDArray[np.float32]
    square: NDArray[np.float32]
    zeros: NDArray[np.float32]


def measure(
    array: NDArray[np.float32], width: int, after: Callable[[], object] = nothing
) -> Blocks:
    """Block statistics of a volume (z, y, x); a rim narrower than a block is left out."""
    found = [_measure_slice(plane, width) for plane in planes(array, after)]
    return Blocks(width, *(np.stack(parts) for parts in zip(*found, strict=True)))


def _measure_slice(plane: NDArray[np.float32], width: int) -> tuple[NDArray[Any], ...]:
    rows, columns = plane.shape[0] // width, plane.shape[1] // width
    top, left = plane.shape[0] % width // 2, plane.shape[1] % width // 2
    inner = plane[top : top + rows * width, left : left + columns * width]
    cells = inner.reshape(rows, width, columns, width).swapaxes(1, 2)  # (rows, columns, w, w)
    flat = np.ascontiguousarray(cells).reshape(rows, columns, width * width)
    mean = flat.mean(axis=-1)
    basis = _plane_basis(width)
    centred = flat - mean[..., None]  # keeps float32 exact enough for large offsets
    residual = centred - (centred @ basis) @ basis.T
    square = residual.reshape(rows, columns, width, width)
    down = np.einsum("rcij,rcij->rc", square[..., 1:, :], square[..., :-1, :])
    across = np.einsum("rcij,rcij->rc", square[..., :, 1:], square[..., :, :-1])
    lag = (down + across) / (2 * width * (width - 1))
    return (
        mean,
        flat.min(axis=-1),
        np.einsum("rck,rck->rc", residual, residual) / width**2,
        lag,
        np.einsum("rck,rck->rc", flat, flat) / width**2,
        (flat == 0).mean(axis=-1, dtype=np.float32),
    )


@lru_cache
def _plane_basis(width: int) -> NDArray[np.float32]:
    y, x = np.mgrid[:width, :width] - (width - 1) / 2
    columns = np.stack([np.ones(width * width), y.ravel(), x.ravel()], axis=1)
    return np.linalg.qr(columns)[0].astype(np.float32)


@lru_cache
def _kept_table(width: int, ramp: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(lag-1 correlation of the residual, share of variance kept) for each length."""
    basis = _plane_basis(width).astype(np.float64)
    project = np.eye(width * width) - basis @ basis.T
    y, x = (index.ravel() for index in np.mgrid[:width, :width])
    dy, dx = y[:, None] - y, x[:, None] - x
    neighbours = (np.abs(dy) + np.abs(dx)) == 1
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64))
    lags, shares = [], []
    for length in _LENGTHS:
        power = np.exp(-((2 * np.pi * length * frequency) ** 2))
        covariance = np.fft.ifft2(power * frequency if ramp else power).real
        covariance /= covariance[0, 0]
        residual = project @ covariance[dy, dx] @ project
        shares.append(np.trace(residual) / width**2)
        lags.append(residual[neighbours].mean() / shares[-1])
    return np.array(lags), np.array(shares)


def kept_variance(correlation: float, width: int, *, ramp: bool) -> float:
    """Share of the noise variance that survives in a block once its plane is removed.

    Parameters
    ----------
    correlation : float
        Lag-1 correlation of the residual, ``lag / variance`` over homogeneous blocks.
    width : int
        Block width, voxels.
    ramp : bool
        Noise power ∝ f·exp(−(2πℓf)²), as filtered back-projection leaves it, instead of
        exp(−(2πℓf)²), white noise smoothed by a Gaussian of standard deviation ℓ.
    """
    lags, shares = _kept_table(width, ramp)
    return float(np.interp(correlation, lags, shares))


def calm(blocks: Blocks, usable: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """The ``share`` of usable blocks whose *neighbouring slices* vary least at that position.

    Judging a block by its neighbours avoids anatomy without preferring blocks whose own noise
    happens to be small, which would bias the estimate. A single slice is judged by the blocks
    around it.
    """
    variance = np.where(usable, blocks.variance, np.inf)
    if len(variance) > 1:
        padded = np.concatenate([variance[1:2], variance, variance[-2:-1]])
        around = padded[:-2] + padded[2:]
    else:
        padded = np.pad(variance, ((0, 0), (1, 1), (1, 1)), constant_values=np.inf)
        sides = [padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]]
        sides += [padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]]
        around = np.sum(sides, axis=0)
    known = usable & np.isfinite(around)
    if not known.any():
        return usable
    return np.asarray(known & (around <= np.quantile(around[known], share)))


def smooth_histogram(
    values: NDArray[np.floating[Any]], bins: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres and smoothed counts of 200 bins of a sample of logarithms, its tails left out.

    Smoothed by a Gaussian of ``bins``; by default of 0.1 in log variance (5 % in σ), or more where
    blocks are few. A sample without spread has one bin.
    """
    low, high = np.quantile(values, [0.005, 0.995])
    if high - low < 1e-6:
        return np.array([low]), np.ones(1)
    counts, edges = np.histogram(values, bins=200, range=(low, high))
    if bins is None:
        bins = max(0.1, 0.5 * float(np.std(values)) * len(values) ** -0.2) / (edges[1] - edges[0])
    smooth = ndimage.gaussian_filter1d(counts.astype(float), bins, mode="constant")
    return 0.5 * (edges[:-1] + edges[1:]), smooth


def log_mode(values: NDArray[np.floating[Any]]) -> float:
    """Mode of a sample of logarithms, by a smoothed histogram.

    The mode of log s² is log σ² whatever the degrees of freedom of s², so it needs no correction
    for block size; anatomy only adds a tail to the right.
    """
    centres, counts = smooth_histogram(values)
    return float(centres[counts.argmax()])


def log_mean(values: NDArray[np.floating[Any]], reach: float) -> float:
    """Log of the mean of what lies within ``reach`` of it, of a sample of logarithms.

    It starts from the mode and settles in six rounds. A mean scatters less than a mode, and what
    is beyond the reach is anatomy.
    """
    level = log_mode(values)
    for _ in range(6):
        near = values[np.abs(values - level) < reach].astype(np.float64)
        level = float(np.log(np.exp(near).mean())) if near.size else level
    return level


def even_slabs(array: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """At most about ``most`` voxels of a volume: groups of three slices, evenly spread."""
    depth = len(array)
    groups = max(1, most // (3 * array[0].size))
    if 3 * groups >= depth:
        return array
    starts = np.linspace(0, depth - 3, groups).round().astype(int)
    return array[np.unique((starts[:, None] + np.arange(3)).ravel())]
