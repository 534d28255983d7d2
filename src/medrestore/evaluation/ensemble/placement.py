"""Positions of inserts and noise regions in the tissue of a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from medrestore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Need", "find_positions"]

MARGIN_MM = 4.0
"""Tissue that is left about an insert."""
TRIES = 40


class Need(NamedTuple):
    """Room that an insert or a region needs.

    Parameters
    ----------
    core_mm : float
        Half the width of what is inserted; tissue must reach 4 mm beyond it. 0: nothing is.
    reach_mm : float
        Half the width of the square that is looked at; no other insert comes nearer to it than
        4 mm, so that a blurred one does not reach into it either.
    tissue_mm : float
        Distance from its centre within which all must be tissue.
    """

    core_mm: float
    reach_mm: float
    tissue_mm: float

    @classmethod
    def insert(cls, diameter_mm: float, reach_mm: float) -> Need:
        """Return the need of an insert and the square about it."""
        return cls(diameter_mm / 2, reach_mm, diameter_mm / 2 + MARGIN_MM)

    @classmethod
    def region(cls, half_mm: float) -> Need:
        """Return the need of a square that is tissue all over."""
        return cls(0.0, half_mm, half_mm * float(np.sqrt(2)))


def find_positions(
    tissue: NDArray[np.bool_],
    spacing_mm: tuple[float, float],
    needs: Sequence[Need],
    seed: int = 0,
) -> list[tuple[int, int]]:
    """Return a pixel (y, x) for each need, near to one another, so that many fit.

    The largest come first, equal ones in random order; each takes the free position nearest to the
    middle of the tissue. If that leaves some without, the start is moved, at most 40 times.

    Parameters
    ----------
    tissue : ndarray of bool, shape (y, x)
        Pixels in which inserts may lie.
    spacing_mm : (float, float)
        Pixel size along (y, x).
    needs : sequence of Need
        Inserts and regions.
    seed : int
        Of order and starts.

    Raises
    ------
    InputError
        If they do not all fit.
    """
    rng = np.random.default_rng(seed)
    depth = ndimage.distance_transform_edt(np.pad(tissue, 1), sampling=spacing_mm)[1:-1, 1:-1]
    most = 0
    for attempt in range(TRIES):
        order = sorted(rng.permutation(len(needs)), key=lambda i: -needs[i].tissue_mm)
        found = _placed(depth, spacing_mm, [needs[i] for i in order], rng if attempt else None)
        if len(found) == len(needs):
            return [found[order.index(i)] for i in range(len(needs))]
        most = max(most, len(found))
    raise InputError(
        f"only {most} of {len(needs)} inserts and noise regions find room in the tissue of the "
        "chosen slices; ask for fewer places, sizes or contrasts, smaller rods, or other slices"
    )


def _placed(
    depth: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    needs: Sequence[Need],
    rng: np.random.Generator | None,
) -> list[tuple[int, int]]:
    """Return positions of the first needs, as far as they fit."""
    height, width = depth.shape
    y = (np.arange(height) * spacing_mm[0])[:, None]
    x = (np.arange(width) * spacing_mm[1])[None]
    weight = np.maximum(depth, 0)
    if not weight.any():
        return []
    start = [float((weight * axis).sum() / weight.sum()) for axis in (y, x)]
    if rng is not None:
        start = [s + rng.uniform(-40, 40) for s in start]
    away = np.hypot(y - start[0], x - start[1])
    found: list[tuple[int, int]] = []
    for number, need in enumerate(needs):
        free = depth >= need.tissue_mm
        edge = min(need.reach_mm, need.tissue_mm) if need.core_mm == 0 else need.reach_mm
        free &= (y >= edge) & (y <= y[-1] - edge) & (x >= edge) & (x <= x[:, -1:] - edge)
        for (row, column), other in zip(found, needs[:number], strict=True):
            apart = max(need.reach_mm + other.core_mm, other.reach_mm + need.core_mm)
            apart += MARGIN_MM if need.core_mm or other.core_mm else 0
            free &= np.maximum(np.abs(y - y[row]), np.abs(x - x[0, column])) > apart
        if not free.any():
            return found
        best = np.unravel_index(np.argmin(np.where(free, away, np.inf)), free.shape)
        found.append((int(best[0]), int(best[1])))
    return found
