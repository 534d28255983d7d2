"""Looking at a scan plane by plane, so that what is made on the way stays small."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["nothing", "planes", "sha256_of"]


def nothing() -> None:
    """What is done after a plane, by default."""


def planes(array: NDArray[Any], after: Callable[[], object] = nothing) -> Iterator[NDArray[Any]]:
    """Every (y, x) plane of an array (…, y, x), in order; views, nothing is copied.

    ``after`` is called when a plane was looked at: whoever holds the array may give memory back.
    """
    for index in np.ndindex(array.shape[:-2]):
        yield array[index]
        after()


def sha256_of(array: NDArray[Any], after: Callable[[], object] = nothing) -> str:
    """SHA-256 of the values in C order, as hexadecimal digits."""
    digest = hashlib.sha256()
    for plane in planes(array, after):
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()
