"""A CT whose file lost its rescale intercept, made HU again."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from medrestore import disk_arrays
from medrestore.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["shifted"]


def shifted(volume: Volume, hu_offset: float) -> Volume:
    """A CT with a number added to every voxel; itself for 0.

    Raises
    ------
    InputError
        If it is no CT, or the number is none.
    """
    if not hu_offset:
        return volume
    if volume.modality != "CT" or not isfinite(hu_offset):
        raise InputError(
            f"hu_offset is a number of HU for a CT, got {hu_offset!r} for a scan of modality "
            f"{volume.modality}; leave it out"
        )
    array: NDArray[np.float32] = disk_arrays.zeros(volume.array.shape)
    for place in np.ndindex(array.shape[:-2]):
        array[place] = volume.array[place] + np.float32(hu_offset)
        disk_arrays.release(array, volume.array)
    source = replace(volume.source, hu_offset=float(hu_offset))
    said = f"{hu_offset:g} was added to every value (hu_offset)"
    return volume.with_array(array, source=source, warnings=(*volume.warnings, said))
