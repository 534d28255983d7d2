"""Whether slices lie at even distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "DISPLACED",
    "SAME_PLACE_MM",
    "displacement",
    "is_regular",
    "on_one_grid",
    "places",
    "uneven",
]

UNEVEN = 0.01
"""Steps that differ from the median by more than this share of it are uneven."""
ROUNDING_MM = 2e-3
"""Positions written with two or three decimals: smaller differences are none."""
DISPLACED = 0.1
"""Uneven slices that lie within this share of a step of a regular grid are taken as lying on it."""
SAME_PLACE_MM = 1e-3
"""Planes closer than this lie at one position: positions are written with 1 µm or better."""


def uneven(steps: NDArray[np.float64]) -> NDArray[np.intp]:
    """Which steps differ from the median."""
    median = np.median(steps)
    return np.flatnonzero(np.abs(steps - median) > max(UNEVEN * median, ROUNDING_MM))


def displacement(depths: NDArray[np.float64]) -> float:
    """The farthest that a slice lies from the regular grid between the first and the last, steps.

    Parameters
    ----------
    depths : ndarray, shape (z,)
        Ascending distances along the slice normal, mm; at least two.
    """
    count = len(depths) - 1
    grid = np.linspace(depths[0], depths[-1], count + 1)
    return float(np.abs(depths - grid).max() * count / (depths[-1] - depths[0]))


def is_regular(depths: NDArray[np.float64]) -> bool:
    """Whether slices make one volume: even steps, or none displaced by a tenth of a step."""
    return len(depths) > 1 and (
        not uneven(np.diff(depths)).size or displacement(depths) <= DISPLACED
    )


def on_one_grid(depths: NDArray[np.float64]) -> bool:
    """Whether slices lie on one regular grid of which some may be missing."""
    if len(depths) < 2:
        return False
    steps = np.diff(depths)
    wholes = steps / np.median(steps)
    return bool((np.abs(wholes - np.rint(wholes)) <= DISPLACED).all() and wholes.min() > 0.5)


def places(depths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances in order, those at one place once."""
    ordered = np.sort(depths)
    return ordered[np.diff(ordered, prepend=-np.inf) > SAME_PLACE_MM]
