"""One scan of a batch as it is handed to whoever restores it, and what comes back.

Both travel between machines: they hold paths, settings and text, never a volume.
"""

from __future__ import annotations

import pickle
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path
    from typing import Protocol

    from medrestore.batch.handling import Handling
    from medrestore.batch.page import Article
    from medrestore.io import Scan
    from medrestore.settings.settings import Settings

    class Place(Protocol):
        """Where scans are restored: in this process, or on a cluster."""

        def outcomes(
            self, tasks: Iterable[Task], total: int
        ) -> Generator[tuple[Task, Outcome], None, None]:
            """What became of each of at most ``total`` tasks, as soon as it is known."""


__all__ = ["Done", "Failed", "Outcome", "Place", "Task"]


@dataclass(frozen=True, repr=False)
class Task:
    """A scan to be restored. It has no ``repr``: logs of a cluster are to name no scan.

    Parameters
    ----------
    number : int
        Place among the scans of the batch, from 1.
    scan : Scan
        As `find` described it.
    name, label : str
        What the log calls it; what is said while it runs.
    root, folder, out : Path
        Folders of all scans, of its results, and of all results.
    stem : str
        Begins the names of its results.
    settings, handling
        What is asked for.
    asked : mapping
        What its key depends on (`content.key_of`).
    key : str, optional
        Its key, if it is known.
    among : int
        How many scans share the page of the batch.
    """

    number: int
    scan: Scan
    name: str
    label: str
    root: Path
    folder: Path
    out: Path
    stem: str
    settings: Settings
    handling: Handling
    asked: Mapping[str, Any]
    key: str | None
    among: int

    @property
    def place(self) -> str:
        """Folder and stem of its results, below those of all."""
        return (self.folder / self.stem).relative_to(self.out).as_posix()

    def absolute(self) -> Task:
        """The same for a process in another folder."""
        scan = self.scan
        files = tuple(file.absolute() for file in scan.files)
        return replace(
            self,
            scan=replace(scan, path=scan.path.absolute(), files=files),
            **{name: getattr(self, name).absolute() for name in ("root", "folder", "out")},
        )

    def packed(self) -> bytes:
        """The task as one small object, to be sent: 1 kB for a series of 100 files.

        A scheduler remembers its last messages to each worker; thousands of paths would weigh
        there, and be unpickled once more.
        """
        return zlib.compress(pickle.dumps(self.absolute()))

    @classmethod
    def unpacked(cls, packed: bytes) -> Task:
        """The task that was `packed`, with absolute paths."""
        task: Task = pickle.loads(zlib.decompress(packed))
        return task


@dataclass(frozen=True)
class Done:
    """A scan was restored.

    Parameters
    ----------
    key : str
        Of the scan (`content.key_of`).
    facts : dict
        What the log says of it.
    article : Article
        What the page says of it.
    seconds : float
        From reading to writing.
    outputs : tuple of str
        What was written, below the folder of all results, the record last.
    """

    key: str
    facts: dict[str, Any]
    article: Article
    seconds: float
    outputs: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Failed:
    """A scan could not be restored: why, and whether it may go well another time.

    ``key`` is None where the scan could not even be identified.
    """

    reason: str
    again: bool
    key: str | None = None


Outcome = Done | Failed
