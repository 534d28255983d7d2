"""Power of what varies in calm blocks of an MR image, by spatial frequency on its acquired grid.

Noise is white on the acquired grid only (`acquired_grid`). Blocks of 8 × 8 voxels on that grid,
overlapping by half, are transformed by an orthonormal DCT. Of the bright blocks those count whose
places vary least in the neighbouring slices. The power of a band is the median of its squared
coefficients over them (over 0.455, the median of χ² with one degree of freedom): anatomy in less
than half of them moves it little.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from medrestore.core.acquired_grid import acquired_shares, grid_of, on_acquired_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DETAIL", "WIDTH", "Bands", "band_powers"]

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
