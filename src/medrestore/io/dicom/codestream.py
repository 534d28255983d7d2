"""JPEG frames looked through, to see whether they are of the header's grid.

GDCM ends the process when a frame unpacks to less than the header promises (an exception crosses
its wrapper), and takes no remark of its codec: it gets only frames that state the header's grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.encaps import get_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_frame"]

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
