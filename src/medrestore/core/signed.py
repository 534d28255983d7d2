"""Negative voxels of MR: a little of it is interpolation's, more is no magnitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import ndimage

from medrestore.core.intensity import foreground_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Signs", "signs"]

SHALLOW, DEEP = 0.02, 0.1
"""Depths below zero, as fractions of the foreground scale."""
MOST_SHALLOW, MOST_DEEP = 0.015, 0.005
"""Shares of voxels that may lie deeper and are no undershoot."""
REACH = 7
UNDERSHOOT = 0.25
"""Splines, windowed sinc and Fourier interpolation go below zero within so many pixels beside a
bright one, by less than this fraction of it."""


class Signs(NamedTuple):
    """What negative voxels are.

    Parameters
    ----------
    signed : bool
        They mean something: there are more than interpolation explains.
    deep : float
        Share of the voxels that lie below zero by a tenth of the foreground and are no undershoot.
    """

    signed: bool
    deep: float


def signs(planes: NDArray[Any]) -> Signs:
    """Look at the negative voxels of an MR scan.

    Parameters
    ----------
    planes : ndarray, shape (n, y, x)
        Some slices; NaN is left out.
    """
    planes = np.where(np.isfinite(planes), planes, 0)
    if not (planes < 0).any():
        return Signs(False, 0.0)
    if planes.max() <= 0:
        return Signs(True, 1.0)
    scale = foreground_scale(np.maximum(planes, 0))
    around = ndimage.maximum_filter(planes, (1, REACH, REACH))
    meant = planes < -UNDERSHOOT * around
    shallow, deep = (float(np.mean(meant & (planes < -d * scale))) for d in (SHALLOW, DEEP))
    return Signs(shallow > MOST_SHALLOW or deep > MOST_DEEP, deep)
