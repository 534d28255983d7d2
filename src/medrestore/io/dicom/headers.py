"""Opening DICOM files without their pixels, and telling images of a patient from the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError, MedrestoreError, UnreadableError
from medrestore.io.dicom import dataset
from medrestore.io.dicom.dataset import DAMAGE, quiet
from medrestore.io.dicom.frame import Frame
from medrestore.io.dicom.images import classic_frames, enhanced_frames
from medrestore.io.dicom.mosaic import grid_frames, is_grid, is_mosaic, mosaic_frames
from medrestore.io.dicom.scaling import lookup_type
from medrestore.io.dicom.values import printable, text
from medrestore.io.limits import (
    DEFLATE_BEST_RATIO,
    FARTHEST_MM,
    SMALLEST_MM,
    check_millimetres,
    check_promise,
    check_shape,
    check_spacing,
)
from medrestore.io.packed import size_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["frames_found", "frames_of", "open_header"]

HU = {"", "HU", "US"}
"""Rescale Types (0028,1054) under which a CT's values are Hounsfield units; US: unspecified."""
BEST_RATIOS = {"RLE": 64, "JPEG 2000": 10_000, "JPEG-LS": 10_000, "JPEG": 1032}
"""Voxels' bytes per byte of file, the first match counts. RLE: 128 for 2; JPEG: Huffman codes of at
least 1 bit; the others have no bound: empty slices of 4096 × 4096 in files of some kilobytes."""


def frames_of(path: Path, modality: str | None = None) -> list[Frame]:
    """Every plane of a file; one whose position or scaling cannot be read has a fault.

    Parameters
    ----------
    path : Path
        A DICOM file.
    modality : str, optional
        The caller's word; lets files of other modalities through.

    Raises
    ------
    UnreadableError
        If the file is damaged, truncated, encrypted, or its header is absurd.
    InputError
        If it holds no scalar image of a patient: the reason says what it holds.
    """
    header = open_header(path)
    try:
        with quiet():
            reason = _reason_against(header, modality)
            if reason:
                raise InputError(f"{path} {reason}")
            _check_size(header, path)
            return [_possible(frame) for frame in _planes(header, path)]
    except MedrestoreError:
        raise
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} has a damaged header ({type(error).__name__}); export it again"
        ) from error


def frames_found(path: Path, modality: str | None = None) -> list[Frame]:
    """As `frames_of`; a file that is damaged but names its series gives one plane, ``lost``.

    Others of the series can then say that it is missing: at an end of the stack nothing else would.
    """
    try:
        return frames_of(path, modality)
    except UnreadableError as error:
        header = open_header(path)
        with quiet():
            series = text(header, "SeriesInstanceUID")
        if not series:
            raise
        reason = str(error).removeprefix(str(path)).lstrip(": ")
        return [Frame(path, 0, (0, 0), lost=reason, series=series)]


def _planes(header: Any, path: Path) -> list[Frame]:
    """Every plane, by the layout of the file."""
    if "PerFrameFunctionalGroupsSequence" in header:
        return enhanced_frames(header, path)
    if is_grid(header):
        return grid_frames(header, path)
    if is_mosaic(header):
        return mosaic_frames(header, path)
    return classic_frames(header, path)


def open_header(path: Path) -> Any:
    """The data set without its pixels; Any: pydicom's attributes are dynamic.

    Raises
    ------
    UnreadableError
        If the file is not DICOM, or is cut within its header.
    """
    try:
        header = dataset.read(path)
        with quiet():
            known = "SOPClassUID" in header or "MediaStorageSOPClassUID" in header.file_meta
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} cannot be read as DICOM ({type(error).__name__}): it is damaged or truncated"
        ) from error
    if not known:
        raise UnreadableError(f"{path} is not a DICOM file, or is cut within its header")
    return header


def _reason_against(header: Any, modality: str | None) -> str:
    """Reason that a file holds no scan, as the rest of a sentence; empty where there is none."""
    kind = printable(getattr(header.get("SOPClassUID", ""), "name", "")) or "an object"
    if "DirectoryRecordSequence" in header:
        return "is a DICOMDIR, an index; give the folder with the images"
    if "Rows" not in header or "Columns" not in header:
        return f"holds no image ({kind})"
    photometric = printable(header.get("PhotometricInterpretation", "MONOCHROME2"))
    if int(header.get("SamplesPerPixel", 1) or 1) != 1 or not photometric.startswith("MONOCHROME"):
        return f"holds a colour picture ({photometric}), not a scalar scan"
    if str(header.get("PixelPresentation") or "").upper() == "COLOR":
        return "holds a colour-coded map, not a CT or MR image"
    bits = header.get("BitsAllocated", "no")
    if bits not in (8, 16, 32):
        return f"has {printable(bits)} bits per voxel; CT and MR have 8 to 32"
    if "PixelRepresentation" not in header:
        return f"holds {kind}, with floating point or no voxels: not a CT or MR image"
    if {str(word).upper() for word in header.get("ImageType") or ()} & {"LOCALIZER", "SCOUT"}:
        return "is a localiser"
    tag = printable(header.get("Modality") or "").strip()
    if modality is None and tag not in ("", "CT", "MR"):
        return (
            f"has modality {tag}; medrestore restores CT and MR (modality='CT' or 'MR', "
            "--modality, reads it all the same)"
        )
    rescale = _rescale_type(header)
    if modality is None and tag == "CT" and rescale not in HU:
        return (
            f"is a CT map in {rescale}, not in Hounsfield units (modality='CT', --modality CT, "
            "reads it all the same)"
        )
    return ""


def _rescale_type(header: Any) -> str:
    """Rescale Type (0028,1054) of a file, or of the first frame that states one; or a table's."""
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for macros in (header.get(groups) or [])[:1]:
            for values in macros.get("PixelValueTransformationSequence") or []:
                return printable(values.get("RescaleType") or "").upper()
    return lookup_type(header) or printable(header.get("RescaleType") or "").upper()


def _check_size(header: Any, path: Path) -> None:
    """Refuse absurd grids, and more voxels than a file of this size can hold."""
    shape = (
        int(header.get("NumberOfFrames") or 1),
        int(header.Rows or 0),
        int(header.Columns or 0),
    )
    check_shape(str(path), shape)
    needed = math.prod(shape) * int(header.BitsAllocated) // 8
    size = min(size_of(path), path.stat().st_size * DEFLATE_BEST_RATIO)  # gzip's trailer may lie
    check_promise(str(path), needed, size, _best_ratio(header))


def _best_ratio(header: Any) -> int:
    """Ratio by which a transfer syntax can shrink voxels at best."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    if syntax is None or not (syntax.is_compressed or syntax.is_deflated):
        return 1
    if syntax.is_deflated:
        return DEFLATE_BEST_RATIO
    fits = (ratio for start, ratio in BEST_RATIOS.items() if syntax.name.startswith(start))
    return next(fits, max(BEST_RATIOS.values()))


def _possible(frame: Frame) -> Frame:
    """The plane, at fault if no scanner has its position; an absurd thickness is none."""
    try:
        for values in (frame.position, frame.orientation, frame.spacing):
            check_millimetres("", values or ())
        check_spacing("", frame.spacing or ())
    except InputError as error:
        fault = "; ".join(filter(None, (frame.fault, str(error).lstrip(": "))))
        frame = replace(frame, fault=fault)
    if frame.thickness is not None and not SMALLEST_MM <= frame.thickness <= FARTHEST_MM:
        return replace(frame, thickness=None)
    return frame
