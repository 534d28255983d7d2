"""Estimators of one noise level, ours and others': array and modality in, σ out, NaN if unable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from benchmarks.noise.second_differences import fine_noise
from medrestore.core.intensity import foreground_scale
from medrestore.core.noise_level import estimate
from medrestore.core.noise_level_mr import gaussian_sigma
from medrestore.errors import NoiseLevelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["ESTIMATORS"]


def ours(array: NDArray[np.float32], modality: str) -> float:
    """What a run with ``noise="auto"`` takes."""
    try:
        return estimate(array, modality).sigma  # type: ignore[arg-type]
    except NoiseLevelError:
        return float("nan")


def candidate(array: NDArray[np.float32], modality: str) -> float:
    """Second differences on the acquired grid, for MR."""
    if modality != "MR":
        return float("nan")
    found = fine_noise(array, foreground_scale(array), gaussian_sigma)
    return float("nan") if found is None else found.sigma


def wavelet(array: NDArray[np.float32], _modality: str) -> float:
    """Median of the finest Haar details (Donoho & Johnstone 1994, doi:10.1093/biomet/81.3.425)."""
    d = array[:, : array.shape[1] // 2 * 2, : array.shape[2] // 2 * 2]
    details = (d[:, ::2, ::2] - d[:, 1::2, ::2] - d[:, ::2, 1::2] + d[:, 1::2, 1::2]) / 2
    return float(np.median(np.abs(details[details != 0])) / 0.6745)


def immerkaer(array: NDArray[np.float32], _modality: str) -> float:
    """Mean absolute second difference (Immerkær 1996, doi:10.1006/cviu.1996.0060)."""
    mask = np.outer([1, -2, 1], [1, -2, 1])
    found = [np.abs(ndimage.convolve(plane, mask))[1:-1, 1:-1].mean() for plane in array]
    return float(np.sqrt(np.pi / 2) / 6 * np.mean(found))


ESTIMATORS: dict[str, Callable[[NDArray[np.float32], str], float]] = {
    "medrestore": ours,
    "second differences": candidate,
    "wavelet median": wavelet,
    "Immerkær": immerkaer,
}
