"""DICOM attributes that may be absent, empty, malformed or of the wrong length.

pydicom turns a Decimal String that is no number into a text and leaves it to its caller; a default
in its stead would move a CT by 1024 HU without a word. Numbers on which positions and intensities
depend are read as they were meant (`stated_number`, `stated_numbers`) or noted as faults, not
raised: one such slice spoils its series, and the grouping of planes says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydicom.datadict import (
    dictionary_description,
    dictionary_has_tag,
    dictionary_VR,
    tag_for_keyword,
)
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from medrestore.io.dicom.dataset import DAMAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "decimal",
    "image_kind",
    "integer",
    "is_inverted",
    "no_data_value",
    "number",
    "printable",
    "stated_number",
    "stated_numbers",
    "tag_name",
    "text",
    "whole_number",
    "written_values",
]


def text(item: Any, keyword: str) -> str:
    """An attribute as text, as it was written where it cannot be read; empty where absent."""
    try:
        value = item.get(keyword)
    except DAMAGE:
        raw = item.get_item(keyword).value
        value = raw.decode("latin-1").strip("\0") if isinstance(raw, bytes) else None
    if isinstance(value, MultiValue):
        return "\\".join(str(each).strip() for each in value)
    return "" if value is None else str(value).strip()


def printable(value: Any) -> str:
    """A value for a message: on one line, short."""
    return "".join(c for c in str(value) if c.isprintable())[:64]


def number(item: Any, keyword: str, default: float) -> float:
    """An attribute as a finite number, else ``default``: for what neither places nor scales."""
    try:
        value = float(item.get(keyword))
    except DAMAGE:
        return default
    return value if math.isfinite(value) else default


def integer(item: Any, keyword: str, default: int) -> int:
    """An attribute as a whole number, else ``default``."""
    return int(number(item, keyword, default))


def whole_number(value: Any) -> int:
    """A private attribute's value as a whole number, also as text or bytes; else 0."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0


def image_kind(image_type: Any, modality: str) -> tuple[str, ...]:
    r"""Values of Image Type (0008,0008) that make another volume: 3 on for MR, none for CT.

    MR: magnitude, phase, water, fat and maps share a series. CT: values 3 and 4 tell how a slice
    was scanned (GE's ``AXIAL\ADD``), and one scan may hold several.
    """
    values = tuple(str(word).strip().upper() for word in image_type or ())
    return () if modality == "CT" else values[2:]


def is_inverted(header: Any) -> bool:
    """True if stored values run against the signal (MONOCHROME1).

    Hounsfield units follow from slope and intercept whatever the display: CT is never inverted.
    """
    return text(header, "PhotometricInterpretation") == "MONOCHROME1" and (
        text(header, "Modality") != "CT"
    )


def no_data_value(header: Any) -> int | None:
    """Pixel Padding Value (0028,0120) if it is the lowest signed number, the "no data" code.

    Other paddings (−1024, −2000 HU outside a scanner's circle) stay numbers: every viewer shows
    them as air, models are trained with them, and they must come back as they were.
    """
    value = header.get("PixelPaddingValue")
    if integer(header, "PixelRepresentation", 0) != 1 or not isinstance(value, int | bytes):
        return None
    lowest = -(2 ** (integer(header, "BitsAllocated", 16) - 1))
    value = int.from_bytes(value[:2], "little") if isinstance(value, bytes) else value
    value -= 2 * abs(lowest) if value > abs(lowest) - 1 else 0  # stored as US by mistake
    return lowest if value == lowest else None


DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""A Decimal String (PS3.5 6.2), with as many digits as anybody wrote."""
BINARY = {"FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"}
"""Types of numbers that a file may state for what should be a string."""
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
"""Thousands in groups, or a decimal comma before three digits: −1,024 may be either."""


def tag_name(keyword: str) -> str:
    """An attribute for a message, ``"Rescale Slope (0028,1053)"``."""
    tag = int(tag_for_keyword(keyword) or 0)
    return f"{dictionary_description(tag)} ({tag >> 16:04x},{tag & 0xFFFF:04x})"


def stated_number(
    item: Any, keyword: str, faults: list[str], *, thousands: bool = False
) -> float | None:
    """A number that an item states, as `stated_numbers`."""
    found = stated_numbers(item, keyword, 1, faults, thousands=thousands)
    return None if found is None else found[0]


def stated_numbers(
    item: Any, keyword: str, count: int, faults: list[str], *, thousands: bool = False
) -> tuple[float, ...] | None:
    """``count`` finite numbers that an item states; None where they are absent or empty.

    Parameters
    ----------
    item : Dataset or mapping
        Holds the attribute, or not.
    keyword : str
        The attribute.
    count : int
        Number of values that it should have.
    faults : list of str
        Gets one more where the attribute is there and cannot be read; the result is None then.
    thousands : bool
        True if values may reach thousands, so that a comma before three digits is ambiguous.
    """
    written = written_values(item, keyword)
    if written is None:
        given = _converted(item, keyword)
        found: list[float | None] = [_float(value) for value in given]
        written = [str(value) for value in given]
    else:
        found = [decimal(text, thousands) for text in written]
    if not "".join(written).strip(" \0"):
        return None
    values = [v for v in found if v is not None and math.isfinite(v)]
    if len(values) == len(found) == count:
        return tuple(values)
    expected = "a number" if count == 1 else f"{count} numbers"
    quoted = repr(printable("\\".join(written).strip(" \0"))).replace("\\\\", "\\")
    faults.append(f"{tag_name(keyword)} is {quoted}, not {expected}")
    return None


def decimal(text: str, thousands: bool = False) -> float | None:
    """A Decimal String, also with a comma as its decimal separator; None for anything else."""
    text = text.strip(" \0")
    if thousands and GROUPED.fullmatch(text):
        return None
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    return float(text) if DECIMAL.fullmatch(text) else None


def written_values(item: Any, attribute: str | int) -> list[str] | None:
    """The values of a Decimal or Integer String as they were written; None where they are numbers.

    pydicom converts a value when it is first looked at, and one that is no number to a string.
    """
    element: Any = item.get_item(attribute) if isinstance(item, Dataset) else None
    if element is None or not dictionary_has_tag(element.tag):
        return None
    if dictionary_VR(element.tag) not in ("DS", "IS") or element.VR in BINARY:
        return None
    value = element.value
    if isinstance(value, bytes):
        return value.decode("latin-1").split("\\")
    values = [value] if isinstance(value, str) else value
    if isinstance(values, Iterable) and all(isinstance(each, str) for each in values):
        return list(values) or None
    return None


def _converted(item: Any, keyword: str) -> Sequence[Any]:
    """Values that pydicom made, or that are set by a program; empty where there are none."""
    try:
        value = item.get(keyword)
    except DAMAGE:
        return ["damaged"]
    if value is None:
        return []
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
