"""Noise level of magnitude MR images: Rician, so background and foreground behave differently.

Three witnesses: the spectrum of calm tissue (`noise_level_spectrum`), the variance of calm blocks
(anatomy only adds to it), the air (`noise_level_air`). `noise_level_choice` weighs them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from medrestore.core.intensity import KNOWN, foreground_scale
from medrestore.core.noise_level_air import background
from medrestore.core.noise_level_bands import band_powers
from medrestore.core.noise_level_blocks import (
    calm,
    even_slabs,
    kept_variance,
    log_mode,
    measure,
)
from medrestore.core.noise_level_choice import Choice, InBlocks, InSpectrum, choose
from medrestore.core.noise_level_spectrum import fit_spectrum
from medrestore.errors import InputError, NoiseLevelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.noise_level_blocks import Blocks

__all__ = ["estimate_mr", "gaussian_sigma"]

_MOST_VOXELS = 4_000_000
"""More say little more: the calmest tenth of their blocks are thousands."""
_HOMOGENEOUS = 0.7
"""Share of calm 7×7 blocks near the mode above which they hold noise and little anatomy."""


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


def estimate_mr(array: NDArray[np.float32]) -> Choice:
    """Gaussian std per channel of a whole magnitude volume (z, y, x), and how it was found.

    Raises
    ------
    NoiseLevelError
        If the volume holds neither a noise background nor enough foreground blocks.
    """
    try:
        scale = foreground_scale(array)
    except InputError as error:
        raise NoiseLevelError(
            "the noise level cannot be estimated: the scan has no signal above zero; "
            "give it as a number (noise=…)"
        ) from error
    part = np.minimum(even_slabs(array, _MOST_VOXELS), np.float32(KNOWN[1] * scale))  # no spikes
    blocks = measure(part, 7)
    air = background(blocks, scale)
    return choose(_in_spectrum(part, scale), _in_blocks(part, blocks, scale), air)


def _in_spectrum(part: NDArray[np.float32], scale: float) -> InSpectrum | None:
    bands = band_powers(part, scale)
    if bands is None:
        return None
    found = fit_spectrum(bands)
    sigma = gaussian_sigma(found.std, bands.mean)
    return InSpectrum(sigma, found.spread, found.edge, bands.shares, bands.shape)


def _in_blocks(part: NDArray[np.float32], blocks: Blocks, scale: float) -> InBlocks | None:
    """The calmest 7×7 blocks or, where they hold anatomy, the lower of them and 5×5 ones."""
    wide = _foreground(blocks, scale, 0.1)
    if wide is not None and wide.homogeneous >= _HOMOGENEOUS:
        return wide
    fine = _foreground(measure(part, 5), scale, 0.05)
    found = [one for one in (wide, fine) if one is not None]
    return min(found, key=lambda one: one.sigma, default=None)


def _foreground(blocks: Blocks, scale: float, share: float) -> InBlocks | None:
    """Mode of the local variance in the calmest ``share`` of bright blocks."""
    usable = (blocks.mean > 0.2 * scale) & (blocks.lowest > 0)
    chosen = calm(blocks, usable, share)
    if chosen.sum() < 20:
        chosen = usable
    if chosen.sum() < 20:
        return None
    floor = (1e-6 * scale) ** 2
    logs = np.log(np.maximum(blocks.variance[chosen], floor))
    peak = log_mode(logs)
    near = np.abs(logs - peak) < 0.5
    variance = np.exp(peak)
    energy = float(blocks.variance[chosen][near].sum())
    lag = float(blocks.lag[chosen][near].sum()) / energy if energy > 0 else 0.0
    std = float(np.sqrt(variance / kept_variance(lag, blocks.width, ramp=False)))
    mean = float(np.median(blocks.mean[chosen][near])) if near.any() else scale
    return InBlocks(gaussian_sigma(std, mean), float(near.mean()))
