"""GE's sequence "epi_pepolar": echo-planar images of both phase-encoding polarities in one series.

Images of the reversed polarity are stored with their rows from last to first, and their position
is still that of the first: the header does not say it. The name of the pulse sequence is in
(0019,109C), the scheme in User Data 12 (0019,10B3): 0 forward, 1 reversed, 2 reversed and forward
in turn, 3 forward and reversed in turn. dcm2niix turns the rows and separates the polarities, and
so does this: https://github.com/rordenlab/dcm2niix/issues/532.
"""

from __future__ import annotations

from typing import Any

from medrestore.io.dicom.dataset import DAMAGE
from medrestore.io.dicom.values import integer, shown

__all__ = ["is_reversed"]

NAME, SCHEME = (0x0019, 0x109C), (0x0019, 0x10B3)
ALTERNATING = {2: 1, 3: 0}
"""Scheme → remainder by two of the Temporal Position Identifier of reversed volumes."""


def is_reversed(header: Any, faults: list[str]) -> bool:
    """Whether an image's rows are stored from last to first.

    Parameters
    ----------
    header : Dataset
        The image's.
    faults : list of str
        Gets one more where the sequence is this one and the polarity cannot be known.
    """
    if "epi_pepolar" not in _value(header, NAME):
        return False
    scheme = _value(header, SCHEME)
    try:
        number = float(scheme)
    except ValueError:
        number = -1.0
    if number in (0, 1):
        return number == 1
    volume = integer(header, "TemporalPositionIdentifier", 0)
    if number in ALTERNATING and volume > 0:
        return volume % 2 == ALTERNATING[int(number)]
    faults.append(
        f"GE's epi_pepolar stores one phase-encoding polarity upside down, and its scheme "
        f"(0019,10b3), {scheme!r}, with Temporal Position Identifier (0020,0100) {volume} does not "
        "say which"
    )
    return False


def _value(header: Any, tag: tuple[int, int]) -> str:
    """A private element as text; also where its type was lost."""
    try:
        element = header.get(tag)
        value = "" if element is None else element.value
    except DAMAGE:
        return ""
    return shown(value.decode("latin-1") if isinstance(value, bytes) else value).strip()
