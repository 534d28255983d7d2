"""DICOM: files to planes (`headers`), to volumes (`stacks`, `series`), and back (`write`)."""

from __future__ import annotations

from medrestore.io.dicom.series import find, load, open_stack, stem
from medrestore.io.dicom.write import is_derived, save_series

__all__ = ["find", "is_derived", "load", "open_stack", "save_series", "stem"]
