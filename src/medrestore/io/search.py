"""Search for scans: every volume under a folder, or the one that a path means.

Each file is opened once, several at a time.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import InputError, UnreadableError, UnsuitableError
from medrestore.io.formats import FORMATS, format_of, is_store, listed
from medrestore.io.regular import listing
from medrestore.io.scan import Scan

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io.dicom.frame import Frame, Stack
    from medrestore.io.scan import Progress
    from medrestore.volume import Volume

__all__ = ["Found", "only_scan", "scan_of_file", "search", "single_slice_warning"]

AT_ONCE = 8
"""Files being opened: network disks answer one after the other else."""
LISTED = 8
"""Volumes named in a message before 'and n more'."""


class Found(NamedTuple):
    """Scans and other files under a folder.

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
    """Content of one file, as its header tells it."""

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
        if kind is not None and FORMATS[kind].series:
            from medrestore.io import dicom

            return _Look(path, planes=dicom.frames_found(path, modality))
        if kind is not None:
            return _Look(path, FORMATS[kind].describe(path))
    except InputError as error:
        reason = str(error).removeprefix(str(path)).lstrip(": ")
        return _Look(path, reason=reason, left_out=isinstance(error, UnsuitableError))
    return _Look(path, reason="not a scan")


def scan_of_file(path: Path) -> Scan:
    """A file taken for a scan by its format alone: its reader says what is wrong with it."""
    kind = format_of(path)
    if kind is None:
        known = [label for one in FORMATS.values() for label in one.label.split(", ")]
        raise UnreadableError(f"{path} is not a scan that medrestore knows ({listed(known)})")
    return Scan(path, kind, None, (1, 1, 1), (1.0, 1.0, 1.0), "", files=(path,), part=None)


def single_slice_warning(volume: Volume, path: Path) -> tuple[str, ...]:
    """Warning for a DICOM file that is one slice while its folder holds others like it."""
    if volume.source.format != "dicom" or volume.geometry.shape[0] > 1 or volume.is_4d:
        return ()
    others = sum(
        1 for other in path.parent.iterdir() if other.suffix == path.suffix and other.is_file()
    )
    if others < 2:
        return ()
    return (
        f"this is one slice, of a folder with {others} such files; give the folder to read a whole "
        "series",
    )


def only_scan(folder: Path, modality: str | None) -> tuple[Scan, Stack | None]:
    """The one scan under a folder."""
    found, skipped, *_ = search(folder, modality)
    if len(found) == 1:
        return found[0]
    if found:
        listed = "; ".join(f"[{i}] {scan}" for i, (scan, _) in enumerate(found[:LISTED]))
        more = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
        raise InputError(
            f"{folder} holds {len(found)} volumes: {listed}{more}; give the sub-folder or file of "
            "one, read one of medrestore.find(path), or restore all with medrestore batch"
        )
    if not skipped:
        raise InputError(f"{folder} holds no files; give the folder with the scan")
    file, reason = skipped[0]
    others = f" (and {len(skipped) - 1} more files)" if len(skipped) > 1 else ""
    raise InputError(f"{folder} holds no scan that can be read: {file.name}: {reason}{others}")
