"""Data sets out of files that may be packed, deflated, damaged or hostile.

pydicom asks a file for as many bytes as an element claims, and unpacks a deflated file at once.
Here reads come in pieces, so that no more is held than there is; packed bytes are unpacked as they
are requested, up to a limit. Remarks of pydicom and highdicom stay out of logs (`quiet`): they may
quote a patient's data.
"""

from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.errors import BytesLengthException
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medrestore.io.packed import is_packed, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["DAMAGE", "quiet", "read"]


class _Quiet:
    """Silence while any thread is inside: they enter and leave in any order."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._pydicom = logging.getLogger("pydicom")
        self._highdicom = logging.getLogger("highdicom")  # its children inherit a level
        self._before: tuple[warnings.catch_warnings[Any], bool, int]

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = (
                    warnings.catch_warnings(),
                    self._pydicom.disabled,
                    self._highdicom.level,
                )
                self._before[0].__enter__()
                warnings.simplefilter("ignore")
                self._pydicom.disabled = True
                self._highdicom.setLevel(logging.CRITICAL + 1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                caught, self._pydicom.disabled, level = self._before
                self._highdicom.setLevel(level)
                caught.__exit__(None, None, None)


_QUIET = _Quiet()


def quiet() -> _Quiet:
    """A context without the logs of pydicom and highdicom, and without warnings."""
    return _QUIET


DAMAGE = (
    ArithmeticError,  # a Decimal String that is no number, an infinite Integer String
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,  # sequences in sequences without end
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""Exceptions of pydicom on garbled bytes, from file or when a value is first looked at."""
PIECE = 2**20
VOXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
"""Tags of Float, Double Float and plain Pixel Data."""
HEADER_ROOM = 256 * 2**20
"""Bytes that all but the voxels may unpack to: thousands of functional groups have some tens."""
READS, READS_PER_BYTE = 200_000, 4
"""Reads of a packed file: about three per element, of which a packed byte holds one at most."""


def read(path: Path, tags: Sequence[str] | None = None, room: int = 0) -> FileDataset:
    """The data set of a file.

    Parameters
    ----------
    path : Path
        A DICOM file, maybe deflated or packed with gzip.
    tags : sequence of str, optional
        Keywords to read, voxels included; without it everything before the voxels.
    room : int
        Bytes of voxels that a packed file may unpack to.

    Raises
    ------
    Exception
        One of `DAMAGE`, where the file is no DICOM or unpacks to more than there is room for.
    """
    selected: list[Any] | None = None if tags is None else [Tag(tag) for tag in tags]
    stop = None if tags is not None else lambda tag, vr, length: tag in VOXELS
    size = path.stat().st_size
    with quiet(), opened(path) as raw:
        file: Any = _Unpacked(raw.read, size, room) if is_packed(path) else _Pieces(raw)
        preamble = read_preamble(file, force=True)
        meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            file.seek(0)
            return read_partial(file, stop, force=True, specific_tags=selected)
        inside: Any = _Unpacked(_inflating(file), size, room)
        data = read_dataset(inside, False, True, stop_when=stop, specific_tags=selected)
        return FileDataset(BytesIO(), data, preamble, FileMetaDataset(meta), False, True)


class _Pieces:
    """A file whose reads cost what the file has, not what was requested."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, count: int = -1) -> bytes:
        if 0 <= count <= PIECE:
            return self._file.read(count)
        pieces = []
        while count and (piece := self._file.read(PIECE if count < 0 else min(count, PIECE))):
            pieces.append(piece)
            count -= len(piece) if count > 0 else 0
        return b"".join(pieces)


class _Unpacked:
    """Bytes that are unpacked when first read, into a buffer: seeking back is free."""

    def __init__(self, more: Callable[[int], bytes], packed: int, room: int) -> None:
        self._more = more
        self._buffer, self._end = BytesIO(), 0
        self._limit = HEADER_ROOM + room
        self._reads = READS + READS_PER_BYTE * packed

    def read(self, count: int = -1) -> bytes:
        self._reads -= 1
        if self._reads < 0:
            raise ValueError("more elements than a packed file of this size holds")
        self._grow(self._buffer.tell() + count if count >= 0 else self._limit + 1)
        return self._buffer.read(count)

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 2:
            self._grow(self._limit + 1)
        target = offset + (0, self._buffer.tell(), self._end)[whence]
        self._grow(target)
        return self._buffer.seek(min(target, self._end))

    def tell(self) -> int:
        return self._buffer.tell()

    def _grow(self, end: int) -> None:
        position = self._buffer.tell()
        self._buffer.seek(self._end)
        while self._end < end and (piece := self._more(PIECE)):
            self._buffer.write(piece)
            self._end += len(piece)
            if self._end > self._limit:
                raise ValueError(f"unpacks to more than {self._limit} bytes")
        self._buffer.seek(position)


def _inflating(file: Any) -> Callable[[int], bytes]:
    """Reads the rest of a file through deflate (PS3.5 A.5)."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)

    def more(count: int) -> bytes:
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or file.read(PIECE)
            out = unpacker.decompress(packed, count)
            if out:
                return out
            if not packed:
                raise EOFError("the deflated data set is cut off")
        return b""

    return more
