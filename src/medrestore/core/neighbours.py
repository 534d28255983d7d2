"""Which slices are read to restore one."""

from __future__ import annotations

import numpy as np

__all__ = ["neighbours"]

REACH = 1.5
"""A step longer than this many median steps is a gap."""


def neighbours(
    z: int, slices: int, depth: int, positions_mm: tuple[float, ...] | None = None
) -> list[int]:
    """Indices of the ``slices`` slices (odd) that are read to restore slice ``z`` of ``depth``.

    Beyond the ends the last slice repeats. Where slices are unevenly spaced
    (``positions_mm``), slices beyond a gap are replaced by ``z`` itself.
    """
    half = slices // 2
    index = [min(max(z + d, 0), depth - 1) for d in range(-half, half + 1)]
    if positions_mm is None or depth < 2:
        return index
    steps = np.abs(np.diff(positions_mm))
    gaps = steps > REACH * np.median(steps)
    return [z if gaps[min(n, z) : max(n, z)].any() else n for n in index]
