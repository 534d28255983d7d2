"""One batch at a time in a folder of results."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from medrestore.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["alone_in"]

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: folders cannot be locked
    fcntl = None


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process however that ends.

    Where nothing can be locked (Windows, some network disks) it does nothing.

    Raises
    ------
    OutputError
        If another process holds it.
    """
    handle = None
    if fcntl is not None:
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
    try:
        if handle is not None:
            _lock(handle, folder)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(
            f"another batch is writing into {folder}; wait for it, or choose another folder"
        ) from error
    except OSError:  # a disk without locks
        return
