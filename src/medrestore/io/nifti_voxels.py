"""Voxels of NIfTI files, in and out, a few slices at a time where there are many."""

from __future__ import annotations

import io
from math import prod
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np

from medrestore import disk_arrays
from medrestore.io.packed import CHUNK, Unpacked, is_packed, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medrestore.io.nifti_header import Stored

__all__ = ["ReleasingFile", "read_voxels", "stored_planes"]

nib: Any = nibabel
"""Typed in parts only."""


def read_voxels(
    stored: Stored, shape: tuple[int, int, int], times: int
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Intensities, (t, z, y, x) in float32, and what was odd about the file.

    A packed file is read to its end, so that its checksum speaks for every voxel. Where voxels are
    many they are scaled slice by slice into an array on disk; plain float32 that needs no
    scaling is mapped where it lies.

    Raises
    ------
    EOFError, OSError, ValueError, zlib.error
        If the file is cut off or damaged.
    """
    whole = (times, *shape)
    if is_packed(stored.voxels):
        return _unpacked(stored, whole)
    plain = stored.scaling == (1.0, 0.0) and stored.dtype == np.dtype(np.float32)
    with stored.voxels.open("rb") as file:
        if plain or 4 * prod(whole) <= disk_arrays.IN_MEMORY_BYTES:
            return _scaled(stored, file, whole, stored.offset), ()
        out: NDArray[np.float32] = disk_arrays.zeros(whole)
        at = stored.offset
        for part in _parts(out):
            part[:] = _scaled(stored, file, part.shape, at)
            at += part.size * stored.dtype.itemsize
            disk_arrays.release(out)
    return out, ()


def stored_planes(stored: Stored, count: int, shape: tuple[int, int]) -> Iterator[NDArray[Any]]:
    """The planes (y, x) of a file as they are stored, unscaled; raises as `read_voxels`."""
    size = prod(shape) * stored.dtype.itemsize
    with opened(stored.voxels) as file:
        file.seek(stored.offset)
        for _ in range(count):
            data = file.read(size)
            if len(data) < size:
                raise EOFError(f"{size - len(data)} bytes are missing")
            yield np.frombuffer(data, stored.dtype).reshape(shape)


def _unpacked(
    stored: Stored, whole: tuple[int, ...]
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    out: NDArray[np.float32] = disk_arrays.zeros(whole)
    with Unpacked(stored.voxels) as raw:
        file = io.BufferedReader(raw)
        _exactly(file, stored.offset)
        for part in _parts(out):
            data = _exactly(file, part.size * stored.dtype.itemsize)
            part[:] = _scaled(stored, io.BytesIO(data), part.shape, 0)
            disk_arrays.release(out)
        while file.read(CHUNK):  # to the end, where the checksum is
            pass
        if not raw.junk:
            return out, ()
    return out, ("something that is not gzip follows the packed scan in its file; it is ignored",)


def _parts(out: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The planes (y, x) of an array, so many at once as memory is for."""
    planes = out.reshape(-1, *out.shape[-2:])
    size = max(1, disk_arrays.IN_MEMORY_BYTES // (4 * planes[0].size))
    yield from (planes[first : first + size] for first in range(0, len(planes), size))


def _exactly(file: io.BufferedReader[Unpacked], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError(f"{count - len(data)} bytes are missing")
    return data


def _scaled(stored: Stored, file: Any, shape: tuple[int, ...], offset: int) -> NDArray[np.float32]:
    """Voxels of a plain file in C order; mapped where they need no change."""
    spec = (shape[::-1], stored.dtype, offset, *stored.scaling)
    return np.asarray(nib.arrayproxy.ArrayProxy(file, spec), np.float32).T


class ReleasingFile:
    """A file open for writing that releases the memory of the array that goes into it."""

    def __init__(self, file: Any, array: NDArray[Any]) -> None:
        self._file, self._array, self._written = file, array, 0

    def write(self, data: bytes) -> int:
        """Write some of it."""
        self._written += len(data)
        if self._written > disk_arrays.IN_MEMORY_BYTES:
            self._written = 0
            disk_arrays.release(self._array)
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
