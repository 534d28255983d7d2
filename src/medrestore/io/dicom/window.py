"""Display windows: the one that a DICOM series states for itself, and one that suits a result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import MedrestoreError
from medrestore.io.dicom.dataset import DAMAGE, quiet
from medrestore.io.dicom.frame import Stack
from medrestore.io.dicom.headers import open_header
from medrestore.io.dicom.values import decimal, written_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame
    from medrestore.volume import Source

__all__ = ["display_range", "stored_window"]


def stored_window(source: Source) -> tuple[float, float] | None:
    """Level and width in the scan's intensities, from the header of its middle slice.

    Window Center (0028,1050) and Width (0028,1051), the first pair of several, taken as
    LINEAR_EXACT (PS3.3 C.11.2.1.3.2); LINEAR differs by half a unit. None if the source is no
    DICOM series, states no window, shows its values inverted, or its file can no longer be read.
    """
    stack = source.header
    if source.format != "dicom" or not isinstance(stack, Stack):
        return None
    planes = stack.frames[0]
    frame = planes[len(planes) // 2]
    if frame.inverted:
        return None
    try:
        header = open_header(frame.path)
        with quiet():
            return next((w for w in map(_window, _holders(header, frame)) if w), None)
    except (MedrestoreError, *DAMAGE):
        return None


def _holders(header: Any, frame: Frame) -> list[Any]:
    """Holders of a window, maybe: the frame's functional groups, the shared ones, the header."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    groups = [
        *per_frame[frame.index : frame.index + 1],
        *(header.get("SharedFunctionalGroupsSequence") or [])[:1],
    ]
    return [
        *(item for group in groups for item in (group.get("FrameVOILUTSequence") or [])[:1]),
        header,
    ]


def _window(item: Any) -> tuple[float, float] | None:
    level, width = (_first(item, keyword) for keyword in ("WindowCenter", "WindowWidth"))
    return (level, width) if level is not None and width is not None and width > 0 else None


def _first(item: Any, keyword: str) -> float | None:
    """The first of one or several numbers; None where it is none: a window is no value."""
    written = written_values(item, keyword)
    if written:
        return decimal(written[0])
    value = item.get(keyword)
    if value is None or isinstance(value, (str, bytes)):
        return None
    try:
        number = float(value[0] if hasattr(value, "__getitem__") else value)
    except (TypeError, ValueError, IndexError):
        return None
    return number if math.isfinite(number) else None


def display_range(array: NDArray[np.float32]) -> tuple[float, float]:
    """Range of most values; of a map that is mostly 0, of most others, and 0."""
    values = array[np.isfinite(array)]
    others = values[values != 0]
    if not others.size:
        return 0.0, 1.0
    chosen = values if 2 * others.size >= values.size else others
    low, high = np.percentile(chosen[:: max(1, chosen.size // 1_000_000)], (1, 99))
    if chosen is values:
        return float(low), float(high)
    return min(float(low), 0.0), max(float(high), 0.0)
