"""Room for arrays of a scan's size: in memory while they are small, in a file when they are large.

A mapped file reads and writes like memory, but the system may take its pages back, so that what a
run holds follows from its slabs and not from the length of the scan. The files have no names and go
away with their arrays.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import ResourceError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["FOLDER", "IN_MEMORY_BYTES", "PageReleaser", "folder", "release", "zeros"]

IN_MEMORY_BYTES = 32 * 2**20
"""Arrays up to this size are plain memory: 128 slices of 256² in float32, 32 of 512²."""
PLANES_IN_MEMORY = 16
"""Planes of an array that stay in memory while it is gone through."""
FOLDER = "MEDRESTORE_SCRATCH"
"""Environment variable that names the folder for the files."""


def zeros(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """An array of zeros, in memory or in a file of its own.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : dtype
        Of its values.

    Raises
    ------
    ResourceError
        If the disk has no room for the file.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY_BYTES:
        return np.zeros(shape, dtype)
    try:
        with tempfile.TemporaryFile(dir=folder(), prefix="medrestore_") as file:
            _claim(file, size)
            return np.asarray(np.memmap(file, dtype, "r+", shape=shape))
    except OSError as error:
        named = f"what {FOLDER} names" if os.environ.get(FOLDER) else "the folder for such files"
        raise ResourceError(
            f"a scan of this size is worked on in files; {size / 1e9:.2g} GB cannot be had in "
            f"{named} ({error.strerror or error}): make room there, or name another folder on a "
            f"disk in the environment variable {FOLDER}"
        ) from error


def folder() -> Path:
    """Folder of the files: what the environment names (`FOLDER`, TMPDIR), else /var/tmp.

    The usual /tmp may be a disk in memory; /var/tmp hardly ever is.
    """
    named = os.environ.get(FOLDER) or os.environ.get("TMPDIR")
    if named:
        return Path(named)
    usual = Path("/var/tmp")
    writable = os.name == "posix" and os.access(usual, os.W_OK | os.X_OK)
    return usual if writable else Path(tempfile.gettempdir())


def release(*arrays: NDArray[Any] | None) -> None:
    """Let the system have the pages of mapped arrays back; the values stay in their files.

    Arrays in memory are left alone, and so are private mappings, whose changes have no file.
    """
    for array in arrays:
        pages = _shared_pages(array)
        if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
            pages.madvise(mmap.MADV_DONTNEED)


class PageReleaser:
    """Gives back the memory of arrays that are gone through plane by plane, now and then.

    Parameters
    ----------
    *arrays : ndarray
        What is gone through; None is passed over.
    """

    def __init__(self, *arrays: NDArray[Any] | None) -> None:
        self._arrays, self._planes = [one for one in arrays if one is not None], 0

    def zeros(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """One more of them, made here."""
        self._arrays.append(zeros(shape))
        return self._arrays[-1]

    def tick(self) -> None:
        """One more plane was looked at."""
        self._planes += 1
        if self._planes % PLANES_IN_MEMORY == 0:
            release(*self._arrays)


def _claim(file: IO[bytes], size: int) -> None:
    """Take the disk's space now: a full disk met while writing to a mapping kills the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    block = bytes(2**22)
    for _ in range(size // len(block)):
        file.write(block)
    file.write(bytes(size % len(block)))
    file.flush()


def _shared_pages(array: Any) -> mmap.mmap | None:
    """The mapping that an array, or what it is a view of, was made on."""
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    if array is None or array.mode == "c":
        return None
    return getattr(array, "_mmap", None)
