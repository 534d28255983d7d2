"""Voxels of NIfTI files, in and out, a few slices at a time where there are many."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import nibabel
import numpy as np

from medrestore import scratch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ReleasingFile", "read_voxels"]

nib: Any = nibabel
"""Typed in parts only."""


def read_voxels(image: Any, shape: tuple[int, int, int], times: int) -> NDArray[np.float32]:
    """Intensities of an opened image, (t, z, y, x) in float32.

    Where they are many they are read in one pass, unpacked and scaled into an array of `scratch`;
    float32 that needs neither is mapped where it lies.
    """
    whole = (times, *shape)
    if 4 * prod(whole) <= scratch.IN_MEMORY_BYTES or _can_be_mapped(image.dataobj):
        stored = image.get_fdata(dtype=np.float32, caching="unchanged")
        return np.asarray(stored.reshape((*shape[::-1], times), order="F").T)
    proxy = image.dataobj
    out: NDArray[np.float32] = scratch.zeros(whole)
    planes = out.reshape(-1, *shape[1:])
    plane_bytes = shape[1] * shape[2] * proxy.dtype.itemsize
    size = max(1, scratch.IN_MEMORY_BYTES // (4 * shape[1] * shape[2]))
    with nib.openers.ImageOpener(proxy.file_like, "rb") as file:
        for first in range(0, len(planes), size):
            part = planes[first : first + size]
            spec = (
                part.shape[::-1],
                proxy.dtype,
                proxy.offset + first * plane_bytes,
                proxy.slope,
                proxy.inter,
            )
            part[:] = np.asarray(nib.arrayproxy.ArrayProxy(file, spec, mmap=False), np.float32).T
            scratch.release(out)
    return out


def _can_be_mapped(proxy: Any) -> bool:
    plain = (proxy.slope, proxy.inter) == (1.0, 0.0) and proxy.dtype == np.dtype(np.float32)
    return plain and not str(proxy.file_like).lower().endswith((".gz", ".bz2", ".zst"))


class ReleasingFile:
    """A file that gives back the memory of the array that is written into it, as it goes.

    Parameters
    ----------
    file : file object
        Open for writing.
    array : ndarray
        What is being written.
    """

    def __init__(self, file: Any, array: NDArray[Any]) -> None:
        self._file, self._array, self._written = file, array, 0

    def write(self, data: bytes) -> int:
        """Write some of it."""
        self._written += len(data)
        if self._written > scratch.IN_MEMORY_BYTES:
            self._written = 0
            scratch.release(self._array)
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
