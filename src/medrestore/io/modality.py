"""Modality of a scan: the caller's word, else the file's, else the intensities; and label maps."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore import disk_arrays
from medrestore.errors import InputError, ModalityError
from medrestore.volume import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["check_modality", "is_label_map", "settle_modality", "shifted", "unit_of"]

AIR_HU = (-1100.0, -900.0)
"""Range of air in a CT; nothing of MR is there, unless it is signed."""
LEAST_AIR = 0.01
"""Share of air, or of padding, from which on a scan shows that it is CT."""
PADDING_HU = -1500.0
PADDINGS, MOSTLY = 4, 0.9
"""So few values make up so much of what is deeper, where it is padding and not noise or phase."""
HIGHEST_HU = 4100.0
"""Beyond what 12 bits hold, but for metal."""
SAMPLE = 1_000_000
"""Voxels looked at, evenly spread; enough for a 1st percentile."""
PLANES = 32
"""Slices looked at in a long scan."""


def check_modality(modality: str | None) -> str | None:
    """The caller's word, any case; raises `ModalityError` for a modality that is not known."""
    if modality is None:
        return None
    word = modality.upper()
    if word in UNITS:
        return word
    known = " and ".join(repr(name) for name in UNITS)
    raise ModalityError(f"modality is {modality!r}; medrestore restores {known}")


def settle_modality(
    array: NDArray[np.float32], *, requested: str | None, tag: str | None = None
) -> str | None:
    """Modality of a scan: ``requested``, else the file's ``tag``, else CT if its values show it.

    Those are air near −1000 HU, or padding below −1500 HU, and no more than single voxels outside
    of −1500 to 4100 HU. Phase and signed MR are negative too.

    Returns None where nothing says; whoever needs to know then requests ``modality=``.
    """
    if requested is not None:
        return requested
    if tag in UNITS:
        return tag
    return "CT" if _shows_ct(_sample(array)) else None


def unit_of(modality: str | None) -> str:
    """The modality's unit; ``"a.u."`` of an unknown one."""
    return UNITS.get(modality or "", "a.u.")


def _shows_ct(values: NDArray[Any]) -> bool:
    """True if air (or padding in its stead) and a range as HU have it leave no other choice."""
    deep = values < PADDING_HU
    commonest = np.sort(np.unique(values[deep], return_counts=True)[1])[-PADDINGS:].sum()
    padded = commonest >= max(LEAST_AIR * values.size, MOSTLY * np.count_nonzero(deep))
    if padded:
        values = values[~deep]
    if not values.size:
        return False
    low, high = np.percentile(values, [0.5, 99])
    air = np.mean((values > AIR_HU[0]) & (values < AIR_HU[1]))
    return bool(low >= PADDING_HU and high <= HIGHEST_HU and (padded or air >= LEAST_AIR))


def _sample(array: NDArray[Any]) -> NDArray[Any]:
    """Finite voxels, evenly spread."""
    if array.nbytes > disk_arrays.IN_MEMORY_BYTES:  # a few slices: the rest stays in its file
        planes = array.reshape(-1, *array.shape[-2:])
        array = planes[:: max(1, len(planes) // PLANES)]
    values = array.reshape(-1)[:: max(1, array.size // SAMPLE)]
    return np.asarray(values[np.isfinite(values)])


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
    for plane in np.ndindex(array.shape[:-2]):
        array[plane] = volume.array[plane] + np.float32(hu_offset)
        disk_arrays.release(array, volume.array)
    source = replace(volume.source, hu_offset=float(hu_offset))
    warning = f"{hu_offset:g} was added to every value (hu_offset)"
    return volume.with_array(array, source=source, warnings=(*volume.warnings, warning))


MOST_LABELS = 256
SMALL_LABEL = 255
FEW = 8
"""So few values may belong to a phantom without noise, if they are larger than labels are."""
EQUAL = 0.7
"""Of neighbours that are not both background, so many are equal in a label map at least; in scans
quantised to 8 bits it is a tenth or two."""
ENOUGH = 20_000
"""Pairs of neighbours that say as much."""


def is_label_map(planes: Iterable[NDArray[Any]]) -> bool:
    """True if an image holds few whole numbers ≥ 0 in regions, as a segmentation does.

    Planes are read until one shows that it is a scan: a negative number or a fraction, more
    than 256 values, or neighbours that differ. Two values are a mask, however they lie.

    Parameters
    ----------
    planes : iterable of ndarray, shape (y, x)
        The image; NaN is left out.
    """
    values: NDArray[Any] = np.empty(0)
    equal = pairs = 0
    for plane in planes:
        found = np.unique(plane[np.isfinite(plane)])
        if found.size > MOST_LABELS or (found < 0).any() or (found != np.rint(found)).any():
            return False
        values = np.union1d(values, found)
        left, right = plane[:, :-1], plane[:, 1:]
        inside = (left != 0) | (right != 0)
        pairs += int(np.count_nonzero(inside))
        equal += int(np.count_nonzero(inside & (left == right)))
        if values.size > MOST_LABELS or (values.size > 2 and pairs > ENOUGH and equal < pairs / 2):
            return False
    if values.size <= 2:
        return bool(values.size == 2)
    return equal >= EQUAL * pairs and bool(values.size > FEW or values[-1] <= SMALL_LABEL)
