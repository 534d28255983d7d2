"""Noise and anatomy separated by the way their power falls with spatial frequency.

The power of band (u, v) of calm blocks (`noise_level_bands`) is taken for

    P = σ² N(u, v) · (1 + A·(f/f₀)^−2p),

noise of variance σ² and spectrum N of unit mean, and anatomy that falls as a power of frequency
and went through the same k-space window. N is a product of windows along y and x, each none,
((1 − α) + α cos πf^β)² with f = 1 at the edge (Hamming for α = 0.46, flat-topped for β > 1) or the
square of a Gaussian's, exp(−(πℓf)²) for a blur of std ℓ, plus a white part ρ where noise was added
after filtering. Magnitudes fold a little of the noise over itself:
N + κ N∗N with κ = σ²/2m² for a signal m, from |m + n| ≈ m + n_r + n_i²/2m.

Every combination of windows, ρ, A and p is weighed by how well it fits log P, and log σ² is their
weighted mean. So no threshold says "white" or "filtered", and where the bands cannot tell noise
from anatomy, the spread of log σ² says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, linalg

from medrestore.core.noise_level_bands import DETAIL, WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.noise_level_bands import Bands

__all__ = ["Spectrum", "fit_spectrum"]

COSINES = tuple((a, b) for a in (0.1, 0.2, 0.3, 0.38, 0.46, 0.5) for b in (1, 2, 3))
"""(α, β) of windows along an axis."""
GAUSSIANS = (1.0, 1.3)
"""ℓ of blurs along an axis, voxels; less of a blur is much like a cosine."""
WHITE_PARTS = (0.0, 0.25)
"""ρ, of the noise's variance."""
SLOPES = (1.5, 2.0, 3.0)
"""p, of anatomy: in calm tissue it falls at least as f⁻³."""
AMOUNTS = np.concatenate([[0.0], np.geomspace(1e-2, 1e3, 24)])
"""A, anatomy over noise at the frequency f₀, half of the highest."""
MODEL_ERROR = 0.1
"""Std of log power that the model leaves in a band, beside its sampling error."""
TEMPER = 4.0
"""Errors of neighbouring bands go together: χ² counts a quarter."""
UNLIKELY = 2.0
"""Added to χ² for each window and for ρ > 0."""
MOST_FOLDED = 0.1


@dataclass(frozen=True)
class Spectrum:
    """Noise according to a fit.

    Parameters
    ----------
    std : float
        Standard deviation of the noise in the magnitudes as stored.
    spread : float
        Posterior std of log ``std``.
    edge : float
        Noise power at the edge of k-space over its mean, best fit: the geometric mean of both axes;
        1 for white noise.
    anatomy : float
        Variance of anatomy over that of noise in the bands, best fit.
    """

    std: float
    spread: float
    edge: float
    anatomy: float


def fit_spectrum(bands: Bands) -> Spectrum:
    """The noise in the bands of calm blocks."""
    detail = bands.power[DETAIL]
    logs = np.log(np.maximum(detail, 1e-30))
    folded = min(float(detail.mean()) / (2 * max(bands.mean, 1e-30) ** 2), MOST_FOLDED)
    noise, penalty, beyond = _noises(folded, bands.missing)
    anatomy, shares = _anatomies(*bands.shares)
    rest = logs - anatomy
    level = rest.mean(axis=1)[:, None] - noise.mean(axis=1)
    misfit = _squares(rest)[:, None] + _squares(noise) - 2 * _centred(rest) @ _centred(noise).T
    chi = misfit / (TEMPER * (MODEL_ERROR**2 + 4 / bands.count)) + penalty
    weight = np.exp(-0.5 * (chi - chi.min()))
    weight /= weight.sum()
    level = level + beyond
    mean = float((weight * level).sum())
    spread = math.sqrt(float((weight * (level - mean) ** 2).sum()))
    amount, kind = np.unravel_index(int(chi.argmin()), chi.shape)
    edges = _products()[2]
    pair = int(kind) % len(edges[0])
    return Spectrum(
        std=math.exp(0.5 * mean),
        spread=0.5 * spread,
        edge=float(np.sqrt(edges[0][pair] * edges[1][pair])),
        anatomy=float(shares[amount]),
    )


def _centred(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows - rows.mean(axis=1)[:, None])


def _squares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((_centred(rows) ** 2).sum(axis=1))


def _noises(
    folded: float, missing: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Log spectra (kinds, bands), their χ² penalty, and log variance that the grid leaves out."""
    plain, folded_once, edges = _products()
    spectra, penalties, beyond = [], [], []
    rim = sum(np.log1p((more - 1) * edge) for more, edge in zip(missing, edges, strict=True))
    count = sum((edge < 1).astype(float) for edge in edges)
    for white in WHITE_PARTS:
        part = (1 - white) * plain + white
        over = (1 - white) ** 2 * folded_once + 1 - (1 - white) ** 2
        spectra.append(np.log((part + folded * over) / (1 + folded)))
        penalties.append(UNLIKELY * (count + (white > 0)))
        beyond.append(rim)
    return np.concatenate(spectra), np.concatenate(penalties), np.concatenate(beyond)


@lru_cache(maxsize=1)
def _products() -> tuple[
    NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]
]:
    """Of every pair of windows, what `_window` gives of each.

    Band powers (pairs, bands) of unit noise, of its convolution with itself, and the power at the
    windows' edges along y and along x.
    """
    found = [_window(power) for power in _powers()]
    once, twice, edge = (np.array(part) for part in zip(*found, strict=True))
    pairs = [(a[:, None, :, None] * a[None, :, None, :])[:, :, DETAIL] for a in (once, twice)]
    plain, folded_once = (pair.reshape(len(edge) ** 2, -1) for pair in pairs)
    return plain, folded_once, (np.repeat(edge, len(edge)), np.tile(edge, len(edge)))


def _powers() -> list[NDArray[np.float64]]:
    """Power through every window along an axis, in the order of ``np.fft.fftfreq``."""
    f = 2 * np.abs(np.fft.fftfreq(512))
    cosines = [(1 - a + a * np.cos(np.pi * f**b)) ** 2 for a, b in COSINES]
    return [np.ones_like(f), *cosines, *(np.exp(-((np.pi * blur * f) ** 2)) for blur in GAUSSIANS)]


def _window(
    power: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Unit noise through a window along one axis, as the DCT of a block sees it.

    Variances of the 8 coefficients, the same of noise with the squared covariance, and the power at
    the window's edge.
    """
    power = power / power.mean()
    covariance = np.fft.ifft(power).real[:WIDTH]
    dct = fft.dct(np.eye(WIDTH), axis=0, norm="ortho")
    once, twice = (np.diag(dct @ linalg.toeplitz(c) @ dct.T) for c in (covariance, covariance**2))
    return once, twice, float(power[len(power) // 2])


@lru_cache(maxsize=8)
def _anatomies(rows: float, columns: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log (1 + anatomy over noise), (kinds, bands), and its mean over the bands, by kind.

    Frequencies are those of the stored grid, where voxels are taken for square.
    """
    u, v = np.mgrid[:WIDTH, :WIDTH]
    square = ((rows * u) ** 2 + (columns * v) ** 2)[DETAIL]
    middle = np.median(square[(u + v)[DETAIL] >= WIDTH])
    fall = (square / middle) ** -np.array(SLOPES)[:, None]
    over = (AMOUNTS[:, None, None] * fall).reshape(-1, square.size)
    return np.log1p(over), over.mean(axis=1)
