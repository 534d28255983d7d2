"""From stored values to those a scanner means: Rescale Slope, or Philips' real world values."""

from __future__ import annotations

from typing import Any

from medrestore.io.dicom.values import number, text

__all__ = ["scaling"]


def scaling(rescale: Any, mapped: Any, header: Any) -> tuple[float, float]:
    """Slope and intercept of a plane.

    A Rescale Slope (0028,1053) that says something is believed. Philips MR may write none, or 1,
    and scale each slice by a Real World Value Mapping (PS3.3 C.7.6.16.2.11) instead; dcm2niix reads
    it for Philips only, and so does this. A slope of 0 is a blanked tag and means 1.

    Parameters
    ----------
    rescale, mapped : mapping
        What may hold Rescale Slope, and what Real World Value Mapping Sequence.
    header : Dataset
        The image's.
    """
    slope = number(rescale, "RescaleSlope", 1.0) or 1.0
    intercept = number(rescale, "RescaleIntercept", 0.0)
    items = mapped.get("RealWorldValueMappingSequence") or []
    philips = text(header, "Manufacturer").upper().startswith("PHILIPS")
    if (slope, intercept) != (1, 0) or len(items) != 1 or not philips:
        return slope, intercept
    world = number(items[0], "RealWorldValueSlope", 0.0)  # absent where a table maps
    if text(header, "Modality") != "MR" or not world:
        return slope, intercept
    return world, number(items[0], "RealWorldValueIntercept", 0.0)
