"""Calibration of an uncertainty: metrics on arrays of truth, mean and standard deviation.

Everything is a pure function of voxels that were already chosen; every voxel counts the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "ause",
    "coverage",
    "crps",
    "ence",
    "error_by_std",
    "pit_histogram",
    "std_ratio",
]


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


def crps(truth: NDArray[Any], mean: NDArray[Any], std: NDArray[Any]) -> NDArray[np.float64]:
    """Continuous ranked probability score of a Gaussian, in the image's unit; less is better.

    σ [z (2Φ(z) − 1) + 2φ(z) − 1/√π] with z = (truth − mean)/σ
    (Gneiting & Raftery 2007, doi:10.1198/016214506000001437).
    """
    z = (np.asarray(truth, np.float64) - mean) / std
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(std * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


def ence(error: NDArray[Any], std: NDArray[Any], bins: int = 15) -> float:
    """Expected normalised calibration error: mean over bins of |RMS std − RMS error| / RMS std.

    Bins hold equally many voxels, sorted by std (Levi et al. 2022, doi:10.3390/s22155540). Zero is
    perfect.
    """
    stds, errors = error_by_std(error, std, bins)
    return float(np.mean(np.abs(1 - errors / stds)))


def error_by_std(
    error: NDArray[Any], std: NDArray[Any], bins: int = 15
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RMS std and RMS error of bins that hold equally many voxels, sorted by std.

    On the diagonal where the standard deviation is honest at every size (Levi et al. 2022,
    doi:10.3390/s22155540). Fewer bins where there are fewer voxels.
    """
    order = np.argsort(std, axis=None)
    stds, errors = (np.ravel(a)[order].astype(np.float64) for a in (std, error))
    parts = zip(np.array_split(stds, bins), np.array_split(errors, bins), strict=True)
    pairs = [(np.sqrt((s**2).mean()), np.sqrt((e**2).mean())) for s, e in parts if s.size]
    return np.array([s for s, _ in pairs]), np.array([e for _, e in pairs])


def ause(error: NDArray[Any], std: NDArray[Any], steps: int = 100) -> float:
    """Area under the sparsification error: 0 where the largest std sits at the largest error.

    The RMS error of what remains when the most uncertain voxels are left out, minus the same when
    the most wrong ones are, over the RMS error of all; averaged over the fractions left out (Ilg
    et al. 2018, doi:10.1007/978-3-030-01234-2_40).
    """
    squared = np.ravel(error).astype(np.float64) ** 2
    keep = np.maximum(np.round(squared.size * (1 - np.arange(steps) / steps)).astype(int), 1)

    def remaining(key: NDArray[Any]) -> NDArray[np.float64]:
        total = np.cumsum(squared[np.argsort(key)])
        return np.asarray(np.sqrt(total[keep - 1] / keep))

    gap = remaining(np.ravel(std)) - remaining(squared)
    return float(gap.mean() / np.sqrt(squared.mean()))


def pit_histogram(
    truth: NDArray[Any], mean: NDArray[Any], std: NDArray[Any], bins: int = 10
) -> NDArray[np.float64]:
    """Share of voxels in equal bins of Φ((truth − mean)/std); flat at 1/bins if calibrated."""
    pit = ndtr((np.ravel(truth).astype(np.float64) - np.ravel(mean)) / np.ravel(std))
    counts, _ = np.histogram(pit, bins, (0, 1))
    return np.asarray(counts / counts.sum())
