"""Writing whole files or none: everything goes to a temporary folder beside the target first.

Temporary folders are hidden (``.medrestore-…``), so that no search finds half a result, and locked
while in use. A folder that nobody holds the lock of was left by a process that died; the next write
beside it removes it, and puts back what that process had moved out of the way and not yet replaced.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["settle", "staged_file", "staged_folder", "temporary_folder"]

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: nothing can be locked, and nothing is swept
    fcntl = None

PREFIX = ".medrestore-"
OLD = "old"
"""Folder for one that is being replaced, under the name of that."""
YOUNG_S = 60.0
"""Younger folders are not swept: their process may not have locked them yet."""


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A new hidden folder in ``parent``, gone with all that is left in it when the block ends.

    ``parent`` is made if it is missing (OSError if it cannot be), and removed again if the block
    fails.
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
    except OSError:  # locked, gone, or on a disk without locks
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
                for moved in (folder / OLD).glob("*"):
                    if not (parent / moved.name).exists():
                        os.rename(moved, parent / moved.name)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


@contextmanager
def staged_file(path: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary path with the target's name; renamed to the target when the block ends well.

    Companions that a format writes beside its header (``.raw`` beside ``.mhd``) move first, so
    that a header never names data that are not there.

    Raises
    ------
    OutputError
        If the target exists and ``overwrite`` is false, or its folder cannot be written.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another name or pass overwrite=True")
    with _writing(path), temporary_folder(path.parent) as folder:
        staged = folder / "new"
        staged.mkdir()
        yield staged / path.name
        settle(staged)
        companions = [file for file in sorted(staged.iterdir()) if file.name != path.name]
        _refuse_strangers(path, companions, overwrite)
        if companions and path.exists():  # a crash leaves no old header with new data
            os.replace(path, folder / "replaced")
        for written in (*companions, staged / path.name):
            os.replace(written, path.parent / written.name)
        settle(path.parent, deep=False)


def _refuse_strangers(path: Path, companions: list[Path], overwrite: bool) -> None:
    for written in companions:
        if (path.parent / written.name).exists() and not overwrite:
            raise OutputError(
                f"{path.parent / written.name} exists already, and {path.name} needs a file of "
                "that name; choose another name or pass overwrite=True"
            )


@contextmanager
def staged_folder(path: Path, overwrite: bool, ours: Callable[[Path], bool]) -> Iterator[Path]:
    """A temporary folder, renamed to the target when the block ends well.

    Parameters
    ----------
    path : Path
        The folder to write; may exist if it is empty.
    overwrite : bool
        Replace a folder with files in it.
    ours : callable
        True of a file that a former run wrote: a folder with anything else in it is never
        replaced.

    Raises
    ------
    OutputError
        If the folder may not be replaced, or cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; give the name of a folder")
    present = list(path.iterdir()) if path.exists() else []
    if present and not overwrite:
        raise OutputError(f"{path} is not empty; choose another folder or pass overwrite=True")
    strange = next((file for file in present if not ours(file)), None)
    if strange is not None:
        raise OutputError(
            f"{path} holds {strange.name}, which medrestore did not write; it is left alone: "
            "choose another folder"
        )
    with _writing(path), temporary_folder(path.parent) as temporary:
        new, old = temporary / "new", temporary / OLD / path.name
        new.mkdir()
        yield new
        settle(new)
        old.parent.mkdir()
        if path.exists():
            os.rename(path, old)
        try:
            os.rename(new, path)
        except OSError:
            if old.exists():
                os.rename(old, path)
            raise
        settle(path.parent, deep=False)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; check the folder, its "
            "permissions and the space left"
        ) from error
