"""Refusing headers that promise more than a machine or a file can hold, before allocation."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from medrestore.errors import InputError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_shape"]

BYTES_PER_VOXEL = 4
"""Volumes are held as float32."""


def check_shape(name: str, shape: Sequence[int]) -> None:
    """Refuse a grid without voxels, or one larger than the memory of this machine.

    Raises
    ------
    InputError
        If an axis has no voxels.
    UnreadableError
        If the voxels, as float32, exceed the machine's memory: a damaged header, most likely.
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


def memory_bytes() -> int:
    """Physical memory of this machine, or 64 GiB where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 64 * 2**30
