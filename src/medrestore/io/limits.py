"""Refusing headers that promise more than a machine or a file can hold, before allocation."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from medrestore.errors import InputError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "DEFLATE_BEST_RATIO",
    "FARTHEST_MM",
    "SMALLEST_MM",
    "check_millimetres",
    "check_promise",
    "check_shape",
    "check_spacing",
]

BYTES_PER_VOXEL = 4
"""Volumes are held as float32."""
DEFLATE_BEST_RATIO = 1032
"""Deflate cannot shrink data further than this (RFC 1951): a larger promise is a broken file."""
FARTHEST_MM = 1e7
"""Ten kilometres: what lies farther from a scanner's centre, or is thicker, is no number."""
SMALLEST_MM = 1e-6
"""A nanometre: microscopes of tissue reach a hundred times that."""


def check_shape(name: str, shape: Sequence[int]) -> None:
    """Refuse a grid without voxels (`InputError`), or one larger than the machine's memory.

    The latter, counted as float32, raises `UnreadableError`: a damaged header, most likely.
    """
    grid = "×".join(str(n) for n in shape)
    if not shape or min(shape) < 1:
        raise InputError(f"{name} holds no voxels: its header says {grid or 'nothing'}")
    needed = math.prod(int(n) for n in shape) * BYTES_PER_VOXEL
    if needed > memory_bytes():
        raise UnreadableError(
            f"{name}: its header says {grid} voxels, {needed / 2**30:.0f} GiB, more than the "
            f"memory of this machine ({memory_bytes() / 2**30:.0f} GiB); the header is damaged or "
            "the scan needs a larger machine"
        )


def check_promise(name: str, needed: int, size: int, ratio: int = 1) -> None:
    """Refuse a header that promises ``needed`` bytes of voxels where the file has ``size``.

    A byte of the file stands for ``ratio`` bytes of voxels at best. Raises `UnreadableError`.
    """
    if needed > size * ratio:
        raise UnreadableError(
            f"{name} is truncated: its header promises {needed} bytes of voxels, the file has "
            f"{size} bytes; copy it again"
        )


def check_millimetres(name: str, values: Iterable[float]) -> None:
    """Refuse positions and distances, mm, beyond 10 km or not finite: raises `UnreadableError`."""
    for value in values:
        if not abs(value) <= FARTHEST_MM:  # NaN as well
            raise UnreadableError(
                f"{name}: its header places voxels {value:.3g} mm away, which no scanner can; the "
                "header is damaged: export it again"
            )


def check_spacing(name: str, spacing_mm: Iterable[float]) -> None:
    """Refuse voxels smaller than a nanometre, 0 most likely: raises `InputError`."""
    for value in spacing_mm:
        if not abs(value) >= SMALLEST_MM:
            raise InputError(
                f"{name}: its axes do not span space: the header gives voxels of {value:.3g} mm; "
                "set the voxel sizes"
            )


def memory_bytes() -> int:
    """Physical memory of this machine, or 64 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 64 * 2**30
