"""Every volume under a folder: each file opened once, several at a time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import InputError
from medrestore.io.detect import format_of
from medrestore.io.zarr_store import is_store

if TYPE_CHECKING:
    from medrestore.io.dicom.frame import Frame
    from medrestore.io.dicom.stacks import Stack
    from medrestore.io.scan import Progress, Scan
    from medrestore.volume import Modality

    Found = tuple[list[tuple[Scan, Stack | None]], list[tuple[Path, str]]]

__all__ = ["search"]

AT_ONCE = 8
"""Files being opened: network disks answer one after the other else."""


class _Look(NamedTuple):
    """What one file turned out to be."""

    path: Path
    scan: Scan | None = None
    planes: list[Frame] | None = None
    reason: str = ""


def search(path: Path, modality: Modality | None, progress: Progress | None = None) -> Found:
    """Scans with what their format already knows of them, and what was left out and why.

    Parameters
    ----------
    path : Path
        A folder, searched with all its sub-folders, or a file.
    modality : "CT" or "MR", optional
        The caller's word; lets DICOM files of other modalities through.
    progress : Progress, optional
        Told about every file; what its ``tick`` raises ends the search.
    """
    files = [path] if path.is_file() or is_store(path) else _files_under(path)
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
    skipped = [(look.path, look.reason) for look in looks if look.reason and look.path not in parts]
    planes = [plane for look in looks for plane in look.planes or ()]
    if planes:
        from medrestore.io import dicom

        volumes, left_out = dicom.volumes_of(planes)
        found += volumes
        skipped += left_out
    found.sort(key=lambda pair: str(pair[0].path))  # stable: volumes of a folder keep their order
    return found, sorted(skipped)


def _look(path: Path, modality: Modality | None) -> _Look:
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
        return _Look(path, reason=str(error).removeprefix(str(path)).lstrip(": "))
    return _Look(path, reason="not a scan")


def _files_under(folder: Path) -> list[Path]:
    """Files and Zarr stores in all sub-folders, sorted; hidden ones left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        seen = sorted(name for name in folders if not name.startswith("."))
        stores = [name for name in seen if is_store(Path(parent, name))]
        folders[:] = [name for name in seen if name not in stores]
        found += [Path(parent, name) for name in stores]
        found += [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
    return found
