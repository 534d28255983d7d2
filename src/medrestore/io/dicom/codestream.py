"""Which plug-in decodes compressed voxels, and whether a JPEG frame is what the header says.

pydicom tries whatever is installed. GDCM ends the process when a frame unpacks to less than the
header promises (an exception crosses its wrapper), so it decodes what nobody else does, the
lossless and lossy JPEG of older scanners, and only frames that state the header's grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.encaps import get_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_frame", "plugin_for"]

PLUGINS = {
    "RLE": "pydicom",
    "JPEG-LS": "pyjpegls",
    "JPEG 2000": "pylibjpeg",
    "High-Throughput JPEG 2000": "pylibjpeg",
    "JPEG": "gdcm",
}
"""By the start of a transfer syntax's name; the first match counts."""
START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""SOF markers of ITU-T T.81, table B.1."""
LONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length."""


def plugin_for(syntax: Any) -> str:
    """Name, to pydicom, of the plug-in for a transfer syntax; empty for native ones: its own."""
    if not syntax.is_encapsulated:
        return ""
    return next((plugin for start, plugin in PLUGINS.items() if syntax.name.startswith(start)), "")


def check_frame(header: Any, index: int) -> None:
    """Compare a JPEG frame's own grid with the header's.

    Raises
    ------
    ValueError
        If the frame is no JPEG, or states another grid.
    """
    count = int(header.get("NumberOfFrames") or 1)
    frame = get_frame(header.PixelData, index, number_of_frames=count)
    stated = next(
        (int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"), int(body[5]))
        for marker, body in _segments(frame)
        if marker in START_OF_FRAME and len(body) > 5
    )
    expected = (int(header.Rows), int(header.Columns), 1)
    if stated != expected:
        raise ValueError(f"the JPEG frame has {stated} rows, columns, samples, not {expected}")


def _segments(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and parameters of each segment before the coded voxels (T.81, B.1.1)."""
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker in LONE or marker == 0xFF:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(frame[at + 2 : at + 4], "big")
        yield marker, frame[at + 4 : at + 2 + length]
        at += 2 + max(2, length)
    raise ValueError("the frame is no JPEG, or has no header")
