"""What a scan is and what was asked of it, as one hash: the same again is not done again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from medrestore.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from medrestore.io import Scan

__all__ = ["key_of"]

WITH_DATA_FILES = (".mhd", ".nhdr", ".hdr")
"""Headers whose voxels lie in a file of the same stem."""


def key_of(scan: Scan, root: Path, asked: Mapping[str, Any]) -> str:
    """SHA-256 of a scan's place under ``root``, its files' contents and what is asked for.

    Parameters
    ----------
    scan : Scan
        As `find` described it.
    root : Path
        The folder of the batch: a whole archive may be moved.
    asked : mapping
        Settings, and how scans are read and written; JSON types only.

    Raises
    ------
    UnreadableError
        If a file cannot be read.
    """
    what = {"part": scan.part, "name": scan.name, "asked": dict(asked)}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode())
    for file in sorted(_files(scan)):
        place = file.relative_to(root) if file.is_relative_to(root) else file.name
        try:
            with file.open("rb") as opened:
                content = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise UnreadableError(
                f"{file.name} cannot be read: {error.strerror or error}; check its permissions"
            ) from error
        digest.update(f"{place}\n{content}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(scan: Scan) -> Iterator[Path]:
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
