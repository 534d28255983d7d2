"""Reading DICOM attributes that may be absent, empty or of the wrong length."""

from __future__ import annotations

import math
from typing import Any

from pydicom.multival import MultiValue

from medrestore.io.dicom.dataset import DAMAGE

__all__ = [
    "image_kind",
    "integer",
    "is_inverted",
    "no_data_value",
    "number",
    "numbers",
    "shown",
    "text",
    "whole_number",
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


def shown(value: Any) -> str:
    """A value for a message: one line, printable, short."""
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


def numbers(item: Any, keyword: str, count: int) -> tuple[float, ...] | None:
    """An attribute of ``count`` finite numbers; None where it is anything else."""
    try:
        found = tuple(float(v) for v in item.get(keyword))
    except DAMAGE:
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def image_kind(image_type: Any, modality: str) -> tuple[str, ...]:
    r"""What of Image Type (0008,0008) makes another volume: value 3 on for MR, nothing for CT.

    MR: magnitude, phase, water, fat and maps share a series. CT: values 3 and 4 tell how a slice
    was scanned (GE's ``AXIAL\ADD``), and one scan may hold several.
    """
    values = tuple(str(word).strip().upper() for word in image_type or ())
    return () if modality == "CT" else values[2:]


def is_inverted(header: Any) -> bool:
    """Whether stored values run against the signal (MONOCHROME1).

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
