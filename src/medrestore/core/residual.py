"""What a restoration took away, in units of the noise: standard normal if it was noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["GAUSSIAN", "RICIAN", "ResidualModel", "gaussian_score", "rician_score"]


def gaussian_score(
    y: NDArray[np.float32], mu: NDArray[np.float32], sigma: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """(y − μ)/σ."""
    return np.asarray((y - mu) / sigma, dtype=np.float32)


def rician_score(
    y: NDArray[np.float32], mu: NDArray[np.float32], sigma: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """Normal score of a magnitude y given the signal μ and the noise σ per channel.

    (y/σ)² is non-central χ² with 2 degrees of freedom and non-centrality λ = (μ/σ)²; a power of it
    is nearly normal (Sankaran 1963, doi:10.1093/biomet/50.1-2.199): with
    h = 1 − ⅔(2 + λ)(2 + 3λ)/(2 + 2λ)², p = (2 + 2λ)/(2 + λ)² and m = (h − 1)(1 − 3h),

        ((y/σ)²/(2 + λ))^h ~ N(1 + hp(h − 1 − (1 − h/2)mp), 2p(h(1 + mp/2))²),

    from Rayleigh noise (λ = 0, h = ⅓) to a bright signal (h = ½), where the score tends to
    (y − μ)/σ. The expected value of a magnitude, which exceeds μ (Rician bias), gets a score of
    about zero.

    Parameters
    ----------
    y, mu : ndarray, any shape
        Measured magnitude and noise-free signal, ≥ 0.
    sigma : ndarray or float
        Gaussian standard deviation per channel, > 0, in the same unit.
    """
    ratio: Any = mu / sigma
    signal = ratio * ratio
    total, double = 2 + signal, 2 + 2 * signal
    h = 1 - (2 / 3) * total * (double + signal) / (double * double)
    p = double / (total * total)
    mp = (h - 1) * (1 - 3 * h) * p
    ratio = y / sigma
    power = np.power(ratio * ratio / total, h)
    mean = 1 + h * p * (h - 1) - h * p * (1 - 0.5 * h) * mp
    return np.asarray((power - mean) / (h * np.sqrt(2 * p) * (1 + 0.5 * mp)), dtype=np.float32)


@dataclass(frozen=True)
class ResidualModel:
    """What a consistency check expects of scan less restoration.

    Parameters
    ----------
    score : callable
        Scan, restoration and σ to a standard normal number, if the difference is noise.
    magnitudes : bool
        True if scans are magnitudes: 0 is a mask, and voxels with less signal than noise show a
        noise floor.
    tissue_above : float
        Restored intensities above which σ is that of the tissue.
    least : float
        Smoothed scores below it are not worth a flag, however surely they are no noise.
    """

    score: Callable[
        [NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]
    ] = gaussian_score
    magnitudes: bool = False
    tissue_above: float = -np.inf
    least: float = 0.0


GAUSSIAN = ResidualModel()
RICIAN = ResidualModel(rician_score, magnitudes=True, least=0.2)
"""What is amiss by less than 0.2 σ in MR, over 4 pixels and more, is shading or the noise floor of
the coils."""
