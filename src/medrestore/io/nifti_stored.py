"""Opening a NIfTI file by what it holds, whatever its name says of packing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import nibabel

from medrestore.errors import UnreadableError
from medrestore.io.nifti_header import vet
from medrestore.io.packed import opened

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

__all__ = ["Stored", "open_stored"]

nib: Any = nibabel
"""Typed in parts only."""
HEADERS = {
    (348, True): nib.Nifti1Image.header_class,
    (348, False): nib.Nifti1Pair.header_class,
    (540, True): nib.Nifti2Image.header_class,
    (540, False): nib.Nifti2Pair.header_class,
}
"""By sizeof_hdr and whether the voxels follow in the same file."""


class Stored(NamedTuple):
    """A header, and where the voxels lie.

    Parameters
    ----------
    header : nibabel header
        As it is on disk.
    files : tuple of Path
        The file, or those of header and voxels.
    """

    header: Any
    files: tuple[Path, ...]

    @property
    def voxels(self) -> Path:
        """The file with the voxels."""
        return self.files[-1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored numbers."""
        stored: np.dtype[Any] = self.header.get_data_dtype()
        return stored

    @property
    def offset(self) -> int:
        """Where the voxels begin, bytes."""
        return int(self.header.get_data_offset())

    @property
    def scaling(self) -> tuple[float, float]:
        """Slope and intercept."""
        slope, intercept = self.header.get_slope_inter()
        return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept


def open_stored(path: Path) -> Stored:
    """Read a header.

    Raises
    ------
    UnreadableError
        If it points beyond the file, is packed twice, or has no voxels beside it.
    EOFError, OSError, ValueError, zlib.error, HeaderDataError
        If it cannot be read, or is none of NIfTI's.
    """
    size, single = vet(path)
    with opened(path) as file:
        header = HEADERS[size, single].from_fileobj(file)
    if single:
        return Stored(header, (path,))
    name = path.name
    for suffix in (".gz", ".nii", ".hdr"):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
    beside = [path.with_name(name + suffix) for suffix in (".img", ".IMG", ".img.gz")]
    voxels = next((file for file in beside if file.is_file()), None)
    if voxels is None:
        raise UnreadableError(
            f"{path} holds a header alone; put {beside[0].name}, the file with its voxels, beside "
            "it"
        )
    return Stored(header, (path, voxels))
