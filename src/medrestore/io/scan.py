"""Description of a scan that `find` gives without loading it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from medrestore.volume import Component

__all__ = ["Progress", "Scan", "Scans"]

FEW = 3
"""Files of a folder with one reason that are named one by one."""


class Progress(Protocol):
    """Progress of a long search; any `medrestore.core.meter.Meter` is one."""

    def start(self, total: int, label: str) -> None:
        """Begin ``total`` steps."""

    def tick(self, n: int = 1) -> None:
        """Report ``n`` finished steps; may raise ``Cancelled``."""


@dataclass(frozen=True)
class Scan:
    """One volume that can be read, described from its headers alone.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds the DICOM files.
    format : str
        One of `io.formats.FORMATS`.
    modality : str or None
        ``"CT"``, ``"MR"``, or None where the headers do not say.
    shape : tuple of int
        Voxels along ``(z, y, x)``.
    spacing_mm : tuple of float
        Distance between voxels along ``(z, y, x)``, mm.
    orientation : str
        Patient direction each of these axes runs towards, e.g. ``"SPL"``.
    time_points : int
        Volumes along the time axis; 1 for a 3-D scan.
    files : tuple of Path
        Every file the scan is read from.
    warnings : tuple of str
        What the headers show and the user should know.
    name : str
        Stem for file and layer names; unique among the scans of one folder.
    part : int or None
        Which of the volumes in ``files`` this is; None where there is to be only one.
    copies : tuple of Path
        Files left out because they hold images of this scan once more.
    lost : tuple of Path
        Files left out because they are damaged; they name the series of this scan.
    component : str or None
        What of the MR signal the values are, where a header says (`Volume.component`).
    """

    path: Path
    format: str
    modality: str | None
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str
    time_points: int = 1
    files: tuple[Path, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()
    name: str = "scan"
    part: int | None = 0
    copies: tuple[Path, ...] = field(default=(), repr=False)
    lost: tuple[Path, ...] = field(default=(), repr=False)
    component: Component | None = None

    def __str__(self) -> str:
        """One line: name, modality, grid, spacing, orientation."""
        grid = "×".join(str(n) for n in self.shape)
        if self.time_points > 1:
            grid = f"{self.time_points}×{grid}"
        spacing = "×".join(f"{s:.3g}" for s in self.spacing_mm)
        return f"{self.name}: {self.modality or '?'} {grid}, {spacing} mm, {self.orientation}"


class Scans(list[Scan]):
    """The scans under a folder; `skipped` holds ``(path, reason)`` of every file left out.

    `left_out` are the paths of those that there is nothing wrong with: label maps, pipes,
    folders met again; `refused` those of DICOM images whose series make no volume.
    """

    def __init__(
        self,
        scans: Iterable[Scan] = (),
        skipped: Iterable[tuple[Path, str]] = (),
        left_out: Iterable[Path] = (),
        refused: Iterable[Path] = (),
    ) -> None:
        super().__init__(scans)
        self.skipped: list[tuple[Path, str]] = list(skipped)
        self.left_out = frozenset(left_out)
        self.refused = frozenset(refused)

    def reasons(self) -> list[tuple[Path, str, int]]:
        """Files left out and why: one by one, or a folder with how many files of one reason."""
        together: dict[tuple[Path, str], list[Path]] = {}
        for path, reason in self.skipped:
            together.setdefault((path.parent, reason), []).append(path)
        return [
            (folder if len(paths) > FEW else path, reason, len(paths) if len(paths) > FEW else 1)
            for (folder, reason), paths in together.items()
            for path in (paths[:1] if len(paths) > FEW else paths)
        ]
