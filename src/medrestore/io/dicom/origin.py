"""The DICOM images that a result was made from: their planes, headers, and references to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset

from medrestore.errors import MedrestoreError, OutputError
from medrestore.io.dicom.frame import Stack
from medrestore.io.dicom.grid import geometry_of
from medrestore.io.dicom.headers import open_header
from medrestore.io.dicom.values import integer

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame
    from medrestore.volume import Volume

__all__ = [
    "MAKER",
    "code",
    "equipment",
    "reference",
    "series_description",
    "series_number",
    "source_header",
    "stack_of",
]

MAKER = "medrestore"
SERIES_OFFSET = 9000
"""Added to the source's Series Number, so that derived series sort behind their sources."""


def stack_of(volume: Volume) -> Stack:
    """The source's planes, one for each slice of the volume.

    Raises
    ------
    OutputError
        If the volume is not on the grid of a DICOM source.
    """
    stack = volume.source.header
    if volume.source.format != "dicom" or not isinstance(stack, Stack):
        raise OutputError(
            "only a scan that was read from DICOM can be written as a derived series; write it "
            "as .nii.gz"
        )
    if volume.modality is None:
        raise OutputError("the scan's modality is not known; read it with modality='CT' or 'MR'")
    times = len(volume.array) if volume.is_4d else 1
    grid, _ = geometry_of(stack, volume.source.name, "keep")
    if times != stack.shape[0] or not grid.fits(volume.geometry):
        raise OutputError(
            f"the volume, {volume.array.shape}, is not on the grid of its DICOM source, "
            f"{stack.shape}; write it as .nii.gz"
        )
    return stack


def source_header(path: Path) -> Any:
    """The header of a source file, without its pixels; Any: pydicom's attributes are dynamic.

    Raises
    ------
    OutputError
        If the file is gone or damaged since it was read.
    """
    try:
        return open_header(path)
    except MedrestoreError as error:
        raise OutputError(
            f"the source file {path.name} can no longer be read, and a derived series needs its "
            "header; write .nii.gz instead, or put the source back"
        ) from error


def reference(source: Any, frame: Frame) -> Dataset:
    """An item of Source Image Sequence (0008,2112) that names the plane a result was made from."""
    origin = Dataset()
    origin.ReferencedSOPClassUID = source.get("SOPClassUID")
    origin.ReferencedSOPInstanceUID = source.get("SOPInstanceUID")
    if int(source.get("NumberOfFrames") or 1) > 1:
        origin.ReferencedFrameNumber = frame.index + 1
    origin.PurposeOfReferenceCodeSequence = [
        code("121322", "Source image for image processing operation")
    ]
    return origin


def equipment() -> Dataset:
    """An item of Contributing Equipment Sequence (0018,A001): what made the result."""
    item = Dataset()
    item.Manufacturer = MAKER
    item.PurposeOfReferenceCodeSequence = [code("109102", "Processing Equipment")]
    return item


def series_number(source: Any) -> int:
    """Series Number (0020,0011) of what is made from a source."""
    return (integer(source, "SeriesNumber", 0) + SERIES_OFFSET) % 2**31


def series_description(source: Any, description: str) -> str:
    """The source's Series Description with a suffix, within the 64 characters of an LO."""
    stated = str(source.get("SeriesDescription") or "")
    return f"{stated[: max(0, 63 - len(description))].rstrip()} {description}".strip()[:64]


def code(value: str, meaning: str) -> Dataset:
    """A code of the DICOM standard's own (PS3.16 annex D)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
