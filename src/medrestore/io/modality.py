"""CT or MR: the caller's word, else the file's, else what the intensities show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore import scratch
from medrestore.errors import ModalityError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.volume import Modality

__all__ = ["check_modality", "settle_modality", "unit_of"]

AIR_HU = -200.0
"""A scan whose 1st percentile lies below this is CT: only CT has large negative values."""
SAMPLE = 1_000_000
"""Voxels looked at, evenly spread; enough for a 1st percentile."""
PLANES = 32
"""Slices looked at in a long scan."""


def check_modality(modality: str | None) -> Modality | None:
    """The caller's word, any case; raises `ModalityError` for anything but CT, MR or None."""
    if modality is None:
        return None
    word = modality.upper()
    if word == "CT":
        return "CT"
    if word == "MR":
        return "MR"
    raise ModalityError(f"modality is {modality!r}; medrestore restores 'CT' and 'MR'")


def settle_modality(
    array: NDArray[np.float32], *, asked: Modality | None, tag: str | None = None
) -> Modality | None:
    """What a scan is, in this order: ``asked``, the file's ``tag``, CT if it holds air at −HU.

    Returns None where nothing says; whoever needs to know then asks for ``modality=``.
    """
    if asked is not None:
        return asked
    if tag == "CT":
        return "CT"
    if tag == "MR":
        return "MR"
    return "CT" if _first_percentile(array) < AIR_HU else None


def unit_of(modality: Modality | None) -> str:
    """``"HU"`` for CT, else ``"a.u."``."""
    return "HU" if modality == "CT" else "a.u."


def _first_percentile(array: NDArray[Any]) -> float:
    if array.nbytes > scratch.IN_MEMORY_BYTES:  # a few slices, so that the rest stays in its file
        planes = array.reshape(-1, *array.shape[-2:])
        array = planes[:: max(1, len(planes) // PLANES)]
    values = array.reshape(-1)[:: max(1, array.size // SAMPLE)]
    values = values[np.isfinite(values)]
    return float(np.percentile(values, 1)) if values.size else 0.0
