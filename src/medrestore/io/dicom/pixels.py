"""Stored values, decoded, to physical intensities, plane by plane.

GDCM ends the process when a JPEG frame unpacks to less than the header promises (an exception
crosses its wrapper), and takes no remark of its codec: it gets only frames that state the header's
grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array

from medrestore import disk_arrays
from medrestore.errors import UnreadableError
from medrestore.io.dicom import dataset
from medrestore.io.dicom.dataset import DAMAGE, quiet
from medrestore.io.dicom.scaling import apply_lookup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from medrestore.io.dicom.frame import Frame, Stack

__all__ = ["check_frame", "file_planes", "intensities"]

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


FRAMES = {0xC0: (8,), 0xC1: (8, 12), 0xC3: tuple(range(2, 17))}
"""Baseline, extended and lossless frames (ITU-T T.81, table B.1), bits per voxel of each."""
TABLES, SCAN = 0xC4, 0xDA
PLAIN = {0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}
"""Quantisation tables, restart interval, comment, application data: left to the codec."""


def check_frame(header: Any, index: int) -> None:
    """Look through a JPEG frame up to its coded voxels.

    Raises
    ------
    ValueError
        If the frame is no JPEG of one component with the header's rows and columns, or damaged.
    """
    count = int(header.get("NumberOfFrames") or 1)
    frame = get_frame(header.PixelData, index, number_of_frames=count)
    component, tables, lossless = None, set[int](), False
    for marker, body in _segments(frame):
        if marker == TABLES:
            tables |= _huffman_tables(body, 17 if lossless else 256)
        elif marker in FRAMES and component is None:
            rows, columns = (int.from_bytes(body[at : at + 2], "big") for at in (1, 3))
            single = len(body) == 9 and body[5] == 1 and body[7] == 0x11
            same = (rows, columns) == (int(header.Rows), int(header.Columns))
            fits = body[0] in FRAMES[marker] and body[0] <= int(header.BitsAllocated)
            if not (single and same and fits):
                raise ValueError("the JPEG frame is not of the header's grid, bits and samples")
            component, lossless = body[6], marker == 0xC3
        elif marker == SCAN:
            _check_scan(body, component, tables, lossless)
            return
        elif marker not in PLAIN:
            raise ValueError(f"marker {marker:02X} of the JPEG frame is none that scanners write")


def _segments(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and parameters of each segment, nothing between them (T.81, B.1.1)."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 4 <= len(frame) and frame[at] == 0xFF:
        if frame[at + 1] == 0xFF:  # fill bytes are allowed
            at += 1
            continue
        length = int.from_bytes(frame[at + 2 : at + 4], "big")
        body = frame[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            break
        yield frame[at + 1], body
        at += 2 + length
    raise ValueError("the frame is no JPEG, or damaged before its voxels")


def _huffman_tables(body: bytes, most: int) -> set[int]:
    """Class and number of each table (T.81, B.2.4.2)."""
    found, at = set(), 0
    while at < len(body):
        counts = body[at + 1 : at + 17]
        kraft = sum(count << (16 - bits) for bits, count in enumerate(counts, start=1))
        if len(counts) < 16 or sum(counts) > most or kraft > 2**16 or body[at] & 0xEC:
            raise ValueError("a Huffman table of the JPEG frame is damaged")
        found.add(body[at])
        at += 17 + sum(counts)
    if at != len(body):
        raise ValueError("a Huffman table of the JPEG frame is cut off")
    return found


def _check_scan(body: bytes, component: int | None, tables: set[int], lossless: bool) -> None:
    """One component with tables that are there (T.81, B.2.3)."""
    if len(body) != 6 or body[0] != 1 or body[1] != component:
        raise ValueError("the JPEG frame's scan is of another component")
    needed = {body[2] >> 4} if lossless else {body[2] >> 4, 0x10 | (body[2] & 0xF)}
    predictor, end, approximation = body[3:]
    sane = (1 <= predictor <= 7 and end == 0) if lossless else (predictor, end) == (0, 63)
    if not needed <= tables or not sane or approximation > (15 if lossless else 0):
        raise ValueError("the JPEG frame's scan is damaged")
