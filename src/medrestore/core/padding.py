"""Voxels of a CT that are no measurement: the constant outside of the reconstructed circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.planes import nothing, planes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["ct_padding"]

BELOW_HU = -1500.0
SHARE = 1e-3


def ct_padding(hu: NDArray[np.float32], after: Callable[[], object] = nothing) -> float | None:
    """The padding value of a CT (commonly −2000, −2048 or −3024), if it has one.

    That is its smallest value, if it is below −1500 HU and at least a thousandth of the voxels
    hold exactly it: noise reaches such depths too, but not twice the same.

    Parameters
    ----------
    hu : ndarray of float32, shape (…, z, y, x)
        The scan; NaN is left out.
    after : callable
        Called when a plane was looked at.
    """
    each = (float(np.fmin.reduce(plane, axis=None)) for plane in planes(hu, after))
    lowest = min(each, key=_nan_last)
    if not lowest < BELOW_HU:
        return None
    held = sum(int(np.count_nonzero(plane == lowest)) for plane in planes(hu, after))
    return lowest if held >= SHARE * hu.size else None


def _nan_last(value: float) -> float:
    return np.inf if np.isnan(value) else value
