"""Check that the values of a scan are what models restore: CT in HU, magnitudes of MR.

What a file says of itself is its reader's business; here the voxels speak, so that a wrong word,
or none, does not end in a plausible picture of something that was never measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.mr_values import fills_a_circle
from medrestore.disk_arrays import Held
from medrestore.errors import UnsuitableError
from medrestore.io.label_map import is_label_map
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medrestore.volume import Volume

__all__ = ["check_values"]

MOST_VOXELS = 1_000_000
"""Looked at, in whole slices spread evenly over the scan, unless slices are large."""
FEWEST_PLANES = 8


def check_values(volume: Volume) -> tuple[str, ...]:
    """Refuse a scan whose values no model restores; say what is doubtful about others.

    Parameters
    ----------
    volume : Volume
        Of a known modality.

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
    check = modality_named(volume.modality or "MR").check_values
    return () if check is None else check(volume, planes, values)


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
