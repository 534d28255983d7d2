"""Samples in one signed byte a voxel: their distance from a known image in units of a known spread.

A step of 1/16 adds a rounding error of 1/(16√12) = 0.018 units; what is beyond 127/16 = 7.9 units
is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STEP", "as_bytes"]

STEP = 1 / 16
"""Units of the spread that a step of the bytes stands for."""


def as_bytes(
    sample: NDArray[np.float32], centre: NDArray[np.float32], unit: NDArray[np.float32]
) -> NDArray[np.int8]:
    """(sample − centre)/unit in steps; the sample is centre + unit·`STEP`·bytes, nearly.

    0 where the unit is 0, or the distance unknown.
    """
    apart: NDArray[Any] = (sample - centre) / np.maximum(np.float32(STEP) * unit, 1e-30)
    return np.asarray(np.clip(np.rint(np.nan_to_num(apart)), -127, 127), dtype=np.int8)
