"""Estimators of one noise level, ours and others': array and modality in, σ out, NaN if unable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.restoration import estimate_sigma

from medrestore.core.noise_level import estimate
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


def wavelet(array: NDArray[np.float32], _modality: str) -> float:
    """scikit-image's median over the finest wavelet band, mean over slices."""
    return float(np.mean([estimate_sigma(plane) for plane in array]))


def immerkaer(array: NDArray[np.float32], _modality: str) -> float:
    """Mean absolute second difference (Immerkær 1996, doi:10.1006/cviu.1996.0060)."""
    mask = np.outer([1, -2, 1], [1, -2, 1])
    found = [np.abs(ndimage.convolve(plane, mask))[1:-1, 1:-1].mean() for plane in array]
    return float(np.sqrt(np.pi / 2) / 6 * np.mean(found))


ESTIMATORS: dict[str, Callable[[NDArray[np.float32], str], float]] = {
    "medrestore": ours,
    "skimage": wavelet,
    "immerkaer": immerkaer,
}
