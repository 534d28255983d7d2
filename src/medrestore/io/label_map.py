"""Label maps (segmentations, masks) recognised by their voxels, plane by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["is_label_map"]

MOST_LABELS = 256
SMALL_LABEL = 255
FEW = 8
"""So few values may belong to a phantom without noise, if they are larger than labels are."""
EQUAL = 0.7
"""Of neighbours that are not both background, so many are equal in a label map at least; in scans
quantised to 8 bits it is a tenth or two."""
ENOUGH = 20_000
"""Pairs of neighbours that say as much."""


def is_label_map(planes: Iterable[NDArray[Any]]) -> bool:
    """True if an image holds few whole numbers ≥ 0 in regions, as a segmentation does.

    Planes are read until one shows that it is a scan: a negative number or a fraction, more
    than 256 values, or neighbours that differ. Two values are a mask, however they lie.

    Parameters
    ----------
    planes : iterable of ndarray, shape (y, x)
        The image; NaN is left out.
    """
    values: NDArray[Any] = np.empty(0)
    equal = pairs = 0
    for plane in planes:
        found = np.unique(plane[np.isfinite(plane)])
        if found.size > MOST_LABELS or (found < 0).any() or (found != np.rint(found)).any():
            return False
        values = np.union1d(values, found)
        left, right = plane[:, :-1], plane[:, 1:]
        inside = (left != 0) | (right != 0)
        pairs += int(np.count_nonzero(inside))
        equal += int(np.count_nonzero(inside & (left == right)))
        if values.size > MOST_LABELS or (values.size > 2 and pairs > ENOUGH and equal < pairs / 2):
            return False
    if values.size <= 2:
        return bool(values.size == 2)
    return equal >= EQUAL * pairs and bool(values.size > FEW or values[-1] <= SMALL_LABEL)
