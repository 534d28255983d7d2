"""Slices of a scan: one after the other, so that little memory is needed, and neighbours."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["neighbours", "nothing", "planes", "reflected", "sha256_of"]


def nothing() -> None:
    """Do nothing after a plane: the default."""


def planes(array: NDArray[Any], after: Callable[[], object] = nothing) -> Iterator[NDArray[Any]]:
    """Every (y, x) plane of an array (…, y, x), in order; views, nothing is copied.

    ``after`` is called when a plane was looked at: whoever holds the array may give memory back.
    """
    for index in np.ndindex(array.shape[:-2]):
        yield array[index]
        after()


def sha256_of(array: NDArray[Any], after: Callable[[], object] = nothing) -> str:
    """SHA-256 of the values in C order, as hexadecimal digits."""
    digest = hashlib.sha256()
    for plane in planes(array, after):
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()


REACH = 1.5
"""A step longer than this many median steps is a gap."""


def neighbours(
    z: int, slices: int, depth: int, positions_mm: tuple[float, ...] | None = None
) -> list[int]:
    """Indices of the ``slices`` slices (odd) that are read to restore slice ``z`` of ``depth``.

    Beyond the ends, and beyond a gap of unevenly spaced slices (``positions_mm``), the scan is
    mirrored: a slice that stood in for its own neighbour would bring its noise along, which then
    looks like anatomy. Only a slice without any neighbour repeats.
    """
    first, last = _run(z, depth, positions_mm)
    half, length = slices // 2, last - first + 1
    return [first + reflected(z + d - first, length) for d in range(-half, half + 1)]


def reflected(index: int, length: int) -> int:
    """An index into ``length`` values that are mirrored at both ends: 2 1 | 0 1 2 | 1 0."""
    if length == 1:
        return 0
    period = 2 * (length - 1)
    index %= period
    return min(index, period - index)


def _run(z: int, depth: int, positions_mm: tuple[float, ...] | None) -> tuple[int, int]:
    """First and last of the slices around ``z`` between which there is no gap."""
    if positions_mm is None or depth < 2:
        return 0, depth - 1
    steps = np.abs(np.diff(positions_mm))
    gaps = np.flatnonzero(steps > REACH * np.median(steps))
    before, after = gaps[gaps < z], gaps[gaps >= z]
    return (
        int(before[-1]) + 1 if before.size else 0,
        int(after[0]) if after.size else depth - 1,
    )
