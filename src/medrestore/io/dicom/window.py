"""Where the values of a result lie: the display window that suits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["display_range"]


def display_range(array: NDArray[np.float32]) -> tuple[float, float]:
    """Where most values lie; of a map that is mostly 0, most of the others, and 0."""
    values = array[np.isfinite(array)]
    others = values[values != 0]
    if not others.size:
        return 0.0, 1.0
    shown = values if 2 * others.size >= values.size else others
    low, high = np.percentile(shown[:: max(1, shown.size // 1_000_000)], (1, 99))
    if shown is values:
        return float(low), float(high)
    return min(float(low), 0.0), max(float(high), 0.0)
