"""In which format results are written, and under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMATS", "RECORD", "SUFFIXES", "format_of", "saved", "written_as"]

FORMATS = ("source", "nifti", "dicom", "zarr")
"""Formats that a user may ask for."""
RECORD = "_run.json"
"""End of the name of a run's record."""
SUFFIXES = {"nifti": ".nii.gz", "zarr": ".zarr", "dicom": ""}
"""End of the name of a volume; a DICOM series is a folder of the volume's name."""


def written_as(origin: str, asked: str) -> str:
    """The format of the results of a scan: ``"nifti"``, ``"dicom"`` or ``"zarr"``.

    Parameters
    ----------
    origin : str
        Format of the scan (`Source.format`).
    asked : str
        One of `FORMATS`; ``"source"`` is DICOM for DICOM, Zarr for Zarr and NIfTI for all others.

    Raises
    ------
    SettingsError
        If ``asked`` is no format.
    OutputError
        If it is DICOM and the scan is not: a derived series needs the headers of its source.
    """
    if asked not in FORMATS:
        raise SettingsError(f"format is one of {', '.join(FORMATS)}, got {asked!r}")
    if asked == "dicom" and origin != "dicom":
        raise OutputError(
            f"a derived DICOM series needs a DICOM source, this scan is {origin}; use "
            "format='nifti' or 'zarr'"
        )
    if asked != "source":
        return asked
    return origin if origin in ("dicom", "zarr") else "nifti"


def format_of(place: Path) -> str:
    """In which of the formats a result was written, by its name."""
    endings = {suffix: name for name, suffix in SUFFIXES.items() if suffix}
    return next((endings[one] for one in endings if place.name.endswith(one)), "dicom")


def saved(folder: Path, stem: str) -> Path | None:
    """The volume of that name in a folder, in whatever format it was written."""
    places = (folder / f"{stem}{suffix}" for suffix in SUFFIXES.values())
    return next((place for place in places if place.exists()), None)
