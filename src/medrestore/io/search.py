"""Every volume under a folder: each file opened once, several at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import InputError, UnsuitableError
from medrestore.io.detect import format_of
from medrestore.io.regular import listing
from medrestore.io.zarr_store import is_store

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame, Stack
    from medrestore.io.scan import Progress, Scan

__all__ = ["Found", "search"]

AT_ONCE = 8
"""Files being opened: network disks answer one after the other else."""


class Found(NamedTuple):
    """What lies under a folder.

    Parameters
    ----------
    volumes : list of (Scan, Stack or None)
        Scans, with what their format already knows of them.
    skipped : list of (Path, str)
        Everything else, and why it was left out.
    left_out : frozenset of Path
        Of these, what there is nothing wrong with: label maps, pipes, folders met again.
    refused : frozenset of Path
        DICOM images of series that make no volume.
    """

    volumes: list[tuple[Scan, Stack | None]]
    skipped: list[tuple[Path, str]]
    left_out: frozenset[Path]
    refused: frozenset[Path]


class _Look(NamedTuple):
    """What one file turned out to be."""

    path: Path
    scan: Scan | None = None
    planes: list[Frame] | None = None
    reason: str = ""
    left_out: bool = False


def search(path: Path, modality: str | None, progress: Progress | None = None) -> Found:
    """Look at every file, no further than it takes to tell what it is.

    Parameters
    ----------
    path : Path
        A folder, searched with all its sub-folders, or a file.
    modality : "CT" or "MR", optional
        The caller's word; lets DICOM files of other modalities through.
    progress : Progress, optional
        Told about every file; what its ``tick`` raises ends the search.
    """
    lone = not path.is_dir() or is_store(path)
    files, passed_over = ([path], []) if lone else listing(path, is_store)
    if progress is not None:
        progress.start(len(files), "reading headers")
    looks = []
    pool = ThreadPoolExecutor(min(AT_ONCE, max(1, len(files))))
    try:
        for look in pool.map(lambda file: _look(file, modality), files):
            looks.append(look)
            if progress is not None:
                progress.tick()
    finally:
        pool.shutdown(cancel_futures=True)
    found: list[tuple[Scan, Stack | None]] = [(k.scan, None) for k in looks if k.scan is not None]
    parts = {file for scan, _ in found for file in scan.files}
    skipped = passed_over + [
        (look.path, look.reason) for look in looks if look.reason and look.path not in parts
    ]
    planes = [plane for look in looks for plane in look.planes or ()]
    refused: set[Path] = set()
    if planes:
        from medrestore.io import dicom

        volumes, left_out, refused = dicom.volumes_of(planes)
        found += volumes
        skipped += left_out
    found.sort(key=lambda pair: str(pair[0].path))  # stable: volumes of a folder keep their order
    there = {place for place, _ in passed_over if place.exists()}  # a lost file is a loss
    apart = there | {look.path for look in looks if look.left_out}
    return Found(found, sorted(skipped), frozenset(apart), frozenset(refused))


def _look(path: Path, modality: str | None) -> _Look:
    """Read a file's header."""
    try:
        kind = format_of(path)
        if kind == "dicom":
            from medrestore.io import dicom

            return _Look(path, planes=dicom.frames_found(path, modality))
        if kind == "nifti":
            from medrestore.io import nifti

            return _Look(path, nifti.describe(path))
        if kind == "itk":
            from medrestore.io import itk

            return _Look(path, itk.describe(path))
        if kind == "zarr":
            from medrestore.io import zarr_store

            return _Look(path, zarr_store.describe(path))
    except InputError as error:
        reason = str(error).removeprefix(str(path)).lstrip(": ")
        return _Look(path, reason=reason, left_out=isinstance(error, UnsuitableError))
    return _Look(path, reason="not a scan")
