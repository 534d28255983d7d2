"""Contract of a file format: its names, how its files are told from others, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io.scan import Scan
    from medrestore.volume import Volume

__all__ = ["Format"]


class Format:
    """A format of scans; one more is a file with a subclass, and an entry in `formats.FORMATS`.

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
        """Module with ``describe``, ``load`` and ``save``, imported when a file is touched."""
        raise NotImplementedError

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
