"""Files that may be packed with gzip, as archives keep them: opened as if they were not."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CHUNK", "MAGIC", "Unpacked", "is_packed", "opened", "size_of"]

MAGIC = b"\x1f\x8b"
GZIP = 16 + zlib.MAX_WBITS
"""Makes zlib expect gzip's header and check its trailer."""
CHUNK = 2**20
"""Bytes read at once."""


def is_packed(path: Path) -> bool:
    """True if a file starts as gzip does (RFC 1952)."""
    with path.open("rb") as file:
        return file.read(2) == MAGIC


def opened(path: Path) -> BinaryIO:
    """A file to read; of a packed one no more is unpacked than is read."""
    return cast("BinaryIO", gzip.open(path)) if is_packed(path) else path.open("rb")


def size_of(path: Path) -> int:
    """Bytes that reading gives; of a packed file what its trailer says, below 4 GiB."""
    if not is_packed(path):
        return path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4))
        return int.from_bytes(file.read(4), "little")


class Unpacked(io.RawIOBase):
    """The contents of a gzip file, from its start to its end, with all its checksums compared.

    Members that follow each other are one (RFC 1952, 2.2); zeros behind the last are padding, as
    tapes have it. Reading raises EOFError if a member is cut off, and zlib.error if it is damaged:
    a checksum or a length does not fit.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._member = zlib.decompressobj(GZIP)
        self._packed = b""
        self._ended = False
        self.junk = False
        """True if something that is not gzip follows; known at the end."""

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill some of a buffer; 0 at the end."""
        while not self._ended:
            if not self._packed:
                self._packed = self._file.read(CHUNK)
                if not self._packed:
                    raise EOFError("the packed data are cut off")
            data = self._member.decompress(self._packed, len(buffer))
            self._packed = self._member.unconsumed_tail
            if self._member.eof:
                self._next_member()
            if data:
                buffer[: len(data)] = data
                return len(data)
        return 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _next_member(self) -> None:
        rest = self._member.unused_data.lstrip(b"\0")
        while len(rest) < len(MAGIC):
            more = self._file.read(CHUNK)
            if not more:
                break
            rest = (rest + more).lstrip(b"\0")
        if rest.startswith(MAGIC):
            self._member, self._packed = zlib.decompressobj(GZIP), rest
        else:
            self._ended, self.junk = True, bool(rest)
