"""Telling phase from magnitude by the values: a circle, cut open somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fills_a_circle"]

CUT = 0.02
"""A circle is cut open at 0 or opposite of it, give or take this fraction of its length."""
BINS = 16
EMPTIEST = 0.1
"""Of an even share, each bin of the range holds so much at least."""
SHORTER = 0.9
"""Neighbours are so much nearer to each other round the circle than along the line, or more."""


def fills_a_circle(planes: NDArray[Any]) -> bool:
    """Whether values wrap round, whatever the range they are stored in (±π, ±4096, 0…4095, …).

    Three things are so in phase only. The range begins at 0 or has it in its middle. All of it is
    filled up to both ends, since noise has any phase; a magnitude's largest values are few. And
    differences between neighbours are shorter round the circle: 3/4 in noise, less where smooth
    phase wraps; of a magnitude hardly any differ by more than half of the range.

    Parameters
    ----------
    planes : ndarray, shape (n, y, x)
        Some slices.
    """
    values = planes[np.isfinite(planes)]
    if not values.size:
        return False
    low, high = float(values.min()), float(values.max())
    if not high > low or min(abs(low), abs(low + high)) > CUT * (high - low):
        return False
    distinct, counts = np.unique(values, return_counts=True)
    inside = (values > low) & (values < high) & (values != distinct[counts.argmax()])  # a mask's
    filled, _ = np.histogram(values[inside], BINS, (low, high))
    if filled.min() < EMPTIEST * max(filled.sum(), 1) / BINS:
        return False
    apart = np.abs(np.diff(planes.astype(np.float64), axis=-1))
    apart = apart[np.isfinite(apart)]
    return bool(np.minimum(apart, high - low - apart).sum() < SHORTER * apart.sum())
