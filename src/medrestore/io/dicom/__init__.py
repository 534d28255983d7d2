"""DICOM: files to planes (`headers`), to volumes (`grouping`, `series`), and back (`write`)."""

from __future__ import annotations

from medrestore.io.dicom.headers import frames_found, frames_of
from medrestore.io.dicom.series import load, open_stack, stem, volumes_of
from medrestore.io.dicom.write import is_derived, save_series

__all__ = [
    "frames_found",
    "frames_of",
    "is_derived",
    "load",
    "open_stack",
    "save_series",
    "stem",
    "volumes_of",
]
