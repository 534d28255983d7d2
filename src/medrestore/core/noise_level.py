"""Noise of a scan: one number, and for CT a map.

Each physics has its own estimator (`noise_level_ct`, `noise_level_mr`); a region that the user
drew on homogeneous tissue overrules it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.slices import nothing, planes
from medrestore.errors import NoiseLevelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Room = Callable[[tuple[int, ...]], NDArray[np.float32]]

__all__ = ["Estimator", "NoiseEstimate", "blank", "estimate"]

FEWEST_VOXELS = 500
"""Fewer usable voxels than this say too little: the error of a std from 500 is about 3 %."""


@dataclass(frozen=True, eq=False)
class NoiseEstimate:
    """An estimated noise level.

    Parameters
    ----------
    sigma : float
        MR: Gaussian std per channel before the magnitude, in the scan's units. CT: noise std in
        soft tissue, HU.
    map : ndarray of float32, shape (z, y, x), or None
        CT: local noise std in HU, smooth. None: uniform.
    method : str
        How it was found, in words for the run record.
    relative : float or None
        MR: ``sigma`` over the noise-free foreground scale (`core.intensity`).
    between : (float, float) or None
        Where independent estimators differ too much for one number: the range they leave.
    """

    sigma: float
    map: NDArray[np.float32] | None
    method: str
    relative: float | None = None
    between: tuple[float, float] | None = None


@dataclass(frozen=True)
class Estimator:
    """Estimates the noise of scans of one physics.

    Parameters
    ----------
    whole : callable
        Scan (z, y, x), ``room`` and ``after`` as of `estimate`, to its noise.
    region : callable
        Standard deviation and mean of a homogeneous region, and the scan, to its noise.
    """

    whole: Callable[[NDArray[np.float32], Room, Callable[[], object]], NoiseEstimate]
    region: Callable[[float, float, NDArray[np.float32]], NoiseEstimate]


def blank(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Zeros in memory."""
    return np.zeros(shape, np.float32)


def estimate(
    array: NDArray[np.float32],
    estimator: Estimator,
    mask: NDArray[np.bool_] | None = None,
    room: Room = blank,
    after: Callable[[], object] = nothing,
) -> NoiseEstimate:
    """Estimate the noise of a scan.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x)
        Physical intensities: HU for CT, magnitude in arbitrary units for MR. NaN is ignored.
    estimator : Estimator
        Of the physics that made the noise.
    mask : ndarray of bool, shape (z, y, x), optional
        A region of homogeneous tissue; the noise is then its std about a linear trend.
    room : callable
        Gives the zeros, float32 of a shape, that a map is written into.
    after : callable
        Called when a slice was looked at.

    Returns
    -------
    NoiseEstimate
        ``sigma`` is tiny, never negative, for a scan without noise.

    Raises
    ------
    NoiseLevelError
        If the scan is empty or constant zero, or too few voxels are usable.
    """
    array = np.asarray(array, dtype=np.float32)
    if array.ndim != 3:
        raise NoiseLevelError(f"the noise level needs axes (z, y, x), got shape {array.shape}")
    usable = sum(int(np.count_nonzero(np.isfinite(plane))) for plane in planes(array, after))
    if usable < FEWEST_VOXELS:
        raise NoiseLevelError(
            f"the noise level cannot be estimated from {usable} voxels, {FEWEST_VOXELS} are "
            "needed; give it as a number (noise=…)"
        )
    if not any(bool((np.abs(plane) > 0).any()) for plane in array):
        raise NoiseLevelError("the noise level cannot be estimated: every voxel is zero")
    if mask is not None:
        return estimator.region(*_in_region(array, np.asarray(mask, dtype=bool)), array)
    return estimator.whole(array, room, after)


def _in_region(array: NDArray[np.float32], mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Std inside a drawn region, once a linear trend is removed, and the mean."""
    if mask.shape != array.shape:
        raise NoiseLevelError(
            f"the noise region has shape {mask.shape}, the scan {array.shape}; draw it on the scan"
        )
    inside = mask & np.isfinite(array)
    count = int(inside.sum())
    if count < FEWEST_VOXELS:
        raise NoiseLevelError(
            f"the noise region holds {count} voxels, {FEWEST_VOXELS} are needed; draw a larger one"
        )
    values = array[inside].astype(np.float64)
    positions = np.argwhere(inside).astype(np.float64)
    design = np.column_stack([np.ones(count), positions - positions.mean(axis=0)])
    trend, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    residual = values - design @ trend
    std = float(np.sqrt((residual @ residual) / max(count - int(rank), 1)))
    return std, float(values.mean())
