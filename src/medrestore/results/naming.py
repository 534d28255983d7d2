"""Formats and names of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import OutputError, SettingsError
from medrestore.io.formats import FORMATS, listed

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io.formats import Format

__all__ = ["RECORD", "extras_format", "format_of", "offered", "saved", "suffixes", "written_as"]

RECORD = "_run.json"
"""Ending of the name of a run's record."""


def offered() -> tuple[str, ...]:
    """Names of the formats that a user may request, ``"source"`` among them."""
    return ("source", *(one.name for one in _of_results()))


def suffixes() -> dict[str, str]:
    """Endings of the names of volumes, by format; a series is a folder of the volume's name."""
    return {one.name: one.result for one in _of_results() if one.result is not None}


def extras_format(kind: str) -> Format:
    """The format of noise maps and samples beside results: NIfTI where these are series."""
    return FORMATS["nifti" if FORMATS[kind].series else kind]


def _of_results() -> list[Format]:
    return [one for one in FORMATS.values() if one.result is not None]


def written_as(origin: str, requested: str) -> str:
    """The format of the results of a scan, one of `suffixes`.

    Parameters
    ----------
    origin : str
        Format of the scan (`Source.format`).
    requested : str
        One of `offered`; ``"source"`` is DICOM for DICOM, Zarr for Zarr and NIfTI for all that
        results are not written in.

    Raises
    ------
    SettingsError
        If no such format is offered.
    OutputError
        If it is DICOM and the scan is not: a derived series needs the headers of its source.
    """
    if requested not in offered():
        raise SettingsError(f"format is one of {', '.join(offered())}, got {requested!r}")
    if requested == "source":
        return origin if origin in suffixes() else "nifti"
    form = FORMATS[requested]
    if form.series and origin != requested:
        others = listed([repr(one.name) for one in _of_results() if not one.series])
        raise OutputError(
            f"a derived {form.label} series needs a {form.label} source, this scan is {origin}; "
            f"use format={others}"
        )
    return requested


def format_of(path: Path) -> str:
    """Name of the format in which a result was written, by its name."""
    found = (name for name, suffix in suffixes().items() if suffix and path.name.endswith(suffix))
    return next(found, "dicom")


def saved(folder: Path, stem: str) -> Path | None:
    """The volume of that name in a folder, in whatever format it was written."""
    paths = (folder / f"{stem}{suffix}" for suffix in suffixes().values())
    return next((path for path in paths if path.exists()), None)
