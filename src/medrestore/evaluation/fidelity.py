"""Fidelity of an image to its reference: metrics on arrays, over the voxels of a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.metrics import structural_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Agreement", "agreement", "psnr", "rmse", "ssim", "through_plane"]

LIMITS = 1.96
"""Half-width of the limits of agreement in standard deviations: 95 % of a Gaussian."""


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
    """Change of the error from slice to slice: RMS difference of neighbours over √2·RMSE.

    1: errors of neighbouring slices have nothing to do with each other (they flicker when one
    scrolls); near 0: they are the same. Arrays are (z, y, x); over pairs with both voxels masked.
    """
    error = image.astype(np.float64) - reference
    both = mask[1:] & mask[:-1]
    one, two = error[1:][both], error[:-1][both]
    return float(np.sqrt(np.mean((one - two) ** 2) / np.mean(one**2 + two**2)))


def ssim(
    image: NDArray[Any],
    reference: NDArray[Any],
    mask: NDArray[np.bool_],
    limits: tuple[float, float],
) -> float:
    """Mean structural similarity over the mask, slice by slice.

    Gaussian window of standard deviation 1.5 pixels, cut at 3.5 of them (11 × 11), population
    covariance (Wang et al. 2004, doi:10.1109/TIP.2003.819861), in scikit-image's implementation.

    Parameters
    ----------
    image, reference : ndarray, shape (z, y, x)
        Both are clipped to ``limits``; NaN counts as the lower one.
    mask : ndarray of bool, shape (z, y, x)
        Voxels whose local similarity counts; slices without any are skipped.
    limits : (low, high)
        The display window; the data range is its width.
    """
    low, high = limits
    total, count = 0.0, 0
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        _, local = structural_similarity(  # type: ignore[no-untyped-call]
            _cut(image[z], low, high),
            _cut(reference[z], low, high),
            data_range=high - low,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        total += float(local[mask[z]].sum())
        count += int(mask[z].sum())
    return total / count


def _cut(plane: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    return np.asarray(np.clip(np.nan_to_num(plane, nan=low), low, high), dtype=np.float64)


@dataclass(frozen=True)
class Agreement:
    """Differences image − reference, voxel by voxel, in the scan's unit.

    Parameters
    ----------
    mean : float
        Mean difference: the bias.
    std : float
        Standard deviation of the differences.
    slope : float
        Proportional bias: least-squares slope of the difference on the mean of both images; 0 if
        the difference does not depend on the intensity. An image with more noise than the
        reference has a slope above 0 without any bias (Bland & Altman 1995,
        doi:10.1016/S0140-6736(95)91748-9). NaN where all intensities are the same.
    """

    mean: float
    std: float
    slope: float

    @property
    def limits(self) -> tuple[float, float]:
        """95 % limits of agreement, mean ± 1.96 std."""
        return self.mean - LIMITS * self.std, self.mean + LIMITS * self.std


def agreement(image: NDArray[Any], reference: NDArray[Any], mask: NDArray[np.bool_]) -> Agreement:
    """Compare an image with the reference over a mask (Bland & Altman 1999).

    The method of doi:10.1177/096228029900800204 with voxels for subjects; neighbouring voxels are
    alike, so their number says nothing about the precision of the metrics.
    """
    one, other = image[mask].astype(np.float64), reference[mask].astype(np.float64)
    difference, middle = one - other, (one + other) / 2
    spread = middle.var()
    together = np.mean((difference - difference.mean()) * (middle - middle.mean()))
    std = difference.std(ddof=1) if difference.size > 1 else np.nan
    slope = together / spread if spread else np.nan
    return Agreement(float(difference.mean()), float(std), float(slope))
