"""Values of an MR scan: phase or magnitude, negative voxels, the bias of a Rician magnitude."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage, special

from medrestore.core.intensity import foreground_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["debiased", "gaussian_sigma", "is_phase", "signs"]

CUT = 0.02
"""A circle is cut open at 0 or opposite of it, give or take this fraction of its length."""
BINS = 16
EMPTIEST = 0.1
"""Of an even share, each bin of the range holds so much at least."""
SHORTER = 0.9
"""Neighbours are so much nearer to each other round the circle than along the line, or more."""
SHALLOW, DEEP = 0.02, 0.1
"""Depths below zero, as fractions of the foreground scale."""
MOST_SHALLOW, MOST_DEEP = 0.015, 0.005
"""Shares of voxels that may lie deeper and are no undershoot."""
REACH = 7
UNDERSHOOT = 0.25
"""Splines, windowed sinc and Fourier interpolation go below zero within so many pixels beside a
bright one, by less than this fraction of it."""


def is_phase(planes: NDArray[Any]) -> bool:
    """True if values wrap round, whatever the range they are stored in (±π, ±4096, 0…4095, …).

    Three things are so in phase only. The range begins at 0 or has it in its middle. All of it is
    filled up to both ends, since noise has any phase; a magnitude's largest values are few. And
    differences between neighbours are shorter round the circle: 3/4 in noise, less where smooth
    phase wraps; of a magnitude hardly any differ by more than half of the range.

    Parameters
    ----------
    planes : ndarray, shape (n, y, x)
        Some slices.
    """
    values = planes[np.isfinite(planes)]
    if not values.size:
        return False
    low, high = float(values.min()), float(values.max())
    if not high > low or min(abs(low), abs(low + high)) > CUT * (high - low):
        return False
    distinct, counts = np.unique(values, return_counts=True)
    inside = (values > low) & (values < high) & (values != distinct[counts.argmax()])  # a mask's
    filled, _ = np.histogram(values[inside], BINS, (low, high))
    if filled.min() < EMPTIEST * max(filled.sum(), 1) / BINS:
        return False
    apart = np.abs(np.diff(planes.astype(np.float64), axis=-1))
    apart = apart[np.isfinite(apart)]
    return bool(np.minimum(apart, high - low - apart).sum() < SHORTER * apart.sum())


class Signs(NamedTuple):
    """Meaning of negative voxels.

    Parameters
    ----------
    signed : bool
        They mean something: there are more than interpolation explains.
    deep : float
        Share of the voxels that lie below zero by a tenth of the foreground and are no undershoot.
    """

    signed: bool
    deep: float


def signs(planes: NDArray[Any]) -> Signs:
    """Look at the negative voxels of an MR scan.

    Parameters
    ----------
    planes : ndarray, shape (n, y, x)
        Some slices; NaN is left out.
    """
    planes = np.where(np.isfinite(planes), planes, 0)
    if not (planes < 0).any():
        return Signs(False, 0.0)
    if planes.max() <= 0:
        return Signs(True, 1.0)
    scale = foreground_scale(np.maximum(planes, 0))
    around = ndimage.maximum_filter(planes, (1, REACH, REACH))
    meant = planes < -UNDERSHOOT * around
    shallow, deep = (float(np.mean(meant & (planes < -d * scale))) for d in (SHALLOW, DEEP))
    return Signs(shallow > MOST_SHALLOW or deep > MOST_DEEP, deep)


def debiased(y: Tensor, sigma: Tensor) -> Tensor:
    """√max(y² − σ², 0): a Rician magnitude as a Gaussian observation of its signal.

    Above some 3 σ, y ≈ x + n + σ²/2x, of which this leaves x + n (Gudbjartsson & Patz 1995,
    doi:10.1002/mrm.1910340618, eq. 4). Below, nothing makes the noise Gaussian: in air the mean
    falls from 1.25 σ to 0.76 σ.

    Parameters
    ----------
    y, sigma : Tensor
        Magnitudes and the standard deviation of each channel, intensity units; shapes broadcast.
    """
    return (y.square() - sigma.square()).clamp(min=0).sqrt()


@lru_cache
def _rician_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance of Rician data over σ², against signal over σ (Koay & Basser 2006, eq. 9)."""
    snr = np.linspace(0.0, 20.0, 401)
    quarter = snr**2 / 4
    half_mean = (1 + snr**2 / 2) * special.ive(0, quarter) + snr**2 / 2 * special.ive(1, quarter)
    return snr, 2 + snr**2 - np.pi / 2 * half_mean**2


def gaussian_sigma(std: float, mean: float) -> float:
    """Gaussian std per channel of Rician data with this standard deviation and mean.

    Koay & Basser 2006, doi:10.1016/j.jmr.2006.01.016; background (mean / std ≤ 1.913) gives
    std / √(2 − π/2).
    """
    if std <= 0:
        return 0.0
    snr, factor = _rician_table()
    ratio = np.sqrt((2 + snr**2 - factor) / factor)  # mean / std, increasing with the SNR
    return float(std / np.sqrt(np.interp(mean / std, ratio, factor)))
