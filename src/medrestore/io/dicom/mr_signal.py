"""MR images in their vendors' words: the component of the signal, and rows stored upside down.

Complex Image Component (0008,9208) states the component in enhanced MR (PS3.3 C.8.13.3.1.2).
Classic images state it in Image Type (0008,0008) from its third value on, each vendor in words of
its own, which also name maps; GE in a private element only. Words: conformance statements of
Siemens, Philips, GE and United Imaging, and those that dcm2niix knows.

GE's sequence "epi_pepolar" puts echo-planar images of both phase-encoding polarities in one series.
Those of the reversed polarity are stored with their rows from last to first, and their position is
still that of the first: the header does not say it. The name of the pulse sequence is in
(0019,109C), the scheme in User Data 12 (0019,10B3): 0 forward, 1 reversed, 2 reversed and forward
in turn, 3 forward and reversed in turn. dcm2niix turns the rows and separates the polarities, and
so does this: https://github.com/rordenlab/dcm2niix/issues/532.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from medrestore.io.dicom.dataset import DAMAGE
from medrestore.io.dicom.values import integer, printable, text, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrestore.volume import Component

__all__ = ["component_of", "ge_raw_data_type", "is_reversed"]

WORDS: tuple[tuple[Component, re.Pattern[str]], ...] = (
    ("field map", re.compile(r"B0([ _]?MAP)?|FIELD[ _]?MAP")),
    # M_FFE and P_FFE, R_IR, I_SE: Philips' component and sequence; velocities are phases
    ("phase", re.compile(r"P|P_\w+|PHASE([ _]?(MAP|DIFF\w*))?|VELOCITY([ _]?MAP)?")),
    ("real", re.compile(r"R|R_\w+|REAL|REAL[ _]\w+")),
    ("imaginary", re.compile(r"I|I_\w+|IMAGINARY")),
    (
        "parameter map",
        re.compile(r"E?ADC(_\w+)?|FA|.*[ _]MAP|R?CBF|R?CBV|MTT|TTP|TMAX|FAT_FRACTION"),
    ),
    ("magnitude", re.compile(r"M|M_\w+|MAGNITUDE")),
)
"""The first that any word fits: a map computed from magnitudes is called both."""
GE_RAW_DATA: dict[int, Component] = {1: "phase", 2: "real", 3: "imaginary"}


def component_of(
    image_type: Iterable[Any] | None, stated: Any, raw_data_type: int = 0
) -> Component | None:
    """Component that the values are of; None where nothing says.

    Parameters
    ----------
    image_type : sequence of str
        Image Type (0008,0008) or Frame Type (0008,9007).
    stated : Dataset or mapping
        Holder of Complex Image Component, if any.
    raw_data_type : int
        GE's private number, from `ge_raw_data_type`.
    """
    if raw_data_type in GE_RAW_DATA:
        return GE_RAW_DATA[raw_data_type]
    values = [image_type] if isinstance(image_type, str) else list(image_type or ())
    words = [str(word).strip().upper() for word in values[2:]]
    words.append(text(stated, "ComplexImageComponent").upper())
    return next(
        (component for component, pattern in WORDS if any(map(pattern.fullmatch, words))), None
    )


def ge_raw_data_type(header: Any) -> int:
    """GE's Raw Data Type (0043,xx2F): 0 magnitude, 1 phase, 2 real, 3 imaginary.

    GE's Image Type does not tell them apart; 0 for everybody else's images.
    """
    try:
        return whole_number(header.private_block(0x0043, "GEMS_PARM_01")[0x2F].value)
    except (KeyError, *DAMAGE):
        return 0


NAME, SCHEME = (0x0019, 0x109C), (0x0019, 0x10B3)
ALTERNATING = {2: 1, 3: 0}
"""Scheme → remainder by two of the Temporal Position Identifier of reversed volumes."""


def is_reversed(header: Any, faults: list[str]) -> bool:
    """True if an image's rows are stored from last to first.

    ``faults`` gets one more where the sequence is epi_pepolar and the polarity cannot be known.
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
    return printable(value.decode("latin-1") if isinstance(value, bytes) else value).strip()
