"""Distribution of a noisy magnitude whose signal is known up to a standard deviation.

Magnitude of x + σn₁ and σn₂, where x ~ N(mean, std²): the real channel is N(mean, std² + σ²), the
imaginary one N(0, σ²). With std = 0 it is Rice's distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["cdf_and_density"]

NODES = 32
FARTHEST = 7.0
"""Standard deviations of the imaginary channel beyond which nothing is integrated."""


def cdf_and_density(y: Array, mean: Array, std: Array, sigma: float) -> tuple[Array, Array]:
    """P(magnitude ≤ y) and its density at y, by Gauss–Legendre over the angle of the channels.

    Parameters
    ----------
    y, mean, std : ndarray, shape (n,)
        Magnitudes; expected signals and their standard deviations.
    sigma : float
        Noise of each channel, above 0.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    y = np.maximum(y, 1e-9 * sigma)
    widest = np.arcsin(np.minimum(1.0, FARTHEST * sigma / y))
    wide = np.sqrt(std**2 + sigma**2)
    cdf, density = np.zeros_like(y), np.zeros_like(y)
    for node, weight in zip(nodes, weights, strict=True):
        angle = widest * node
        real, imaginary = y * np.cos(angle), y * np.sin(angle)
        share = weight * widest * _normal(imaginary / sigma) / sigma
        above, below = (real - mean) / wide, (-real - mean) / wide
        cdf += share * real * (ndtr(above) - ndtr(below))
        density += share * y * (_normal(above) + _normal(below)) / wide
    return cdf, density


def _normal(x: Array) -> Array:
    return np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
