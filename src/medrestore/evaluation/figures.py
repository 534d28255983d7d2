"""Figures of fidelity and of honesty, over voxels of a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["coverage", "psnr", "rmse", "rmse_floor", "std_ratio", "through_plane"]


def rmse(image: NDArray[Any], reference: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """Root mean squared error inside the mask, in the images' unit."""
    error = image[mask].astype(np.float64) - reference[mask]
    return float(np.sqrt(np.mean(error**2)))


def psnr(
    image: NDArray[Any], reference: NDArray[Any], mask: NDArray[np.bool_], data_range: float
) -> float:
    """Peak signal-to-noise ratio inside the mask, dB; ``data_range`` is always stated.

    Infinite where image and reference are equal.
    """
    error = rmse(image, reference, mask)
    return float(20 * np.log10(data_range / error)) if error else float("inf")


def through_plane(image: NDArray[Any], reference: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """How much the error changes from slice to slice: RMS difference of neighbours over √2·RMSE.

    1: errors of neighbouring slices have nothing to do with each other (they flicker when one
    scrolls); near 0: they are the same. Arrays are (z, y, x); over pairs with both voxels masked.
    """
    error = image.astype(np.float64) - reference
    both = mask[1:] & mask[:-1]
    one, two = error[1:][both], error[:-1][both]
    return float(np.sqrt(np.mean((one - two) ** 2) / np.mean(one**2 + two**2)))


def coverage(
    lower: NDArray[Any], upper: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_]
) -> float:
    """Fraction of masked voxels whose true value lies inside the interval."""
    inside = (truth >= lower) & (truth <= upper)
    return float(inside[mask].mean())


def std_ratio(
    std: NDArray[Any], image: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_]
) -> float:
    """√(mean std² / mean error²): 1 is honest, below 1 overconfident."""
    error = image[mask].astype(np.float64) - truth[mask]
    return float(np.sqrt(np.mean(std[mask].astype(np.float64) ** 2) / np.mean(error**2)))


def rmse_floor(own: float, added: float) -> float:
    """RMSE that even a perfect denoiser keeps against a reference with noise of its own.

    σ_own·σ/√(σ_own² + σ²): the posterior std of a noisy reference given its noisier copy.
    """
    return own * added / float(np.hypot(own, added))
