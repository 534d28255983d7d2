"""Check that the values of a scan are what models restore: CT in HU, magnitudes of MR.

What a file says of itself is its reader's business; here the voxels speak, so that a wrong word,
or none, does not end in a plausible picture of something that was never measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.core.mr_values import is_phase
from medrestore.disk_arrays import PageReleaser
from medrestore.errors import InputError, ModalityError, UnsuitableError
from medrestore.io.label_map import is_label_map
from medrestore.modalities import modality_named
from medrestore.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["REFUSED", "check_component", "check_values", "modality_of"]

MOST_VOXELS = 1_000_000
"""Looked at, in whole slices spread evenly over the scan, unless slices are large."""
FEWEST_PLANES = 8

REFUSED = {
    "phase": "phase images",
    "real": "the real part of a complex signal",
    "imaginary": "the imaginary part of a complex signal",
    "field map": "a field map",
}
"""Components that are signed, or wrapped to a circle. Maps of magnitudes are only warned about."""


def modality_of(volume: Volume) -> str:
    """Name of the modality of a scan that can be restored.

    Raises
    ------
    ModalityError
        If it does not say.
    InputError
        If it is no Volume, or its header says that its values are no magnitudes.
    """
    if not isinstance(volume, Volume):
        raise InputError(
            f"a Volume is restored, as medrestore.read gives it, not a {type(volume).__name__}"
        )
    check_component(volume)
    if volume.modality is None:
        raise ModalityError(
            "the scan does not say whether it is CT or MR; "
            'give modality="CT" or "MR" to read(), or --modality on the command line'
        )
    return volume.modality


def check_component(volume: Volume) -> None:
    """Refuse MR whose header says that its values are no magnitudes.

    The models and the noise level assume magnitudes with Rician noise: of anything else every
    negative value would become 0.

    Raises
    ------
    UnsuitableError
        If they are phase, real or imaginary part, or a field map.
    """
    what = REFUSED.get(volume.component or "")
    if what is not None:
        raise UnsuitableError(
            f"{volume.source.name} holds {what}, not magnitudes, as its header says; medrestore "
            "restores MR magnitudes: give the magnitude images of this scan"
        )


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
    if not magnitudes and is_phase(planes):
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
    places, pages = _places(volume), PageReleaser(volume.array)
    middle = len(places) // 2
    for place in (*places[middle:], *places[:middle]):
        yield volume.array[place]
        pages.tick()


def _places(volume: Volume) -> list[tuple[int, ...]]:
    """Indices of the slices (y, x)."""
    return list(np.ndindex(volume.array.shape[:-2]))
