"""Voxels of a CT that are no measurement: constants outside of the reconstructed circle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.planes import nothing, planes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

__all__ = ["ct_padding", "is_padding"]

BELOW_HU = -1500.0
FEWEST = 10
"""Voxels that hold a padding value, at least."""
MOST_VALUES = 4
"""Of each scan: one by the scanner, others by whoever resampled it or cut the table away."""
BIN_HU = 50.0
"""Padding outnumbers all other voxels of its bin and of both bins beside it."""


def ct_padding(hu: NDArray[np.float32], after: Callable[[], object] = nothing) -> tuple[float, ...]:
    """The padding values of a CT (commonly −2000, −2048 or −3024), lowest first; may be empty.

    A scanner pads outside its circle, and whoever resamples, tilts or removes the table pads
    again, with another value. Each is a constant below −1500 HU that stands alone: more voxels
    hold exactly it than all others within some 50 HU. Noise reaches such depths too, but there it
    takes every value.

    Parameters
    ----------
    hu : ndarray of float32, shape (…, z, y, x)
        The scan; NaN is left out.
    after : callable
        Called when a plane was looked at.
    """
    repeated: Counter[float] = Counter()
    deep: Counter[int] = Counter()  # voxels by bins of BIN_HU
    for plane in planes(hu, after):
        below = plane[(plane < BELOW_HU) & np.isfinite(plane)]
        for value, _ in repeated.most_common(2):  # nearly all, as a rule: spares sorting them
            rest = below[below != np.float32(value)]
            repeated[value] += below.size - rest.size
            deep[_bin(value)] += below.size - rest.size
            below = rest
        values, counts = np.unique(below, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            deep[_bin(value)] += count
            if count > 1:
                repeated[value] += count
    for value, count in repeated.most_common(MOST_VALUES):
        deep[_bin(value)] -= count  # what may be padding is not what it is compared with
    return tuple(
        sorted(
            value
            for value, count in repeated.most_common(MOST_VALUES)
            if count >= FEWEST and count > sum(deep[_bin(value) + step] for step in (-1, 0, 1))
        )
    )


def is_padding(plane: NDArray[Any], values: Sequence[float]) -> NDArray[np.bool_]:
    """Where an array holds one of the padding values."""
    return np.isin(plane, np.asarray(values, np.float32))


def _bin(value: float) -> int:
    return int(value // BIN_HU)
