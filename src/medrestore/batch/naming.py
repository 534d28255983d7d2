"""What the scans of a batch are called, and where their results go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.batch.gather import under
from medrestore.io.uids import without_uids

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io import Scan

__all__ = ["Naming"]


class Naming:
    """Names and places, each given away once: scans asked in the same order get the same ones.

    Parameters
    ----------
    root, out : Path
        Folders of the scans and of the results; the second mirrors the first.
    """

    def __init__(self, root: Path, out: Path) -> None:
        self.root, self.out = root, out
        self._names: set[str] = set()
        self._places: set[tuple[Path, str]] = set()

    def take(self, name: str) -> str:
        """Give a name away."""
        self._names.add(name)
        return name

    def settle(self, folder: Path, stem: str) -> None:
        """Give a place away: the folder, and what begins the names of the files in it."""
        self._places.add((folder, stem))

    def name(self, scan: Scan) -> str:
        """Path under the source; with the scan's own name where a path holds several."""
        path, number = under(scan.path, self.root), 1
        name = path
        while name in self._names:
            name = f"{path}#{scan.name}" + (f" ({number})" if number > 1 else "")
            number += 1
        return self.take(name)

    def folder(self, scan: Scan, stem: str) -> Path:
        """The mirrored folder; one of its own for a file whose stem another file there has."""
        inside = scan.path if scan.path.is_dir() else scan.path.parent
        folder = self.out / (under(inside, self.root) if inside != self.root else "")
        if (folder, stem) in self._places:
            own = scan.path.name if scan.path.is_file() else scan.name
            folder = folder / without_uids(own)
        self.settle(folder, stem)
        return folder
