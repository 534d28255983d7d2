"""Which format a file has: its first bytes decide, its suffix where they are silent."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Literal

from medrestore.errors import UnreadableError
from medrestore.io.regular import why_not_regular

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Format", "format_of", "suffix_of"]

Format = Literal["nifti", "itk", "dicom", "zarr"]

SUFFIXES: dict[str, Format] = {
    ".nii.gz": "nifti",
    ".nii": "nifti",
    ".nrrd": "itk",
    ".nhdr": "itk",
    ".mha": "itk",
    ".mhd": "itk",
    ".dcm": "dicom",
    ".zarr": "zarr",
}
NIFTI_MAGIC = {
    344: (b"n+1\0", b"ni1\0"),  # NIfTI-1: offset of `magic`
    4: (b"n+2\0", b"ni2\0"),  # NIfTI-2
}


def suffix_of(path: Path) -> str:
    """Lower-case suffix, ``.nii.gz`` in one piece; empty for suffixes that name no format."""
    name = path.name.lower()
    return next((s for s in SUFFIXES if name.endswith(s) and len(name) > len(s)), "")


def format_of(path: Path) -> Format | None:
    """The format of a file or a Zarr store, or None for something that is not a scan.

    Raises
    ------
    UnreadableError
        If it cannot be opened, or is a pipe, a socket or a device.
    """
    if path.is_dir():
        return "zarr" if suffix_of(path) == ".zarr" else None
    try:
        kind = why_not_regular(path)
        if kind:
            raise UnreadableError(f"{path} is {kind}, not a file; give a file or a folder")
        start = _first_bytes(path)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be opened: {error.strerror or error}") from error
    return _by_content(start) or SUFFIXES.get(suffix_of(path))


def _first_bytes(path: Path, count: int = 540) -> bytes:
    with path.open("rb") as file:
        start = file.read(count)
    if start[:2] != b"\x1f\x8b":
        return start
    try:
        with gzip.open(path) as file:
            return file.read(count)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return b""  # damaged: the suffix decides, the format's reader says what is wrong


def _by_content(start: bytes) -> Format | None:
    if start[128:132] == b"DICM":
        return "dicom"
    for offset, magics in NIFTI_MAGIC.items():
        if start[offset : offset + 4] in magics:
            return "nifti"
    if start.startswith(b"NRRD000") or b"ObjectType = Image" in start:
        return "itk"
    # DICOM without preamble (older archives): opens with a group 2 or 8 element, little endian.
    if start[:4] in (b"\x08\0\x00\0", b"\x08\0\x05\0", b"\x08\0\x08\0", b"\x02\0\x00\0"):
        return "dicom"
    return None
