"""Temporary folders beside a target: locked while in use, swept when their process was killed.

They are hidden (``.medrestore-…``), so that no search finds half a result. A folder that nobody
holds the lock of was left by a process that died; the next write beside it removes it, and puts
back what that process had moved out of the way and not yet replaced.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OLD", "settle", "temporary_folder"]

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: nothing can be locked, and nothing is swept
    fcntl = None

PREFIX = ".medrestore-"
OLD = "old"
"""Holds, under its own name, a folder that is being replaced."""
YOUNG_S = 60.0
"""A folder is left alone this long: its process may not have locked it yet."""


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A new hidden folder in ``parent``, gone with all that is left in it when the block ends.

    ``parent`` is made if it is missing, and removed again if the block fails.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = _locked(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)
    except BaseException:
        for missing in made:
            with suppress(OSError):  # something else is in it by now
                missing.rmdir()
        raise


def settle(folder: Path, deep: bool = True) -> None:
    """Wait until a folder's files are on the disk, or with ``deep=False`` its own entries.

    Renamed before its bytes are down, a file may be empty after a power loss.
    """
    for path in [file for file in folder.rglob("*") if file.is_file()] if deep else [folder]:
        if path.is_dir() and fcntl is None:
            return  # folders cannot be opened there
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _locked(folder: Path) -> int | None:
    """A handle that keeps others from sweeping the folder; None if it is in use, or no locks."""
    if fcntl is None:
        return None
    handle = None
    try:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, gone, or on a disk without locks
        if handle is not None:
            os.close(handle)
        return None
    return handle


def _sweep(parent: Path) -> None:
    """Remove what killed processes left in ``parent``; only folders that can be locked."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or time.time() - folder.stat().st_mtime < YOUNG_S:
                continue
            lock = _locked(folder)
            if lock is None:
                continue
            try:
                for kept in (folder / OLD).glob("*"):
                    if not (parent / kept.name).exists():
                        os.rename(kept, parent / kept.name)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
