"""Stored values to intensities (PS3.3 C.11.1): a slope, Philips' real world values, or a table.

A Modality LUT Sequence (0028,3000) takes the place of Rescale Slope and Intercept; an image has one
or the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.io.dicom.dataset import DAMAGE
from medrestore.io.dicom.values import is_inverted, number, printable, stated_number, tag_name, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scaling", "apply_lookup", "lookup_type", "lookup_unit", "scaling"]

TAGS = ("RescaleSlope", "RescaleIntercept")


class Scaling(NamedTuple):
    """Intensity = slope × stored value + intercept.

    Parameters
    ----------
    slope, intercept : float
        1 and 0 where not stated.
    unstated : tuple of str
        Keywords of those that are absent or empty.
    """

    slope: float
    intercept: float
    unstated: tuple[str, ...] = ()


def scaling(rescale: Any, mapped: Any, header: Any, faults: list[str]) -> Scaling:
    """Slope and intercept of a plane.

    A Rescale Slope (0028,1053) that says something is believed. Philips MR may write none, or 1,
    and scale each slice by a Real World Value Mapping (PS3.3 C.7.6.16.2.11) instead; dcm2niix reads
    it for Philips only, and so does this. A slope of 0 is a blanked tag: it means 1 in MR, whose
    units are arbitrary, and spoils Hounsfield units.

    Parameters
    ----------
    rescale, mapped : mapping
        Holders of Rescale Slope and of Real World Value Mapping Sequence, where there are any.
    header : Dataset
        The image's.
    faults : list of str
        Gets what is stated and cannot be read.
    """
    slope, intercept = (stated_number(rescale, tag, faults, thousands=True) for tag in TAGS)
    unstated = tuple(t for t, v in zip(TAGS, (slope, intercept), strict=True) if v is None)
    modality = text(header, "Modality")
    if slope == 0 and modality == "CT":
        faults.append(f"{tag_name('RescaleSlope')} is 0, which makes all voxels alike")
    stated = Scaling(slope or 1.0, intercept or 0.0, unstated)
    items = mapped.get("RealWorldValueMappingSequence") or []
    philips = text(header, "Manufacturer").upper().startswith("PHILIPS")
    if stated[:2] != (1, 0) or len(items) != 1 or not philips or modality != "MR":
        return stated
    world = stated_number(items[0], "RealWorldValueSlope", faults)  # absent where a table maps
    if not world:
        return stated
    return Scaling(world, stated_number(items[0], "RealWorldValueIntercept", faults) or 0.0)


KEYWORD = "ModalityLUTSequence"
WHOLE_RANGE = 2**16
"""Meaning of a Number of Entries of 0."""


def lookup_unit(header: Any, faults: list[str]) -> str:
    """Unit of the image's table, ``"HU"`` or another type; empty where there is no table.

    ``faults`` gets one more where there is a table and it cannot be applied.
    """
    if not header.get(KEYWORD):
        return ""
    slope = number(header, "RescaleSlope", 1.0), number(header, "RescaleIntercept", 0.0)
    try:
        table(header)
        reason = ""
    except (ValueError, *DAMAGE) as error:
        reason = str(error) if type(error) is ValueError else f"damaged ({type(error).__name__})"
    if not reason and slope != (1, 0):
        reason = f"beside a Rescale Slope of {slope[0]:g} and Intercept of {slope[1]:g}"
    if not reason and is_inverted(header):
        reason = "of a MONOCHROME1 image, whose values may be inverted before or after it"
    if reason:
        faults.append(f"{tag_name(KEYWORD)} cannot be applied: it is {reason}")
    return lookup_type(header) or "US"


def lookup_type(header: Any) -> str:
    """Modality LUT Type (0028,3004) of the table, US: unspecified; empty where there is none."""
    items = header.get(KEYWORD)
    return printable(text(items[0], "ModalityLUTType")).upper() if items else ""


def apply_lookup(stored: NDArray[Any], header: Any) -> NDArray[np.float32]:
    """The table's entry for each stored value; values before and behind it get its ends.

    Raises ValueError if the table is not as long as it says.
    """
    first, entries = table(header)
    indices = np.clip(stored.astype(np.int64) - first, 0, len(entries) - 1)
    return entries.astype(np.float32)[indices]


def table(header: Any) -> tuple[int, NDArray[np.uint16]]:
    """The first stored value that is mapped, and the table's entries, unsigned (PS3.3 C.11.1.1).

    Entries of 8 bits may be packed two to a word, or take a word each.
    """
    items = header.get(KEYWORD)
    if len(items) != 1:
        raise ValueError(f"of {len(items)} tables, where one is allowed")
    item = items[0]
    count, first, bits = (int(value) for value in item.LUTDescriptor)
    count, data = count or WHOLE_RANGE, item.LUTData
    if int(header.PixelRepresentation) == 0:
        first %= WHOLE_RANGE  # written as if it were signed
    elif first >= WHOLE_RANGE // 2:
        first -= WHOLE_RANGE
    entries: NDArray[Any]
    if not isinstance(data, bytes):
        entries = np.atleast_1d(np.asarray(data, dtype=np.int64))
    elif bits == 8 and len(data) < 2 * count:
        entries = np.frombuffer(data, np.uint8)[:count]
    else:
        order = "<" if header.original_encoding[1] is not False else ">"
        entries = np.frombuffer(data, f"{order}u2")
    if len(entries) != count:
        raise ValueError(f"of {count} entries by its descriptor and has {len(entries)}")
    return first, entries.astype(np.uint16)
