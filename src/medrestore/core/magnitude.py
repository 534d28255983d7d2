"""Magnitudes seen as what they are of the signal: the bias of the noise's power taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["debiased"]


def debiased(y: Tensor, sigma: Tensor) -> Tensor:
    """√max(y² − σ², 0): a Rician magnitude as a Gaussian observation of its signal.

    Above some 3 σ, y ≈ x + n + σ²/2x, of which this leaves x + n (Gudbjartsson & Patz 1995,
    doi:10.1002/mrm.1910340618, eq. 4). Below, nothing makes the noise Gaussian: in air the mean
    falls from 1.25 σ to 0.76 σ.

    Parameters
    ----------
    y, sigma : Tensor
        Magnitudes and the standard deviation of each channel, intensity units; shapes broadcast.
    """
    return (y.square() - sigma.square()).clamp(min=0).sqrt()
