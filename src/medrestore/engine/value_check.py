"""Whether the values of a scan are what models restore: CT in HU, magnitudes of MR.

What a file says of itself is its reader's business; here the voxels speak, so that a wrong word,
or none, does not end in a plausible picture of something that was never measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.hounsfield import judge
from medrestore.core.padding import ct_padding, is_padding
from medrestore.core.phase import fills_a_circle
from medrestore.core.signed import signs
from medrestore.disk_arrays import Held
from medrestore.errors import UnsuitableError
from medrestore.io.label_map import is_label_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["check_values"]

MOST_VOXELS = 1_000_000
"""Looked at, in whole slices spread evenly over the scan, unless slices are large."""
FEWEST_PLANES = 8
UNUSUAL = 1e-4
"""Share of deep voxels that is worth a word."""
HU_LIKE = 0.01
"""Share of the voxels near −1000 from which on they are air of a CT in HU."""


def check_values(volume: Volume) -> tuple[str, ...]:
    """Refuse a scan whose values no model restores; say what is doubtful about others.

    Parameters
    ----------
    volume : Volume
        Of modality CT or MR.

    Raises
    ------
    UnsuitableError
        A label map; a CT that is not in HU; phase, or signed values, for MR.
    """
    if is_label_map(_spread(volume)):
        raise UnsuitableError(
            f"{volume.source.name} is a label map (few whole numbers in regions), which holds no "
            "noise; give the scan that it belongs to"
        )
    planes = _some(volume)
    values = planes[np.isfinite(planes)]
    if not values.size:
        return ()
    magnitudes = volume.component == "magnitude"  # the header says so
    if not magnitudes and fills_a_circle(planes):
        raise UnsuitableError(
            f"{volume.source.name} is phase: its values run round a circle from "
            f"{values.min():.4g} to {values.max():.4g}; give the magnitude image"
        )
    if volume.modality == "CT":
        return _check_ct(volume, planes, values)
    return _check_mr(volume, planes, values)


def _check_ct(volume: Volume, planes: NDArray[Any], values: NDArray[Any]) -> tuple[str, ...]:
    offset = volume.source.hu_offset
    if offset and _lies_in_air(values - offset):
        raise UnsuitableError(
            f"{volume.source.name} was in HU before {offset:g} was added: its air lay near −1000; "
            "read it without an offset"
        )
    padding = ct_padding(planes)
    values = values[~is_padding(values, padding)]
    if not values.size:
        return ()
    found = judge(values)
    name = volume.source.name
    if found.offset:
        raise UnsuitableError(
            f"{name} is no CT in HU: {found.fault}; read it with --hu-offset "
            f"{-found.offset:.0f} (hu_offset={-found.offset:.0f} in Python)"
        )
    if found.fault:
        raise UnsuitableError(
            f"{name} is no CT in HU: {found.fault}; give the scan as it was before it was scaled "
            "(--hu-offset adds a number to all values), or, if it is MR, say --modality MR"
        )
    if found.doubt:
        return (f"{found.doubt}: make sure that they are HU",)
    return ()


def _lies_in_air(values: NDArray[Any]) -> bool:
    """Whether enough voxels are air of a CT in HU."""
    return bool(np.mean((values > -1100) & (values < -900)) > HU_LIKE)


def _check_mr(volume: Volume, planes: NDArray[Any], values: NDArray[Any]) -> tuple[str, ...]:
    name = volume.source.name
    found = signs(planes)
    if found.signed:
        share = f"{np.mean(values < 0):.0%} of the voxels are negative, down to {values.min():.4g}"
        if _lies_in_air(values):
            share += ", as air is in a CT (--modality CT)"
        raise UnsuitableError(
            f"{name} is no magnitude image of MR: {share}; give the magnitudes themselves, not a "
            "real part, a phase-sensitive reconstruction or what is left when a mean is subtracted"
        )
    if found.deep > UNUSUAL:
        return (
            f"{found.deep:.2%} of the voxels lie below zero by more than a tenth of the signal: no "
            "magnitude does, and they become 0",
        )
    return ()


def _some(volume: Volume) -> NDArray[Any]:
    """Slices (n, y, x) spread evenly over the scan, a copy."""
    places = _places(volume)
    count = min(len(places), max(FEWEST_PLANES, MOST_VOXELS // volume.array[places[0]].size))
    chosen = np.linspace(0, len(places) - 1, count).round().astype(int)
    return np.stack([volume.array[places[i]] for i in np.unique(chosen)])


def _spread(volume: Volume) -> Iterator[NDArray[Any]]:
    """Every slice, from the middle on: scans often begin with empty ones."""
    places, held = _places(volume), Held(volume.array)
    middle = len(places) // 2
    for place in (*places[middle:], *places[:middle]):
        yield volume.array[place]
        held.tick()


def _places(volume: Volume) -> list[tuple[int, ...]]:
    """Indices of the slices (y, x)."""
    return list(np.ndindex(volume.array.shape[:-2]))
