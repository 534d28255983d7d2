"""Power of what varies in calm blocks of an MR image, by spatial frequency on its acquired grid.

Scanners store 512 × 512 voxels of which 256 × 256 were measured: the rest of k-space is zero. Noise
is white on the acquired grid only. Its edge shows as a step in the power spectrum of what varies
inside the body; air is left out, since the magnitude of band-limited noise alone has no edge.

Blocks of 8 × 8 voxels on that grid, overlapping by half, are transformed by an orthonormal DCT. Of
the bright blocks those count whose places vary least in the neighbouring slices. The power of a
band is the median of its squared coefficients over them (over 0.455, the median of χ² with one
degree of freedom): anatomy in less than half of them moves it little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "DETAIL",
    "WIDTH",
    "Bands",
    "acquired_shares",
    "band_powers",
    "grid_of",
    "on_acquired_grid",
]

EDGE_STEP = math.log(4.0)
"""Fall of log power at an edge; the slope of anatomy and the ripples of noise stay below it."""
LEAST_SHARE = 0.4
"""Share of k-space, along an axis, in which no edge is looked for."""
INSIDE_EDGE = 0.97
"""Part of the share found that is used: frequencies beyond the edge would hold no noise."""
FEWEST_VOXELS = 40
"""Voxels of an acquired grid: with fewer there are no blocks of tissue to read."""
BODY = (0.3, 0.45)
"""Local means above this share of the intensity scale are body; the second is tried where the first
shows no edge, which strong noise fills in where the signal is weak."""
SLICES = 24
"""More slices say no more about an edge."""
WIDTH = 8
DETAIL = np.add.outer(np.arange(WIDTH), np.arange(WIDTH)) >= 2
"""Bands (y, x) that hold detail: neither the mean nor a slope across the block."""
SHARE, MOST_SHARE, ENOUGH, FEWEST = 0.04, 0.3, 100, 60
"""Of the bright blocks the calmest share counts, or up to three tenths to have enough."""
BRIGHT = 0.2
"""Of the scale: darker blocks are no body."""
GAUSSIAN_SNR = 4.0
"""Magnitudes above this many σ are Gaussian but for what `noise_level_spectrum` allows for."""
_MEDIAN = 0.4549
_STEP = WIDTH // 2


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
        mean = ndimage.uniform_filter(clean, 9)
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
    """Frequency, of the highest, at which a power spectrum falls by the largest step."""
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
    edge = int(found[steps.argmax()])
    first, last = max(edge - wide, 1), min(edge + wide, half)
    middle = (np.median(logs[first:edge]) + np.median(logs[edge + 1 : last + 1])) / 2
    below = np.flatnonzero(logs[first : last + 1] < middle)
    return (first + int(below[0])) / half


@dataclass(frozen=True, eq=False)
class Bands:
    """Power in calm blocks, by frequency.

    Parameters
    ----------
    power : ndarray of float64, shape (8, 8)
        Mean square of a DCT coefficient, by half periods a block along y and x.
    count : int
        Blocks that it was read from; they overlap by half.
    mean : float
        Their median magnitude.
    shares : (float, float)
        Of k-space acquired along y and x, 1 where no edge shows.
    grid : (int, int)
        Rows and columns that the blocks were cut from.
    shape : (int, int)
        Rows and columns as stored.
    """

    power: NDArray[np.float64]
    count: int
    mean: float
    shares: tuple[float, float]
    grid: tuple[int, int]
    shape: tuple[int, int]

    @property
    def missing(self) -> tuple[float, float]:
        """Acquired k-space over what the grid holds of it, along y and x: 1 or a little more."""
        y, x = (
            max(1.0, share * n / m)
            for share, n, m in zip(self.shares, self.shape, self.grid, strict=True)
        )
        return y, x


def band_powers(array: NDArray[np.float32], scale: float) -> Bands | None:
    """Band powers of a magnitude volume, or None where it has too little body.

    Where it has too little on the acquired grid (blocks are larger there), those of the grid as
    stored.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x)
        Magnitudes; NaN is taken for 0. Squares of four times its size are held.
    scale : float
        Intensity scale (`core.intensity.foreground_scale`).
    """
    shape = (array.shape[1], array.shape[2])
    for shares in dict.fromkeys((acquired_shares(array, scale), (1.0, 1.0))):
        grid = grid_of(shape, shares)
        if min(grid) < WIDTH:
            continue
        squares, mean, lowest = _measured(array, grid)
        usable = (mean > BRIGHT * scale) & (lowest > 0)
        if usable.sum() >= FEWEST:
            break
    else:
        return None
    detail = DETAIL.ravel()
    rough = squares @ detail.astype(np.float32)
    power = _power(squares, _calmest(rough, usable))
    bright = usable & (mean > GAUSSIAN_SNR * np.sqrt(power[detail].mean()))
    if bright.sum() < max(ENOUGH, 0.02 * usable.sum()):
        bright = usable
    chosen = _calmest(rough, bright)
    power = _power(squares, chosen).reshape(WIDTH, WIDTH)
    return Bands(power, int(chosen.sum()), float(np.median(mean[chosen])), shares, grid, shape)


def _measured(
    array: NDArray[np.float32], grid: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Squared coefficients, mean and least value of the blocks of every slice."""
    shape = (len(array), *((n - WIDTH) // _STEP + 1 for n in grid))
    squares = np.empty((*shape, WIDTH * WIDTH), np.float32)
    mean, lowest = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for z, plane in enumerate(array):
        squares[z], mean[z], lowest[z] = _blocks(on_acquired_grid(np.nan_to_num(plane), grid))
    return squares, mean, lowest


def _power(squares: NDArray[np.float32], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.asarray(np.median(squares[chosen], axis=0), np.float64) / _MEDIAN


def _blocks(plane: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """Squared coefficients (rows, columns, 64), mean and least value of the blocks of a plane."""
    cut = np.lib.stride_tricks.sliding_window_view(plane, (WIDTH, WIDTH))[::_STEP, ::_STEP]
    flat = np.ascontiguousarray(cut).reshape(*cut.shape[:2], WIDTH * WIDTH)
    found = flat @ _transform()
    return found**2, found[..., 0] / WIDTH, flat.min(axis=-1)


@lru_cache(maxsize=1)
def _transform() -> NDArray[np.float32]:
    """Orthonormal two-dimensional DCT-II of flattened blocks, (64 voxels, 64 bands)."""
    one = fft.dct(np.eye(WIDTH), axis=0, norm="ortho")
    return np.ascontiguousarray(np.kron(one, one).T, dtype=np.float32)


def _calmest(rough: NDArray[np.float32], usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blocks whose neighbours vary least: in the slices beside, or around them in a single one.

    Judged by their neighbours, whose noise is another, blocks are not chosen for their own.
    """
    rough = np.where(usable, rough, np.inf)
    if len(rough) > 1:
        beside = np.concatenate([rough[1:2], rough, rough[-2:-1]])
        around = beside[:-2] + beside[2:]
    else:
        step = WIDTH // _STEP  # blocks that share no voxel
        wide = np.pad(rough, ((0, 0), (step, step), (step, step)), constant_values=np.inf)
        inner = slice(step, -step)
        around = wide[:, : -2 * step, inner] + wide[:, 2 * step :, inner]
        around += wide[:, inner, : -2 * step] + wide[:, inner, 2 * step :]
    known = usable & np.isfinite(around)
    if known.sum() < FEWEST:
        return usable
    share = max(SHARE, min(MOST_SHARE, ENOUGH / known.sum()))
    return np.asarray(known & (around <= np.quantile(around[known], share)))
