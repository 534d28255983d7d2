"""The folder of a batch's results: locked for one batch, cleared of stale files, laid out."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from medrestore.batch.gather import under
from medrestore.errors import OutputError
from medrestore.io.uids import without_uids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from medrestore.io import Scan

__all__ = ["ResultPaths", "folder_lock", "remove_stale"]

LOCK = ".batch.lock"
"""Empty and hidden: no search for scans finds it. It stays, so that all lock the same file."""
TEMPORARY = ".medrestore-*"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Lock a folder against other batches; the lock ends with the process however that ends.

    Where nothing can be locked (some network disks) it does nothing.

    Raises
    ------
    OutputError
        If another process has the lock.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            f"another batch is writing into {folder}; wait for it, or choose another folder"
        ) from error
    except (OSError, NotImplementedError):  # a disk without locks
        pass
    try:
        yield
    finally:
        lock.release()


def remove_stale(out: Path, begun: Iterable[str] = ()) -> None:
    """Remove what a killed batch left empty or half written; the next write sweeps the rest.

    `io.staging` sweeps what nobody uses once it is a minute old; a batch that is resumed at once
    is sooner. Folders in use are locked, and stay.

    Parameters
    ----------
    out : Path
        Folder of the results.
    begun : iterable of str
        Folder and stem, below it, of scans that were begun and not finished.
    """
    folders = {out}
    for result_path in begun:
        folder = (out / result_path).parent
        folders |= {folder, *(above for above in folder.parents if out in above.parents)}
    for left in [left for folder in folders for left in folder.glob(TEMPORARY)]:
        with suppress(OSError):
            if any(left.iterdir()):
                os.utime(left, (0, 0))
            else:
                left.rmdir()


class ResultPaths:
    """Names of scans and paths of their results, each given once.

    Scans that come in the same order get the same ones.

    Parameters
    ----------
    root, out : Path
        Folders of the scans and of the results; the second mirrors the first.
    """

    def __init__(self, root: Path, out: Path) -> None:
        self.root, self.out = root, out
        self._names: set[str] = set()
        self._stems: set[tuple[Path, str]] = set()

    def reserve_name(self, name: str) -> str:
        """Give a name to no other scan."""
        self._names.add(name)
        return name

    def reserve(self, folder: Path, stem: str) -> None:
        """Give a stem, which begins the names of results, to no other scan of this folder."""
        self._stems.add((folder, stem))

    def name(self, scan: Scan) -> str:
        """Path under the source; with the scan's own name where a path holds several."""
        path, number = under(scan.path, self.root), 1
        name = path
        while name in self._names:
            name = f"{path}#{scan.name}" + (f" ({number})" if number > 1 else "")
            number += 1
        return self.reserve_name(name)

    def folder(self, scan: Scan, stem: str) -> Path:
        """The mirrored folder; one of its own for a file whose stem another file there has."""
        inside = scan.path if scan.path.is_dir() else scan.path.parent
        folder = self.out / (under(inside, self.root) if inside != self.root else "")
        if (folder, stem) in self._stems:
            name = scan.path.name if scan.path.is_file() else scan.name
            folder = folder / without_uids(name)
        self.reserve(folder, stem)
        return folder
