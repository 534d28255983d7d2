"""How the scans of a batch are read and its results written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medrestore import io
from medrestore.io.modality import check_modality

if TYPE_CHECKING:
    from medrestore.io.dicom.grid import Gaps
    from medrestore.volume import Volume

__all__ = ["Handling"]


@dataclass(frozen=True)
class Handling:
    """The arguments of `denoise_folder` that are no settings of a run, with the same names."""

    modality: str | None
    fallback: str | None
    gaps: Gaps
    format: str
    overwrite: bool

    @property
    def expected(self) -> str | None:
        """The modality of a scan that does not say it."""
        return check_modality(self.modality or self.fallback)

    def read(self, scan: io.Scan) -> Volume:
        """The scan, of a modality that is known or was asked for."""
        volume = io.read(scan, self.modality, self.gaps)
        if volume.modality is None and self.fallback is not None:
            return io.read(scan, self.fallback, self.gaps)
        return volume
