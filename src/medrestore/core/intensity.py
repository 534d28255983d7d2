"""The scale in which networks see intensities: foreground of an MR scan, 1000 HU for CT.

Noise widens the distribution of magnitudes, and with it the percentile that MR's scale is: 9 % of
noise raises it by 5 %, 15 % by 13 %, in the median over 32 scans. Noise of known σ is taken out of
the histogram, not out of the image: the counts h of noisy magnitudes are those of noise-free ones,
n, spread by the Rician density, h = Kn, and Richardson and Lucy's iteration finds the n ≥ 0 that
explains h best (Richardson 1972, doi:10.1364/JOSA.62.000055; Lucy 1974, doi:10.1086/111605).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from medrestore.errors import InputError, SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FOREGROUND_FRACTION",
    "KNOWN",
    "SOFT_TISSUE_HU",
    "check_fraction",
    "foreground_scale",
    "noise_free_scale",
    "sigma_of_fraction",
    "thinned",
]

SOFT_TISSUE_HU = (-50.0, 150.0)
FOREGROUND_FRACTION = 0.06
"""Voxels above this fraction of the 99.5th percentile count as foreground (MR)."""

KNOWN = (-2.0, 4.0)
"""Range of intensities that networks see, in units of the scale. Training scans reach 3.1 of it in
CT and hardly ever 4 in MR, and noise of what is trained for stays above −2; metal of 30000 HU or a
spike of a hundred times the tissue is beyond, and would disturb what is restored around it."""

MOST_VOXELS = 2**26
"""More say no more about a percentile."""
BINS = 400
ITERATIONS = 100
"""The scale then lies within 1 to 2 % of the noise-free one up to 9 % of noise (6 % at most)."""
REACH = 6.0
"""Bins end so many σ above the noisy scale."""
LEAST = 0.005
"""Noise below this part of the scale widens it by less than a thousandth and is left in."""
SETTLED = 1e-3
ROUNDS = 8


def foreground_scale(array: NDArray[Any]) -> float:
    """Foreground scale of an MR scan.

    The 99.5th percentile of the voxels above 6 % of the volume's own 99.5th percentile.

    Parameters
    ----------
    array : ndarray
        Magnitudes, any shape; NaN voxels are left out. Of more than 2²⁶ voxels every n-th slice
        (time point of a 4-D array) is looked at.

    Raises
    ------
    InputError
        If no voxel is finite, or none positive, so that there is nothing to scale by.
    """
    values = thinned(np.asarray(array))
    values = values[np.isfinite(values)]
    if not values.size:
        raise InputError("the scan holds no number: every voxel is NaN or infinite; check the file")
    top = float(np.percentile(values, 99.5))
    if top <= 0:
        raise InputError(
            "the scan has no signal: its 99.5th percentile is not positive; check the file"
        )
    return float(np.percentile(values[values > FOREGROUND_FRACTION * top], 99.5))


def check_fraction(noise: float) -> None:
    """Refuse a noise level of MR that is no fraction of the foreground scale.

    Raises
    ------
    SettingsError
        If it is 1 or more: percents, or a standard deviation in the scan's own unit.
    """
    if not 0 <= noise < 1:
        raise SettingsError(
            f"noise={noise:g} is no fraction of the foreground, which an MR's noise is given as: "
            f'0.05 is 5 %; for σ in the scan\'s own unit say "{noise:g} a.u." (--noise {noise:g}u)'
        )


def thinned(values: NDArray[Any]) -> NDArray[Any]:
    """At most about `MOST_VOXELS` of an array: every n-th along its first axis."""
    return values[:: max(1, -(-values.size // MOST_VOXELS))] if values.ndim else values


def noise_free_scale(array: NDArray[Any], sigma: float) -> float:
    """Foreground scale of an MR scan, without what its noise adds.

    Parameters
    ----------
    array : ndarray
        Magnitudes, any shape; NaN voxels are left out.
    sigma : float
        Standard deviation of the noise per channel, in the scan's unit.

    Returns
    -------
    float
        99.5th percentile of the noise-free magnitudes above 6 % of their own 99.5th percentile,
        in the scan's unit.

    Raises
    ------
    InputError
        If there is no signal to scale by.
    """
    return _Histogram(array).scale(sigma)


def sigma_of_fraction(array: NDArray[Any], fraction: float) -> tuple[float, float]:
    """σ and scale of which σ is this fraction, both of the noise-free foreground.

    The more noise there is, the less of the percentile is signal: σ = f·scale(σ) is found by
    iterating from the noisy scale.

    Raises
    ------
    InputError
        If there is no signal to scale by.
    """
    found = _Histogram(array)
    scale = found.noisy
    for _ in range(ROUNDS):
        before, scale = scale, found.scale(fraction * scale)
        if abs(scale - before) < SETTLED * scale:
            break
    return fraction * scale, scale


class _Histogram:
    """The magnitudes of a scan, counted once."""

    def __init__(self, array: NDArray[Any]) -> None:
        values = thinned(np.asarray(array)).ravel()
        self.values = values[np.isfinite(values)]
        self.noisy = foreground_scale(self.values)

    def scale(self, sigma: float) -> float:
        """Foreground scale without noise of this σ."""
        if sigma < LEAST * self.noisy:
            return self.noisy
        top = self.noisy + REACH * sigma
        counts, _ = np.histogram(self.values, BINS, (0.0, top))
        counts[-1] += int(np.count_nonzero(self.values > top))  # spikes
        clean = _without_noise(counts.astype(np.float64), BINS * sigma / top)
        centres = (np.arange(BINS) + 0.5) * top / BINS
        bright = _percentile(centres, clean, 0.0)
        return _percentile(centres, clean, FOREGROUND_FRACTION * bright)


def _percentile(centres: NDArray[np.float64], counts: NDArray[np.float64], lowest: float) -> float:
    """The 99.5th percentile of binned values above ``lowest``."""
    above = np.cumsum(np.where(centres > lowest, counts, 0.0))
    return float(np.interp(0.995 * above[-1], above, centres))


def _without_noise(counts: NDArray[np.float64], sigma_bins: float) -> NDArray[np.float64]:
    """Counts of noise-free magnitudes, from those of noisy ones; σ in bins."""
    spread = _rician(round(sigma_bins, 2))
    clean = counts + 1e-3 * counts.mean()
    for _ in range(ITERATIONS):
        clean *= spread.T @ (counts / np.maximum(spread @ clean, 1e-9))
    return np.asarray(clean)


@lru_cache(maxsize=16)
def _rician(sigma_bins: float) -> NDArray[np.float64]:
    """Shares (noisy bin, noise-free bin) of the Rician distribution; columns sum to 1."""
    centres = np.arange(BINS) + 0.5
    m, a = centres[:, None], centres[None, :]
    variance = max(sigma_bins, 0.3) ** 2
    density = m * np.exp(-((m - a) ** 2) / (2 * variance)) * special.ive(0, m * a / variance)
    return np.asarray(density / density.sum(axis=0, keepdims=True))
