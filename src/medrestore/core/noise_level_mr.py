"""Noise level of magnitude MR images: Rician, so background and foreground behave differently."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage, special

from medrestore.core.intensity import foreground_scale
from medrestore.core.noise_level_blocks import (
    calm,
    even_slabs,
    kept_variance,
    log_mode,
    measure,
)
from medrestore.errors import InputError, NoiseLevelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.noise_level_blocks import Blocks

__all__ = ["estimate_mr", "gaussian_sigma"]

_MOST_VOXELS = 12_000_000
_RAYLEIGH_RATIO = (1.75, 2.10)
"""Accepted mean / standard deviation of a noise background; exactly 1.913 for Rayleigh."""
_HOMOGENEOUS = 0.7
"""Share of calm 7×7 blocks near the mode above which they hold noise and little anatomy."""
_CERTAIN = 0.8
"""The same, for the foreground to overrule a background that looks like Rayleigh noise."""
_LOUDER_AIR = 0.95
"""Foreground over background below which the background is not the foreground's noise."""


@dataclass(frozen=True)
class _Part:
    sigma: float
    homogeneous: float
    blocks: int


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


def estimate_mr(array: NDArray[np.float32]) -> tuple[float, str]:
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
    part = even_slabs(array, _MOST_VOXELS)
    wide_blocks = measure(part, 7)
    background = _background(wide_blocks, scale)
    wide = _foreground(wide_blocks, scale, 0.1)
    if wide is not None and wide.homogeneous >= _HOMOGENEOUS:
        foreground: _Part | None = wide
    else:
        fine = _foreground(measure(part, 5), scale, 0.05)
        foreground = min(
            (p for p in (wide, fine) if p is not None), key=lambda p: p.sigma, default=None
        )
    return _choose(background, foreground)


def _choose(background: float | None, foreground: _Part | None) -> tuple[float, str]:
    """Background where both agree; the foreground where the background is not its noise.

    Air that is louder than the body holds ghosts or motion: stationary noise cannot be.
    """
    local = "mode of the local variance in calm foreground, Koay-corrected"
    if foreground is None and background is None:
        raise NoiseLevelError(
            "the noise level cannot be estimated: no noise background and under 20 foreground "
            "blocks of 5×5 voxels; give it as a number (noise=…) or draw a homogeneous region"
        )
    if foreground is None:
        assert background is not None
        return background, "background Rayleigh"
    if background is None:
        return foreground.sigma, local
    ratio = foreground.sigma / background
    if ratio < _LOUDER_AIR:
        return foreground.sigma, local + " (background noisier: ghosts or normalisation)"
    if ratio > 1.2 and foreground.homogeneous >= _CERTAIN:
        return foreground.sigma, local + " (background suppressed or noise amplified inside)"
    if ratio > 1.4:
        return background, "background Rayleigh (foreground too structured to confirm it)"
    return background, "background Rayleigh, confirmed in the foreground"


def _foreground(blocks: Blocks, scale: float, share: float) -> _Part | None:
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
    return _Part(gaussian_sigma(std, mean), float(near.mean()), int(chosen.sum()))


def _background(blocks: Blocks, scale: float) -> float | None:
    """σ of the quietest population of dark blocks, if it is Rayleigh; else None."""
    rms = np.sqrt(blocks.square)
    dark = (rms < 0.35 * scale) & (rms > 1e-6 * scale)
    if dark.sum() < 30:
        return None
    logs = np.log(rms[dark])
    near = np.abs(logs - _first_peak(logs)) < 0.25
    square = float(blocks.square[dark][near].mean(dtype=np.float64))
    mean = float(blocks.mean[dark][near].mean(dtype=np.float64))
    if near.sum() < 0.01 * dark.size or blocks.zeros[dark][near].mean() > 0.02:
        return None
    low, high = _RAYLEIGH_RATIO
    if not low < mean / np.sqrt(max(square - mean**2, 1e-30)) < high:
        return None
    return float(np.sqrt(square / 2))


def _first_peak(logs: NDArray[np.floating[Any]]) -> float:
    """Lowest of the peaks of a histogram that reach a third of the highest."""
    low, high = np.quantile(logs, [0.005, 0.995])
    if high - low < 1e-6:
        return float(low)
    counts, edges = np.histogram(logs, bins=200, range=(low, high))
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 3, mode="constant")
    peak = (smooth >= np.roll(smooth, 1)) & (smooth >= np.roll(smooth, -1))
    first = np.flatnonzero(peak & (smooth > smooth.max() / 3))[0]
    return float(0.5 * (edges[first] + edges[first + 1]))
