"""One scan of a batch as it is handed to an executor, the key it is known by, and its outcome.

Tasks and outcomes travel between machines: they hold paths, settings and text, never a volume.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.errors import UnreadableError
from medrestore.io.modality import check_modality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from medrestore.batch.page import Article
    from medrestore.io import Scan
    from medrestore.io.dicom.grid import Gaps
    from medrestore.settings.settings import Settings
    from medrestore.volume import Volume

__all__ = ["Done", "Failed", "FileOptions", "Outcome", "Task", "key_of"]

WITH_DATA_FILES = (".mhd", ".nhdr", ".hdr")
"""Headers whose voxels lie in a file of the same stem."""


@dataclass(frozen=True)
class FileOptions:
    """Arguments of `denoise_folder` on reading and writing files, with the same names."""

    modality: str | None
    fallback: str | None
    gaps: Gaps
    format: str
    overwrite: bool

    @property
    def expected(self) -> str | None:
        """The modality of a scan that does not say it."""
        return check_modality(self.modality or self.fallback)

    def read(self, scan: Scan) -> Volume:
        """The scan, of a modality that is known or was given."""
        volume = io.read(scan, self.modality, self.gaps)
        if volume.modality is None and self.fallback is not None:
            return io.read(scan, self.fallback, self.gaps)
        return volume


@dataclass(frozen=True, repr=False)
class Task:
    """A scan to be restored. It has no ``repr``: logs of a cluster are to name no scan.

    Parameters
    ----------
    number : int
        Position among the scans of the batch, from 1.
    scan : Scan
        As `find` described it.
    name, label : str
        Its name in the log; the label of its progress.
    root, folder, out : Path
        Folders of all scans, of its results, and of all results.
    stem : str
        Begins the names of its results.
    settings, files
        Settings of the run; options on files.
    requested : mapping
        Settings and options that its key depends on (`key_of`).
    key : str, optional
        Its key, if it is known.
    total : int
        Number of scans that share the page of the batch.
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
    files: FileOptions
    requested: Mapping[str, Any]
    key: str | None
    total: int

    @property
    def result_path(self) -> str:
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
        Of the scan (`key_of`).
    facts : dict
        Of its line in the log.
    article : Article
        Of the page.
    seconds : float
        From reading to writing.
    outputs : tuple of str
        Paths of its results, below the folder of all results, the record last.
    """

    key: str
    facts: dict[str, Any]
    article: Article
    seconds: float
    outputs: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Failed:
    """A scan could not be restored: why, and ``again`` if it may go well another time.

    ``key`` is None where the scan could not even be identified.
    """

    reason: str
    again: bool
    key: str | None = None


Outcome = Done | Failed


def key_of(scan: Scan, root: Path, requested: Mapping[str, Any]) -> str:
    """SHA-256 of a scan's path under ``root``, its files' contents and what is requested.

    A scan with the key of an earlier result is not restored again.

    Parameters
    ----------
    scan : Scan
        As `find` described it.
    root : Path
        The folder of the batch: a whole archive may be moved.
    requested : mapping
        Settings and options on files; JSON types only.

    Raises
    ------
    UnreadableError
        If a file cannot be read.
    """
    content = {"part": scan.part, "name": scan.name, "asked": dict(requested)}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for file in sorted(_files_of(scan)):
        path = file.relative_to(root) if file.is_relative_to(root) else file.name
        try:
            with file.open("rb") as opened:
                digest_of_file = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise UnreadableError(
                f"{file.name} cannot be read: {error.strerror or error}; check its permissions"
            ) from error
        digest.update(f"{path}\n{digest_of_file}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files_of(scan: Scan) -> Iterator[Path]:
    for file in scan.files or (scan.path,):
        if file.is_dir():  # a Zarr store
            yield from (inner for inner in file.rglob("*") if inner.is_file())
            continue
        yield file
        if file.suffix.lower() in WITH_DATA_FILES:
            yield from (
                other
                for other in file.parent.iterdir()
                if other.name.startswith(f"{file.stem}.") and other != file and other.is_file()
            )
