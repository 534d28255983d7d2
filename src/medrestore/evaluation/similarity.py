"""Structural similarity inside a mask, with data range and window stated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.metrics import structural_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ssim"]


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
