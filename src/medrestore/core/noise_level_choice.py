"""One noise level of an MR scan from witnesses that may differ, or a range where they do.

The spectrum of calm tissue is taken where it tells noise from anatomy. The variance of calm blocks
holds anatomy too, and is an upper bound but for filtered noise. The air is exact where nothing else
is in it; ghosts and motion make it louder than the body's noise, masks and coil combination
quieter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from medrestore.errors import NoiseLevelError

__all__ = ["Choice", "InBlocks", "InSpectrum", "choose"]

APART = 1.5
"""Witnesses that differ by more leave a range."""
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


@dataclass(frozen=True)
class Choice:
    """σ, how it was found in words, and the range where witnesses differ by more than 1.5."""

    sigma: float
    method: str
    between: tuple[float, float] | None = None


def choose(spectrum: InSpectrum | None, blocks: InBlocks | None, air: float | None) -> Choice:
    """What the witnesses say together; each is None where it found too little.

    Raises
    ------
    NoiseLevelError
        If all are.
    """
    if spectrum is None:
        return _without_spectrum(blocks, air)
    if spectrum.spread > UNSURE:
        return _unsure(spectrum, blocks, air)
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
    return Choice(sigma, words, _range(sigma, known))


def _unsure(spectrum: InSpectrum, blocks: InBlocks | None, air: float | None) -> Choice:
    """Where the spectrum is anatomy's: the air if it lies in the range, else its middle."""
    low, high = _reach(spectrum)
    top = high if blocks is None else max(high, blocks.sigma)
    if air is not None and low <= air <= LOUDER * top:
        words = "background Rayleigh (foreground too structured to confirm it)"
        known = [air] if blocks is None else [air, blocks.sigma]
        return Choice(air, words, _range(air, known))
    middle = spectrum.sigma if blocks is None else math.sqrt(spectrum.sigma * blocks.sigma)
    words = "between spectrum and variance of calm foreground, Koay-corrected; anatomy hides it"
    return Choice(middle, words + _acquisition(spectrum), _range(middle, [low, high, top]))


def _without_spectrum(blocks: InBlocks | None, air: float | None) -> Choice:
    local = "mode of the local variance in calm foreground, Koay-corrected"
    if blocks is None and air is None:
        raise NoiseLevelError(
            "the noise level cannot be estimated: no noise background and under 20 foreground "
            "blocks of 5×5 voxels; give it as a number (noise=…) or draw a homogeneous region"
        )
    if blocks is None:
        assert air is not None
        return Choice(air, "background Rayleigh")
    if air is None:
        return Choice(blocks.sigma, local)
    if air > LOUDER * blocks.sigma:
        return Choice(blocks.sigma, local + " (background noisier: ghosts or normalisation)")
    ratio = blocks.sigma / air
    both = _range(air, [air, blocks.sigma])
    if ratio > 1.2 and blocks.homogeneous >= _CERTAIN:
        words = local + " (background suppressed or noise amplified inside)"
        return Choice(blocks.sigma, words, both)
    if ratio > 1.4:
        return Choice(air, "background Rayleigh (foreground too structured to confirm it)", both)
    return Choice(air, "background Rayleigh, confirmed in the foreground")


def _reach(spectrum: InSpectrum) -> tuple[float, float]:
    """Two spreads below the spectrum's level and above it."""
    factor = math.exp(2 * min(spectrum.spread, 1.5))
    return spectrum.sigma / factor, spectrum.sigma * factor


def _ratio(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return high / low if low > 0 else math.inf


def _range(sigma: float, known: list[float]) -> tuple[float, float] | None:
    """From the lowest to the highest of what is known and the level itself, if far apart."""
    low, high = min(sigma, *known), max(sigma, *known)
    return (low, high) if _ratio(low, high) > APART else None


def _acquisition(spectrum: InSpectrum) -> str:
    """In words, what the scanner did to k-space."""
    parts = [
        f"{round(share * n)} of {n} along {axis}"
        for share, n, axis in zip(spectrum.shares, spectrum.shape, "yx", strict=True)
        if share < 1
    ]
    words = f", zero-filled (acquired {', '.join(parts)})" if parts else ""
    return words + (", filtered in k-space" if spectrum.edge < FILTERED else "")
