"""Which scan a path means: the file itself, or the only one under a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import InputError, UnreadableError
from medrestore.io.detect import format_of
from medrestore.io.scan import Scan
from medrestore.io.search import search

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io.dicom.frame import Stack
    from medrestore.volume import Volume

__all__ = ["lone", "lone_slice", "only"]

LISTED = 8
"""Volumes named in a message before 'and n more'."""


def lone(path: Path) -> Scan:
    """A file taken for a scan by its format alone: its reader says what is wrong with it."""
    kind = format_of(path)
    if kind is None:
        raise UnreadableError(
            f"{path} is not a scan that medrestore knows (NIfTI, DICOM, NRRD, MetaImage or Zarr)"
        )
    return Scan(path, kind, None, (1, 1, 1), (1.0, 1.0, 1.0), "", files=(path,), part=None)


def lone_slice(volume: Volume, path: Path) -> tuple[str, ...]:
    """What to say of a DICOM file that is one slice while its folder holds others like it."""
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


def only(folder: Path, modality: str | None) -> tuple[Scan, Stack | None]:
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
