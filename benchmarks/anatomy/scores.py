"""Figures of one image of a case: against the reference, and against the noise-free anatomy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.anatomy.independent import independent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.anatomy.cases import Cell

__all__ = ["own_error", "reference_error"]


def reference_error(image: NDArray[np.float32], cell: Cell) -> float:
    """RMSE against the reference, whose own noise counts."""
    case = cell.case
    return float(np.sqrt(np.square(image - case.truth, dtype=np.float64)[case.mask].mean()))


def own_error(image: NDArray[np.float32], cell: Cell) -> float:
    """RMSE against the noise-free anatomy, estimated (`independent`); 0 of a negative square."""
    case = cell.case
    target, std = independent(case, cell.power_ratio)
    squares = np.square(image - target, dtype=np.float64) - np.square(std, dtype=np.float64)
    return float(np.sqrt(max(squares[case.mask].mean(), 0.0)))
