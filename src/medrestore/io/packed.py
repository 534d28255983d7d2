"""Files that may be packed with gzip, as archives keep them: opened as if they were not."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_packed", "opened", "size_of"]

MAGIC = b"\x1f\x8b"


def is_packed(path: Path) -> bool:
    """Whether a file starts as gzip does (RFC 1952)."""
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
