"""Formats of scans: their contract, and which of them a file has.

A file's bytes decide, where they are silent its name. Importing this loads no library of any
format.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

from medrestore.errors import UnreadableError
from medrestore.io.regular import why_not_regular

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from medrestore.io.scan import Scan
    from medrestore.volume import Volume

__all__ = [
    "FORMATS",
    "Format",
    "format_of",
    "is_store",
    "listed",
    "store_of",
    "suffix_of",
    "writer_of",
]


class Format:
    """A format of scans; one more is a file with a subclass, and an entry in `FORMATS`.

    A format's library is imported when its files are read or written, never before.
    """

    name: str
    """Name in `Source.format`, records and settings."""
    label: str
    """Name for people."""
    program: str
    """Package that reads and writes it; in small letters its key in `citations.references`."""
    suffixes: tuple[str, ...] = ()
    """Suffixes of its files, in lower case, the longest first."""
    writable: tuple[str, ...] = ()
    """Those that a volume is written under."""
    result: str | None = None
    """Suffix of the results of a run; None if they are not written in this format."""
    menu, tip = "", ""
    """Words of the menu that saves results."""
    store = False
    """True if a volume is a folder, named with the suffix."""
    series = False
    """True if a volume lies in several files, and results are series derived from their source."""

    def matches(self, start: bytes) -> bool:
        """True if a file that begins with these 540 bytes, unzipped, is one of this format."""
        return False

    def may_match(self, start: bytes) -> bool:
        """True if it may be one, where it is a file of no other format."""
        return False

    @property
    def module(self) -> Any:
        """Module with ``describe``, ``load`` and ``save``, imported when a file is touched.

        Formats that lie in a file or a store name theirs; of a series `io` reads the stack itself.
        """
        raise NotImplementedError(f"{self.name} is no format of single files")

    def describe(self, path: Path) -> Scan:
        """The scan of a file or a store, from its header.

        Raises
        ------
        InputError
            If it holds none that can be used.
        """
        scan: Scan = self.module.describe(path)
        return scan

    def load(self, path: Path, modality: str | None) -> Volume:
        """Read the volume of a file or a store; raises `InputError`."""
        volume: Volume = self.module.load(path, modality)
        return volume

    def save(self, volume: Volume, path: Path) -> None:
        """Write a volume to a path, which the caller has staged; raises `OutputError`."""
        self.module.save(volume, path)

    def replaceable(self, entry: Path) -> bool:
        """True if medrestore wrote this entry of a store or a series' folder."""
        return False

    def readable(self, store: Path) -> bool:
        """True if a store with the format's suffix is one that `load` reads."""
        return True


NIFTI_MAGIC = {
    344: (b"n+1\0", b"ni1\0"),  # NIfTI-1: offset of `magic`
    4: (b"n+2\0", b"ni2\0"),  # NIfTI-2
}


class Nifti(Format):
    """NIfTI-1 and NIfTI-2 (`io.nifti`)."""

    name, label, program = "nifti", "NIfTI", "nibabel"
    suffixes = writable = (".nii.gz", ".nii")
    result = ".nii.gz"
    menu, tip = "NIfTI…", "One .nii.gz for each map."

    def matches(self, start: bytes) -> bool:
        """True of the magic of either version."""
        return any(start[at : at + 4] in magics for at, magics in NIFTI_MAGIC.items())

    @property
    def module(self) -> ModuleType:
        """`io.nifti`."""
        from medrestore.io import nifti

        return nifti


class Dicom(Format):
    """DICOM (`io.dicom`); `search` puts its files together."""

    name, label, program = "dicom", "DICOM", "pydicom"
    suffixes = (".dcm",)
    result = ""
    menu = "DICOM series…"
    tip = "Derived series beside their source, and std as a Parametric Map; of scans from DICOM."
    series = True

    def matches(self, start: bytes) -> bool:
        """True of DICM after the preamble."""
        return start[128:132] == b"DICM"

    def may_match(self, start: bytes) -> bool:
        """Without preamble (older archives) it opens with a group 2 or 8 element, little endian."""
        groups = (b"\x08\0\x00\0", b"\x08\0\x05\0", b"\x08\0\x08\0", b"\x02\0\x00\0")
        return start[:4] in groups

    def replaceable(self, entry: Path) -> bool:
        """True of an image of a series that medrestore derived."""
        from medrestore.io import dicom

        return dicom.is_derived(entry)


