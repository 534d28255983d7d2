"""Whether a restoration shows structure that its scan does not.

Where noise does not explain what was removed, either the scan has structure that the restoration
lost, or the restoration has some that the scan does not support: a bright spot too many leaves the
same residual as a dark one lost. The two are told apart by contrast, a Gaussian of 1 pixel less one
of 3: whose is larger, and with which sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.smoothing import smooth

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["invented"]

NEAR_PX, AROUND_PX = 1.0, 3.0


def invented(
    y: NDArray[np.float32],
    mu: NDArray[np.float32],
    usable: NDArray[np.bool_],
    removed: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Voxels of a slice where the restoration has the larger contrast.

    Parameters
    ----------
    y, mu : ndarray of float32, shape (y, x)
        Scan and restoration.
    usable : ndarray of bool, shape (y, x)
        Where the scan is a measurement.
    removed : ndarray of float32, shape (y, x)
        Scan less restoration, smoothed, where noise does not explain it; 0 elsewhere.
    """
    restored = _contrast(np.where(usable, mu, np.float32(0)))
    scan = _contrast(np.where(usable, y, np.float32(0)))
    return np.asarray((restored * removed < 0) & (np.abs(restored) > np.abs(scan)))


def _contrast(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    near = smooth(plane, NEAR_PX)
    return near - smooth(near, float(np.sqrt(AROUND_PX**2 - NEAR_PX**2)))
