"""Figures against references that carry noise of their own, and against magnitudes.

A reference is x + n_own, the noisy input y = x + n_own + n, with n the noise that was added. Even
perfect knowledge of x cannot predict the reference's own noise: `figures.rmse_floor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["clean_rmse", "excess_rmse", "rician_mean"]


def excess_rmse(measured: float, floor: float) -> float:
    """What an RMSE has above the floor, in quadrature; 0 below it.

    The distance to the best guess of the noisy reference, E[reference | x, y], which misses it by
    the floor and independently of all that depends on y alone.
    """
    return float(np.sqrt(max(measured**2 - floor**2, 0.0)))


def clean_rmse(
    image: NDArray[Any],
    reference: NDArray[Any],
    noisy: NDArray[Any],
    mask: NDArray[np.bool_],
    own: float,
    added: float,
) -> float:
    """RMSE against the noise-free x, which nobody has seen.

    With e = image − reference, MSE(image, x) = MSE(e) − σ_own² + 2 σ_own²/σ² · mean(e · n): n_own
    is, given the sum n_own + n, on average its share σ_own²/(σ_own² + σ²) of it, and the image
    depends on the noise through the sum only, so that the correlation with the noise that is known
    tells the correlation with the noise that is not. Exact for Gaussian noise, own and added of one
    spectrum; an estimate otherwise.

    Parameters
    ----------
    image, reference, noisy : ndarray
        Restored, reference and noisy image in one unit.
    mask : ndarray of bool
        Where it is taken.
    own, added : float
        σ_own of the reference and σ of the noise added to it.

    Returns
    -------
    float
        0 where the estimate of the square is negative.
    """
    error = image[mask].astype(np.float64) - reference[mask]
    drawn = noisy[mask].astype(np.float64) - reference[mask]
    shared = np.mean(error * (drawn - drawn.mean())) * (own / added) ** 2
    return float(np.sqrt(max(np.mean(error**2) - own**2 + 2 * shared, 0.0)))


def rician_mean(signal: NDArray[Any], sigma: float) -> NDArray[np.float64]:
    """Expected magnitude √(π/2) σ L½(−x²/2σ²) of a signal x with noise σ in either channel.

    What a restored image has to be compared as, where the reference is a magnitude with the same
    noise, or a mean of such (Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618).
    """
    if sigma <= 0:
        return np.abs(np.asarray(signal, dtype=np.float64))
    quarter = (np.asarray(signal, dtype=np.float64) / (2 * sigma)) ** 2
    half = (1 + 2 * quarter) * special.ive(0, quarter) + 2 * quarter * special.ive(1, quarter)
    return np.asarray(sigma * np.sqrt(np.pi / 2) * half)
