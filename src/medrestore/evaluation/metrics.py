"""Metrics of images and of uncertainties, over voxels of a mask.

One more is a function, here or in a file of its own, and an entry in a table at the end: JSON,
``figures.csv``, tables, means and differences over cases read them there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.evaluation.coverage import ause, crps, ence
from medrestore.evaluation.metric import INTENSITY, Errors, Metric, Pair
from medrestore.evaluation.similarity import ssim

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "IMAGE_METRICS",
    "UNCERTAINTY_METRICS",
    "coverage",
    "psnr",
    "rmse",
    "rmse_floor",
    "std_ratio",
    "through_plane",
]


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


def _psnr(pair: Pair) -> float:
    return psnr(pair.image, pair.reference, pair.mask, pair.window.data_range)


def _ssim(pair: Pair) -> float:
    return ssim(pair.image, pair.reference, pair.mask, (pair.window.low, pair.window.high))


def _rmse(pair: Pair) -> float:
    return rmse(pair.image, pair.reference, pair.mask)


BLAND_ALTMAN = "doi:10.1177/096228029900800204"

_OF_IMAGES: tuple[Metric[Pair], ...] = (
    Metric("PSNR", "psnr_db", "dB", _psnr, "{:.2f}", "higher", digits=4),
    Metric("SSIM", "ssim", "", _ssim, "{:.4f}", "higher", True, 4, "doi:10.1109/TIP.2003.819861"),
    Metric("RMSE", "rmse", INTENSITY, _rmse, "{:.4g}", "lower"),
    Metric(
        "RMSE, relative",
        "rmse_percent",
        "%",
        lambda pair: 100 * _rmse(pair) / pair.window.data_range,
        better="lower",
        compared=False,
    ),
    Metric(
        "bias", "bias", INTENSITY, lambda pair: pair.agreement.mean, "{:+.3g}", "0", compared=False
    ),
    Metric("absolute bias", "", INTENSITY, lambda pair: abs(pair.agreement.mean), better="lower"),
    Metric(
        "95 % limits",
        "limit_low",
        INTENSITY,
        lambda pair: pair.agreement.limits[0],
        "{:+.3g}",
        compared=False,
        reference=BLAND_ALTMAN,
    ),
    Metric(
        "95 % limits",
        "limit_high",
        INTENSITY,
        lambda pair: pair.agreement.limits[1],
        "{:+.3g}",
        compared=False,
        reference=BLAND_ALTMAN,
    ),
    Metric(
        "slope",
        "slope",
        "",
        lambda pair: pair.agreement.slope,
        "{:+.3f}",
        "0",
        compared=False,
        reference=BLAND_ALTMAN,
    ),
)

_OF_UNCERTAINTIES: tuple[Metric[Errors], ...] = (
    Metric(
        "CRPS",
        "crps",
        INTENSITY,
        lambda one: float(crps(one.truth, one.mean, one.std).mean()),
        "{:.4g}",
        "lower",
        reference="doi:10.1198/016214506000001437",
    ),
    Metric(
        "ENCE",
        "ence",
        "",
        lambda one: ence(one.error, one.std),
        "{:.3f}",
        "lower",
        reference="doi:10.3390/s22155540",
    ),
    Metric("AUSE", "ause", "", lambda one: ause(one.error, one.std), "{:.3f}", "lower"),
    Metric(
        "std ratio",
        "std_ratio",
        "",
        lambda one: float(np.sqrt(np.mean(one.std**2) / np.mean(one.error**2))),
        "{:.3f}",
        "1",
    ),
)

IMAGE_METRICS = {one.key: one for one in _OF_IMAGES}
"""Of an image in a window, by key, in the order of columns."""

UNCERTAINTY_METRICS = {one.key: one for one in _OF_UNCERTAINTIES}
"""Of an expected image with its standard deviation, over the foreground."""
