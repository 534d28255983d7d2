"""Noise level of magnitude MR images: Rician, so background and foreground behave differently.

Three estimators are combined. The spectrum of calm tissue (`noise_level_spectrum`) is taken where
it tells noise from anatomy. The variance of calm blocks holds anatomy too, and is an upper bound
but for filtered noise. The air, where noise is Rayleigh distributed, is exact where nothing else is
in it; ghosts and motion make it louder than the body's noise, masks and coil combination quieter.
Where they differ too much for one number, a range is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.intensity import KNOWN, foreground_scale, noise_free_scale
from medrestore.core.mr_values import gaussian_sigma
from medrestore.core.noise_level import Estimator, NoiseEstimate
from medrestore.core.noise_level_bands import band_powers
from medrestore.core.noise_level_blocks import (
    calm,
    even_slabs,
    kept_variance,
    log_mode,
    measure,
    smooth_histogram,
)
from medrestore.core.noise_level_spectrum import fit_spectrum
from medrestore.errors import InputError, NoiseLevelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.noise_level_blocks import Blocks

    Weighed = tuple[float, str, list[float]]
    """σ, the way it was found, and other levels that may be right."""

__all__ = ["RICIAN", "InBlocks", "InSpectrum", "background", "choose"]

APART = 1.5
"""Estimates that differ by more leave a range."""
UNSURE = 0.2
"""Spread of log σ above which the spectrum does not tell noise from anatomy."""
ALIKE = 0.2
"""Log ratio within which air and tissue show the same noise, and both count."""
AIR_COUNTS = 0.6
"""Weight of the air where it agrees exactly."""
LOST = 0.3
"""Blocks read filtered noise too low, under Hamming windows by this: what they lose to their plane
is given back for Gaussian spectra. Anatomy only raises them."""
FILTERED = 0.5
"""Edge below which the words say so."""
LOUDER = 1.05
"""Air over tissue above which it is not the tissue's noise: stationary noise cannot be."""
_CERTAIN = 0.8
"""Share of calm blocks near their mode above which they overrule the air, without a spectrum."""
_RAYLEIGH_RATIO = (1.75, 2.10)
"""Accepted mean / standard deviation of a noise background; exactly 1.913 for Rayleigh."""
_MOST_VOXELS = 4_000_000
"""More say little more: the calmest tenth of their blocks are thousands."""
_HOMOGENEOUS = 0.7
"""Share of calm 7×7 blocks near the mode above which they hold noise and little anatomy."""


@dataclass(frozen=True)
class InSpectrum:
    """σ from the spectrum of calm tissue.

    Parameters
    ----------
    sigma, spread : float
        Gaussian std per channel, and the posterior std of its logarithm.
    edge : float
        Noise power at the edge of k-space over its mean: 1 for white noise.
    shares : (float, float)
        Of k-space acquired along y and x.
    shape : (int, int)
        Rows and columns as stored.
    """

    sigma: float
    spread: float
    edge: float
    shares: tuple[float, float]
    shape: tuple[int, int]


@dataclass(frozen=True)
class InBlocks:
    """σ from the variance of calm blocks, and the share of them that are near its mode."""

    sigma: float
    homogeneous: float


def choose(
    spectrum: InSpectrum | None, blocks: InBlocks | None, air: float | None
) -> NoiseEstimate:
    """One noise level from all estimates; each is None where it found too little.

    Raises
    ------
    NoiseLevelError
        If all are.
    """
    if spectrum is None:
        sigma, words, known = _without_spectrum(blocks, air)
    elif spectrum.spread > UNSURE:
        sigma, words, known = _unsure(spectrum, blocks, air)
    else:
        sigma, words, known = _sure(spectrum, blocks, air)
    low, high = min([sigma, *known]), max([sigma, *known])
    apart = _ratio(low, high) > APART
    return NoiseEstimate(sigma, None, words, between=(low, high) if apart else None)


def _sure(spectrum: InSpectrum, blocks: InBlocks | None, air: float | None) -> Weighed:
    """Level where the spectrum tells noise from anatomy."""
    words = "spectrum of calm foreground, Koay-corrected" + _acquisition(spectrum)
    sigma, agree, known = spectrum.sigma, False, list(_reach(spectrum))
    if blocks is not None:
        lost = 1 + LOST * (1 - math.sqrt(spectrum.edge))
        seen = min(max(spectrum.sigma, blocks.sigma), lost * blocks.sigma)
        sigma = min(sigma, seen)
        agree = _ratio(seen, spectrum.sigma) <= APART
        known.append(seen)
    if air is not None and air > LOUDER * spectrum.sigma:
        words += " (background noisier: ghosts or normalisation)"
    elif air is not None:
        apart = math.log(air / sigma)
        if apart < -ALIKE:
            words += " (background suppressed or noise amplified inside)"
            known += [] if agree else [air]
        else:
            words += "; background Rayleigh confirms it"
        sigma *= math.exp(AIR_COUNTS * math.exp(-((apart / ALIKE) ** 2)) * apart)
    return sigma, words, known


