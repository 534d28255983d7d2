"""Gaussian smoothing of one slice, quick where the slice fits the processor's cache."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["gaussian_taps", "noise_voxels", "smooth"]

TRUNCATE = 3.0
"""Standard deviations at which the kernel ends."""


@lru_cache
def gaussian_taps(sigma: float) -> tuple[float, ...]:
    """Weights 0, 1, … of a sampled Gaussian, one side; both sides together sum to 1.

    ``sigma`` is in samples; 0 gives the identity.
    """
    if sigma == 0:
        return (1.0,)
    distance = np.arange(int(TRUNCATE * sigma + 0.5) + 1)
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    weights /= 2 * weights.sum() - weights[0]
    return tuple(float(w) for w in weights)


def smooth(plane: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """A slice (y, x) through a Gaussian of ``sigma`` pixels; beyond its borders lie zeros."""
    taps = [np.float32(w) for w in gaussian_taps(sigma)]
    return _along_y(_along_y(plane, taps).T, taps).T


def _along_y(plane: NDArray[np.float32], taps: list[np.float32]) -> NDArray[np.float32]:
    out = plane * taps[0]
    for i, weight in enumerate(taps[1 : len(plane)], 1):
        part = plane * weight
        out[i:] += part[:-i]
        out[:-i] += part[i:]
    return out


def noise_voxels(sigma: float) -> float:
    """Number of voxels of white noise that a Gaussian averages along one axis: 1 / Σ weights²."""
    taps = np.array(gaussian_taps(sigma))
    return float(1 / (2 * (taps**2).sum() - taps[0] ** 2))
