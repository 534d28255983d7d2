"""Voxels of a CT that are no measurement: the constant outside of the reconstructed circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ct_padding"]

BELOW_HU = -1500.0
SHARE = 1e-3


def ct_padding(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a CT holds its padding value (commonly −2000, −2048 or −3024).

    That is its smallest value, if it is below −1500 HU and at least a thousandth of the voxels
    hold exactly it: noise reaches such depths too, but not twice the same.
    """
    lowest = np.nanmin(hu) if np.isfinite(hu).any() else np.float32(0)
    where = np.asarray(hu == lowest)
    if lowest >= BELOW_HU or where.mean() < SHARE:
        return np.zeros(hu.shape, dtype=bool)
    return where
