"""Noise from the finest detail of the body: second differences, which hold the least anatomy.

r_x = (y[−1] − 2y[0] + y[+1])/√6 along an axis and r_xy, the same along both, have the variance σ²
of white noise (Immerkær 1996, doi:10.1006/cviu.1996.0060). Anatomy adds more to r_x and r_y than to
r_xy, so that r_xy measures white noise best. Noise that was filtered along its axes (k-space
windows) has less of r_xy: with gains g_x and g_y, E r_x² = g_x σ², E r_y² = g_y σ², E r_xy² =
g_x g_y σ², and σ² = E r_x² · E r_y² / E r_xy² whatever the windows are. A ratio of both estimates
tells which holds: see `FineNoise.filtered`.

A candidate, not yet what runs take. On simulated noise it is right where the product's estimator
is not; on real noise (`real_noise/mr_dti`: 24.3 to 25.3 from the difference of two takes) `white`
reads 17 to 19 and `separable` 25 to 28, in windows that are alike, with gains of 0.5 to 0.9:
scanners filter a little, so that "white or filtered" is no question of yes or no.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from benchmarks.noise.acquired_grid import acquired_shares, on_acquired_grid
from medrestore.core.noise_level_blocks import log_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["FineNoise", "fine_noise"]

WIDTH = 6
"""Voxels along each side of a window; windows overlap by half."""
SHARE, MOST_SHARE, ENOUGH, FEWEST = 0.1, 0.3, 400, 60
"""Of the bright windows the calmest tenth counts, or up to three tenths to have enough."""
BRIGHT = 0.2
"""Of the scale: darker windows are no body."""
GAUSSIAN_SNR = 4.0
"""Magnitudes above this many σ are Gaussian to 2 %, and band-limited where their noise is."""
WHITENESS = 0.33
"""Geometric mean of both gains below which noise was filtered: Hamming windows along both axes
leave 0.2, white noise with anatomy at 1 % of noise 0.4 (`benchmarks/noise`)."""
ONE_AXIS, OTHER_AXIS = 0.4, 0.65
"""Filtered along one axis: that gain below this share of the other, and the other above this."""
ALIKE = 0.6
"""Share of windows within a factor of 1.6 of the mode: noise alone gives 0.8, anatomy less."""


@dataclass(frozen=True)
class FineNoise:
    """Standard deviations per channel, and what tells which of them holds.

    Parameters
    ----------
    white : float
        If the noise is white on the acquired grid; a lower bound if it was filtered.
    separable : float
        If it was filtered along its axes; an upper bound where anatomy is strong.
    gains : (float, float)
        E r_xy² over E r_y² and over E r_x²: what a filter along x and along y leaves of a second
        difference, 1 for white noise.
    alike : float
        Share of the windows that agree on E r_x² and E r_y².
    shares : (float, float)
        Of k-space acquired along y and x.
    """

    white: float
    separable: float
    gains: tuple[float, float]
    alike: float
    shares: tuple[float, float]

    @property
    def filtered(self) -> bool:
        """Whether the noise was filtered: too little of the finest, in windows that are alike."""
        low, high = sorted(self.gains)
        both = (low * high) ** 0.5 < WHITENESS
        one = low < ONE_AXIS * high and high > OTHER_AXIS
        return (both or one) and self.alike >= ALIKE

    @property
    def sigma(self) -> float:
        """The one of the two that holds."""
        return self.separable if self.filtered else self.white


@dataclass(frozen=True, eq=False)
class _Windows:
    """Mean squares of r_x, r_y, r_xy, mean and least magnitude by window, each (z, y, x)."""

    along_x: NDArray[np.float64]
    along_y: NDArray[np.float64]
    both: NDArray[np.float64]
    mean: NDArray[np.float64]
    lowest: NDArray[np.float32]


def fine_noise(
    array: NDArray[np.float32], scale: float, gaussian: Callable[[float, float], float]
) -> FineNoise | None:
    """Noise of a magnitude volume, or None where it has too little body.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x)
        Magnitudes; NaN is taken for 0.
    scale : float
        Intensity scale.
    gaussian : callable
        Std per channel from the std and the mean of magnitudes (`noise_level_mr.gaussian_sigma`).
    """
    shares = acquired_shares(array, scale)
    found = [_windows(on_acquired_grid(np.nan_to_num(plane), shares)) for plane in array]
    if min(found[0][0].shape) < 1:
        return None
    windows = _Windows(*(np.stack(parts) for parts in zip(*found, strict=True)))
    usable = (windows.mean > BRIGHT * scale) & (windows.lowest > 0)
    if usable.sum() < FEWEST:
        return None
    first = _measure(windows, usable, scale, gaussian, shares)
    bright = usable & (windows.mean > GAUSSIAN_SNR * first.white)
    if bright.sum() < max(ENOUGH, 0.02 * usable.sum()):
        return first
    return _measure(windows, bright, scale, gaussian, shares)


def _measure(
    windows: _Windows,
    usable: NDArray[np.bool_],
    scale: float,
    gaussian: Callable[[float, float], float],
    shares: tuple[float, float],
) -> FineNoise:
    chosen = _calmest(np.where(usable, windows.along_x + windows.along_y, np.inf))
    floor = (1e-7 * scale) ** 2
    logs = [
        np.log(np.maximum(squares[chosen], floor))
        for squares in (windows.along_x, windows.along_y, windows.both)
    ]
    modes = [log_mode(values) for values in logs]
    x, y, both = (float(np.exp(mode)) for mode in modes)
    alike = min(
        float((np.abs(values - mode) < 0.5).mean())
        for values, mode in zip(logs[:2], modes[:2], strict=True)
    )
    mean = float(np.median(windows.mean[chosen]))
    return FineNoise(
        white=gaussian(both**0.5, mean),
        separable=gaussian((x * y / both) ** 0.5, mean),
        gains=(both / y, both / x),
        alike=alike,
        shares=shares,
    )


def _calmest(rough: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Windows whose neighbours vary least: in the slices beside, or around them in a single one.

    Judged by their neighbours, whose noise is another, windows are not chosen for their own.
    """
    if len(rough) > 1:
        beside = np.concatenate([rough[1:2], rough, rough[-2:-1]])
        around = beside[:-2] + beside[2:]
    else:
        step = 3  # windows that share no voxel, not even through a difference
        beside = np.pad(rough, ((0, 0), (step, step), (step, step)), constant_values=np.inf)
        rows, columns = slice(step, -step), slice(step, -step)
        around = beside[:, : -2 * step, columns] + beside[:, 2 * step :, columns]
        around += beside[:, rows, : -2 * step] + beside[:, rows, 2 * step :]
    known = np.isfinite(rough) & np.isfinite(around)
    if known.sum() < FEWEST:
        return np.isfinite(rough)
    share = max(SHARE, min(MOST_SHARE, ENOUGH / known.sum()))
    chosen = known & (around <= np.quantile(around[known], share))
    return chosen if chosen.sum() >= FEWEST else np.isfinite(rough)


def _windows(plane: NDArray[np.float32]) -> tuple[NDArray[np.floating], ...]:
    """What `_Windows` holds of one plane (y, x)."""
    inner = plane[1:-1, 1:-1].astype(np.float64)
    middle = plane.astype(np.float64)
    x = middle[:, :-2] - 2 * middle[:, 1:-1] + middle[:, 2:]
    y = middle[:-2] - 2 * middle[1:-1] + middle[2:]
    both = x[:-2] - 2 * x[1:-1] + x[2:]
    lowest = ndimage.minimum_filter(inner, WIDTH + 2)  # differences reach one voxel further
    squares = (x[1:-1] ** 2 / 6, y[:, 1:-1] ** 2 / 6, both**2 / 36)
    return (*map(_means, squares), _means(inner), _at_windows(lowest))


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _at_windows(ndimage.uniform_filter(values, WIDTH))


def _at_windows(filtered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values at the centres of windows that lie whole in the plane."""
    half = WIDTH // 2
    rows, columns = filtered.shape
    return filtered[half : rows - half + 1 : half, half : columns - half + 1 : half]
