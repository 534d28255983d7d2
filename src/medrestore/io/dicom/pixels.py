"""Stored values, decoded, to physical intensities, plane by plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.pixels.utils import pixel_array

from medrestore import disk_arrays
from medrestore.errors import UnreadableError
from medrestore.io.dicom import dataset
from medrestore.io.dicom.codestream import check_frame
from medrestore.io.dicom.dataset import DAMAGE, quiet
from medrestore.io.dicom.scaling import apply_lookup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame, Stack

__all__ = ["file_planes", "intensities"]

CODECS = {
    "RLE": ("pydicom", "python-gdcm"),
    "JPEG-LS": ("pyjpegls", "pyjpegls"),
    "JPEG 2000": ("pylibjpeg", "pylibjpeg pylibjpeg-openjpeg"),
    "High-Throughput JPEG 2000": ("pylibjpeg", "pylibjpeg pylibjpeg-openjpeg"),
    "JPEG": ("gdcm", "python-gdcm"),
}
"""Plug-in that decodes, and packages with it, by the start of a transfer syntax's name; the first
match counts. GDCM gets the JPEG of older scanners that nothing else decodes."""
ATTRIBUTES = [
    "BitsAllocated",
    "BitsStored",
    "Columns",
    "HighBit",
    "ModalityLUTSequence",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "PixelData",
    "PixelRepresentation",
    "PlanarConfiguration",
    "Rows",
    "SamplesPerPixel",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
]
"""All that decoding needs; skipping the rest saves a quarter of the time."""


def intensities(stack: Stack) -> NDArray[np.float32]:
    """Float32 array ``(t, z, y, x)``: slope and intercept of each plane applied, no data as NaN.

    Raises
    ------
    UnreadableError
        If a file's voxels are cut off or damaged, or its codec is not installed.
    """
    out: NDArray[np.float32] = disk_arrays.zeros(stack.shape)
    targets: dict[Path, list[tuple[Frame, NDArray[np.float32]]]] = {}
    for t, planes in enumerate(stack.frames):
        for z, frame in enumerate(planes):
            targets.setdefault(frame.path, []).append((frame, out[t, z]))
    for path, planes_of_file in targets.items():
        _fill(path, planes_of_file)
        disk_arrays.release(out)
    return out


def file_planes(planes: Sequence[Frame]) -> NDArray[np.float32]:
    """Float32 array ``(planes, y, x)`` of planes of one file; raises as `intensities`."""
    out = np.zeros((len(planes), *planes[0].shape), np.float32)
    _fill(planes[0].path, list(zip(planes, out, strict=True)))
    return out


def _fill(path: Path, planes: Sequence[tuple[Frame, NDArray[np.float32]]]) -> None:
    """Decode a file and write each of its planes to its target."""
    room = sum(4 * target.size for _, target in planes)
    try:
        header = dataset.read(path, ATTRIBUTES, room)
        with quiet():
            decoded: dict[int, NDArray[Any]] = {}
            for frame, target in planes:
                if frame.index not in decoded:
                    decoded = {frame.index: _decoded(header, frame.index, path)}
                values = _physical(_tile(decoded[frame.index], frame), frame, header)
                target[:] = values[::-1] if frame.upside_down else values
    except DAMAGE as error:
        raise UnreadableError(
            f"{path} is truncated or damaged: its voxels cannot be decoded; copy it again"
        ) from error


def _decoded(header: Any, index: int, path: Path) -> NDArray[Any]:
    try:
        return _stored(header, index)
    except (NotImplementedError, RuntimeError, ImportError) as error:  # pydicom's own plug-ins
        syntax = header.file_meta.TransferSyntaxUID
        raise UnreadableError(
            f"{path} is compressed as {syntax.name} and cannot be decoded: the file is damaged, or "
            f"the codec is missing (pip install {_codec(syntax)[1]})"
        ) from error


def _stored(header: Any, index: int) -> NDArray[Any]:
    """Stored values of a frame: only its Bits Stored count, overlays above them do not."""
    if "file_meta" in header.__dict__ and "TransferSyntaxUID" not in header.file_meta:
        header.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    syntax = header.file_meta.TransferSyntaxUID
    plugin = _codec(syntax)[0] if syntax.is_encapsulated else ""
    if plugin == "gdcm":
        check_frame(header, index)
    values = pixel_array(header, index=index, raw=True, decoding_plugin=plugin)
    allocated, stored = 8 * values.dtype.itemsize, int(header.BitsStored)
    high = int(header.get("HighBit", stored - 1))
    if not syntax.is_compressed and stored < allocated and high < allocated:
        values = np.left_shift(values, allocated - 1 - high)
        values = np.right_shift(values, allocated - stored)  # arithmetic for signed: keeps the sign
    return np.asarray(values)


def _tile(values: NDArray[Any], frame: Frame) -> NDArray[Any]:
    if frame.tile is None:
        return values
    top, left = frame.tile
    return values[top : top + frame.shape[0], left : left + frame.shape[1]]


def _physical(values: NDArray[Any], frame: Frame, header: Any) -> NDArray[np.float32]:
    stored = values.astype(np.float32)
    if frame.inverted:
        bits = int(header.BitsStored)
        signed = int(header.PixelRepresentation) == 1
        stored = (-1 if signed else 2**bits - 1) - stored  # MONOCHROME1: the highest is black
    if frame.lookup:
        out = apply_lookup(values, header)
    else:
        out = stored * np.float32(frame.slope) + np.float32(frame.intercept)
    if frame.padding is not None:
        out[values == frame.padding] = np.nan
    return np.asarray(out, dtype=np.float32)


def _codec(syntax: Any) -> tuple[str, str]:
    """Plug-in and packages for a transfer syntax; pydicom's own choice for unknown ones."""
    known = (codec for start, codec in CODECS.items() if syntax.name.startswith(start))
    return next(known, ("", "python-gdcm"))
