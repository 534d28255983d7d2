"""What a restoration took away, in units of the noise: standard normal if it was noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["gaussian_score", "rician_score"]


def gaussian_score(
    y: NDArray[np.float32], mu: NDArray[np.float32], sigma: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """(y − μ)/σ."""
    return np.asarray((y - mu) / sigma, dtype=np.float32)


def rician_score(
    y: NDArray[np.float32], mu: NDArray[np.float32], sigma: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """Normal score of a magnitude y given the signal μ and the noise σ per channel.

    (y/σ)² is non-central χ² with 2 degrees of freedom and non-centrality λ = (μ/σ)²; its cube root
    is nearly normal (Abdel-Aty 1954, doi:10.1093/biomet/41.3-4.538), so with B = 4(1 + λ)/9(2 + λ)²

        ((y/σ)²/(2 + λ))^⅓ ~ N(1 − B, B),

    from Rayleigh noise (λ = 0) to a bright signal, where the score tends to (y − μ)/σ. The expected
    value of a magnitude, which exceeds μ (Rician bias), gets a score of about zero.

    Parameters
    ----------
    y, mu : ndarray, any shape
        Measured magnitude and noise-free signal, ≥ 0.
    sigma : ndarray or float
        Gaussian standard deviation per channel, > 0, in the same unit.
    """
    ratio: Any = mu / sigma
    signal = 2 + ratio * ratio
    b = (4 / 9) * (signal - 1) / (signal * signal)
    ratio = y / sigma
    root = np.cbrt(ratio * ratio / signal)
    return np.asarray((root - 1 + b) / np.sqrt(b), dtype=np.float32)