def _unsure(spectrum: InSpectrum, blocks: InBlocks | None, air: float | None) -> Weighed:
    """Level where the spectrum is anatomy's: the air if it lies in the range, else its middle."""
    low, high = _reach(spectrum)
    top = high if blocks is None else max(high, blocks.sigma)
    if air is not None and low <= air <= LOUDER * top:
        words = "background Rayleigh (foreground too structured to confirm it)"
        return air, words, [] if blocks is None else [blocks.sigma]
    middle = spectrum.sigma if blocks is None else math.sqrt(spectrum.sigma * blocks.sigma)
    words = "between spectrum and variance of calm foreground, Koay-corrected; anatomy hides it"
    return middle, words + _acquisition(spectrum), [low, high, top]


def _without_spectrum(blocks: InBlocks | None, air: float | None) -> Weighed:
    """Level where too few blocks have a spectrum."""
    local = "mode of the local variance in calm foreground, Koay-corrected"
    if blocks is None and air is None:
        raise NoiseLevelError(
            "the noise level cannot be estimated: no noise background and under 20 foreground "
            "blocks of 5×5 voxels; give it as a number (noise=…) or draw a homogeneous region"
        )
    if blocks is None:
        assert air is not None
        return air, "background Rayleigh", []
    if air is None:
        return blocks.sigma, local, []
    if air > LOUDER * blocks.sigma:
        return blocks.sigma, local + " (background noisier: ghosts or normalisation)", []
    ratio = blocks.sigma / air
    if ratio > 1.2 and blocks.homogeneous >= _CERTAIN:
        words = local + " (background suppressed or noise amplified inside)"
        return blocks.sigma, words, [air]
    if ratio > 1.4:
        words = "background Rayleigh (foreground too structured to confirm it)"
        return air, words, [blocks.sigma]
    return air, "background Rayleigh, confirmed in the foreground", []


def _reach(spectrum: InSpectrum) -> tuple[float, float]:
    """Two spreads below the spectrum's level and above it."""
    factor = math.exp(2 * min(spectrum.spread, 1.5))
    return spectrum.sigma / factor, spectrum.sigma * factor


def _ratio(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return high / low if low > 0 else math.inf


def _acquisition(spectrum: InSpectrum) -> str:
    """In words, what the scanner did to k-space."""
    parts = [
        f"{round(share * n)} of {n} along {axis}"
        for share, n, axis in zip(spectrum.shares, spectrum.shape, "yx", strict=True)
        if share < 1
    ]
    words = f", zero-filled (acquired {', '.join(parts)})" if parts else ""
    return words + (", filtered in k-space" if spectrum.edge < FILTERED else "")


def background(blocks: Blocks, scale: float) -> float | None:
    """σ of the quietest dark blocks, whatever the noise's spectrum; None if they are no air."""
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
    centres, counts = smooth_histogram(logs, 3)
    peak = (counts >= np.roll(counts, 1)) & (counts >= np.roll(counts, -1))
    return float(centres[peak & (counts > counts.max() / 3)][0])


def _whole(array: NDArray[np.float32], *_: object) -> NoiseEstimate:
    """Gaussian std per channel of a whole magnitude volume (z, y, x).

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
    found = choose(_in_spectrum(part, scale), _in_blocks(part, blocks, scale), air)
    return replace(found, relative=_relative(found.sigma, array))


def _region(std: float, mean: float, array: NDArray[np.float32]) -> NoiseEstimate:
    sigma = gaussian_sigma(std, mean)
    method = "std in the drawn region, Koay-corrected"
    return NoiseEstimate(sigma, None, method, _relative(sigma, array))


RICIAN = Estimator(_whole, _region)
"""Noise of MR magnitudes; σ is that of each channel."""


def _relative(sigma: float, array: NDArray[np.float32]) -> float | None:
    try:
        return sigma / noise_free_scale(array, sigma)
    except InputError:  # no signal to relate it to
        return None


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
    logs = np.log(np.maximum(blocks.variance[chosen], (1e-6 * scale) ** 2))
    peak = log_mode(logs)
    near = np.abs(logs - peak) < 0.5
    energy = float(blocks.variance[chosen][near].sum())
    lag = float(blocks.lag[chosen][near].sum()) / energy if energy > 0 else 0.0
    std = float(np.sqrt(np.exp(peak) / kept_variance(lag, blocks.width, ramp=False)))
    mean = float(np.median(blocks.mean[chosen][near])) if near.any() else scale
    return InBlocks(gaussian_sigma(std, mean), float(near.mean()))
