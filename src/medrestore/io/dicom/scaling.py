"""From stored values to those a scanner means: Rescale Slope, or Philips' real world values."""

from __future__ import annotations

from typing import Any, NamedTuple

from medrestore.io.dicom.stated import named, one_number
from medrestore.io.dicom.values import text

__all__ = ["Scaling", "scaling"]

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
        What may hold Rescale Slope, and what Real World Value Mapping Sequence.
    header : Dataset
        The image's.
    faults : list of str
        Gets what is stated and cannot be read.
    """
    slope, intercept = (one_number(rescale, tag, faults, thousands=True) for tag in TAGS)
    unstated = tuple(t for t, v in zip(TAGS, (slope, intercept), strict=True) if v is None)
    modality = text(header, "Modality")
    if slope == 0 and modality == "CT":
        faults.append(f"{named('RescaleSlope')} is 0, which makes all voxels alike")
    stated = Scaling(slope or 1.0, intercept or 0.0, unstated)
    items = mapped.get("RealWorldValueMappingSequence") or []
    philips = text(header, "Manufacturer").upper().startswith("PHILIPS")
    if stated[:2] != (1, 0) or len(items) != 1 or not philips or modality != "MR":
        return stated
    world = one_number(items[0], "RealWorldValueSlope", faults)  # absent where a table maps
    if not world:
        return stated
    return Scaling(world, one_number(items[0], "RealWorldValueIntercept", faults) or 0.0)
