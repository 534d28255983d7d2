"""Counter-based white noise of a slice, indexed by absolute voxel; needs no torch.

Every value is a function of (seed, stream, sample, step, t, slice) alone, through Philox (Salmon et
al. 2011, doi:10.1145/2063384.2063405), drawn on the CPU: sample k is the same whatever the batch,
the slab, the preview, the device or the number of samples.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ANCESTRAL", "COLOURED", "LANGEVIN", "START", "white_slice"]

START, ANCESTRAL, COLOURED, LANGEVIN = 0, 1, 2, 3
"""Streams: the initial z, the ε of ancestral steps, the ξ of the dropped covariance, the noise of
Langevin updates."""

_OFFSET = 1 << 20
"""Added to slice indices, so that the halo below slice 0 has a counter of its own."""


@lru_cache(maxsize=64)
def white_slice(
    seed: int, stream: int, sample: int, step: int, t: int, z: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Standard normal field of one slice, shape (y, x), read-only."""
    bits = np.random.Philox(
        key=[seed & (2**64 - 1), stream], counter=[0, z + _OFFSET, step << 32 | t, sample]
    )
    field = np.random.Generator(bits).standard_normal(shape, dtype=np.float32)
    field.setflags(write=False)
    return field
