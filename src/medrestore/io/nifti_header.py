"""Looking through a NIfTI header before nibabel does, which believes its offsets and lengths."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from medrestore.errors import UnreadableError
from medrestore.io.limits import DEFLATE_BEST_RATIO
from medrestore.io.packed import MAGIC as MAGIC_OF_GZIP
from medrestore.io.packed import is_packed, opened

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["vet"]

LARGEST_OFFSET = 64 * 2**20
"""Bytes before the voxels of a gzipped file: extensions of this size are none."""
LAYOUTS = {348: ("h", 40, "f", 108, 344), 540: ("q", 16, "q", 168, 4)}
"""By sizeof_hdr: type and place of dim[0], then of vox_offset; place of magic."""
MAGIC = {348: (b"n+1", b"ni1"), 540: (b"n+2", b"ni2")}


def vet(path: Path) -> tuple[int, bool]:
    """Refuse offsets and extensions that lie beyond the file.

    Returns
    -------
    size : int
        Bytes of the header: 348 (NIfTI-1) or 540.
    single : bool
        Whether the voxels follow in the same file.

    Raises
    ------
    UnreadableError
        If ``vox_offset`` is no place in the file, an extension longer than what is before it, or
        the file packed twice.
    EOFError, OSError, ValueError, zlib.error
        If the header cannot be read, or is none of NIfTI's.
    """
    size = path.stat().st_size
    with opened(path) as file:
        head = file.read(4)
        if head[:2] == MAGIC_OF_GZIP and is_packed(path):
            raise UnreadableError(f"{path} is packed with gzip twice; unpack it once (gunzip)")
        order = next((o for o in "<>" if len(head) == 4 and _size(o, head) in LAYOUTS), None)
        if order is None:
            raise ValueError("sizeof_hdr is neither 348 nor 540")
        size_of_header = _size(order, head)
        dim, axes_at, kind, at, magic_at = LAYOUTS[size_of_header]
        head += file.read(size_of_header + 4 - len(head))
        if len(head) < size_of_header:
            raise EOFError("the header is cut off")
        if head[magic_at : magic_at + 3] not in MAGIC[size_of_header]:
            raise ValueError("magic and sizeof_hdr are not of the same version")
        (axes,) = struct.unpack_from(order + dim, head, axes_at)
        if not 0 <= axes <= 7:  # nibabel would take the header for one of the other byte order
            raise ValueError(f"the header has {axes} axes")
        (offset,) = struct.unpack_from(order + kind, head, at)
        single = head[magic_at : magic_at + 2] == b"n+"
        room = min(size * DEFLATE_BEST_RATIO, LARGEST_OFFSET) if is_packed(path) else size
        room = room if single else LARGEST_OFFSET  # voxels in a file of their own
        if not math.isfinite(offset) or not 0 <= offset <= max(room, len(head) + 4):
            raise UnreadableError(
                f"{path} is damaged or truncated: its header says that its voxels start at byte "
                f"{offset:.6g}, the file has {size} bytes; copy it again"
            )
        if head[size_of_header:][:1] not in (b"", b"\0"):  # extensions are announced
            if single and offset < len(head):  # nibabel would look for them in the voxels
                raise ValueError("extensions, but voxels from the header's end on")
            _vet_extensions(path, file, order, len(head), int(offset) if single else size)
        return size_of_header, single


def _size(order: str, head: bytes) -> int:
    return int(struct.unpack_from(f"{order}i", head)[0])


def _vet_extensions(path: Path, file: BinaryIO, order: str, at: int, end: int) -> None:
    while at + 16 <= end and len(head := file.read(8)) == 8:
        size = _size(order, head)
        if not 8 < size <= end - at:
            raise UnreadableError(
                f"{path} is damaged: its header extension at byte {at} claims {size} bytes of the "
                f"{end - at} before its voxels; copy it again, or convert it without extensions"
            )
        file.seek(at + size)
        at += size