class Itk(Format):
    """NRRD and MetaImage (`io.itk`)."""

    name, label, program = "itk", "NRRD, MetaImage", "SimpleITK"
    suffixes = (".nrrd", ".nhdr", ".mha", ".mhd")
    writable = (".nrrd", ".mha", ".mhd")

    def matches(self, start: bytes) -> bool:
        """True of NRRD's magic and MetaImage's first key."""
        return start.startswith(b"NRRD000") or b"ObjectType = Image" in start

    @property
    def module(self) -> ModuleType:
        """`io.itk`."""
        from medrestore.io import itk

        return itk


class Zarr(Format):
    """OME-Zarr (`io.zarr_store`), of medrestore alone."""

    name, label, program = "zarr", "Zarr", "zarr"
    suffixes = writable = (".zarr",)
    result = ".zarr"
    menu, tip = "Zarr…", "One store of compressed chunks for each map; for large scans."
    store = True

    @property
    def module(self) -> ModuleType:
        """`io.zarr_store`."""
        from medrestore.io import zarr_store

        return zarr_store

    def replaceable(self, entry: Path) -> bool:
        """True of an entry of a store that has our affine."""
        return bool(self.module.is_ours(entry))

    def readable(self, store: Path) -> bool:
        """True if it has our affine: of others we do not know where they lie."""
        return self.replaceable(store / "zarr.json")


FORMATS: dict[str, Format] = {one.name: one for one in (Nifti(), Dicom(), Itk(), Zarr())}
"""By the name that sources, records and settings use."""


def suffix_of(path: Path) -> str:
    """Lower-case suffix, ``.nii.gz`` in one piece; empty for suffixes that name no format."""
    name = path.name.lower()
    suffixes = (suffix for one in FORMATS.values() for suffix in one.suffixes)
    return next((s for s in suffixes if name.endswith(s) and len(name) > len(s)), "")


def listed(words: list[str]) -> str:
    """Words as a sentence lists them: a, b or c."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def writer_of(suffix: str) -> Format | None:
    """The format that a volume is written in under a suffix."""
    return next((one for one in FORMATS.values() if suffix in one.writable), None)


def store_of(path: Path) -> Format | None:
    """The format of a folder that is a volume, by its name."""
    return _by_suffix(path, store=True) if path.is_dir() else None


def is_store(path: Path) -> bool:
    """True if a folder is a volume, such as a Zarr store, by its name."""
    return store_of(path) is not None


def format_of(path: Path) -> str | None:
    """Name of the format of a file or a store, or None for something that is not a scan.

    Raises
    ------
    UnreadableError
        If it cannot be opened, or is a pipe, a socket or a device.
    """
    if path.is_dir():
        store = store_of(path)
        return store.name if store else None
    try:
        kind = why_not_regular(path)
        if kind:
            raise UnreadableError(f"{path} is {kind}, not a file; give a file or a folder")
        start = _first_bytes(path)
    except OSError as error:
        raise UnreadableError(f"{path} cannot be opened: {error.strerror or error}") from error
    found = _by_content(start) or _by_suffix(path)
    return found.name if found else None


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
    known = FORMATS.values()
    sure = next((one for one in known if one.matches(start)), None)
    return sure or next((one for one in known if one.may_match(start)), None)


def _by_suffix(path: Path, store: bool = False) -> Format | None:
    suffix = suffix_of(path)
    found = (one for one in FORMATS.values() if suffix in one.suffixes)
    return next((one for one in found if one.store or not store), None)
