"""Saving a run and opening it again, in whatever thread it is. No Qt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medrestore import io
from medrestore.errors import MissingScanError
from medrestore.io import Scan
from medrestore.io.formats import format_of
from medrestore.plugin.layers import KEY
from medrestore.plugin.saved_results import spread_beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medrestore.core.meter import Meter
    from medrestore.plugin.requests import Snapshot
    from medrestore.results.result import Result
    from medrestore.volume import Source, Volume

__all__ = ["Missing", "Reopened", "reopen", "save"]


class Reopened(NamedTuple):
    """A saved run, and its standard deviation from a Parametric Map, if it was written as one."""

    result: Result
    spread: Volume | None


class Missing(NamedTuple):
    """What is wrong with a run's scan. In a tuple: napari's threads raise an error they return."""

    error: MissingScanError


def save(result: Result, folder: Path, format: str, meter: Meter) -> list[Path]:
    """Write a result and its record; what is there already is never replaced."""
    meter.start(0, "Saving")
    return result.save(folder, format)


def reopen(
    record: Path, scans: Sequence[Snapshot | Scan | Path], meter: Meter
) -> Reopened | Missing:
    """A saved run, or what is wrong with its scan, in words for someone who can say where it is.

    Parameters
    ----------
    scans : sequence of Snapshot, Scan or Path
        Where the run's scan may be: the files of layers, if it is not beside the record; what was
        found in the folder that the run's batch restored; a file of the scan, or its folder.

    Raises
    ------
    MedrestoreError
        If the run's results are not found, or are others.
    """
    meter.start(0, "Opening the run")
    from medrestore.results.record import reopen as reopen_run

    known = [scan for scan in scans if isinstance(scan, Scan | Path)]
    first: MissingScanError | None = None
    places: list[Snapshot | Scan | Path | None] = [*known] if known else [None, *scans]
    for place in places:
        for candidate in _candidates(place):
            try:
                return Reopened(reopen_run(record, candidate), spread_beside(record))
            except MissingScanError as error:
                first = first or error
    said = str(first).partition(";")[0] if first else f"no scan is at {known[0]}"
    advice = "open that scan, choose it under Scan, and open the run again"
    return Missing(MissingScanError(f"{said}; {advice}"))


def _candidates(place: Snapshot | Scan | Path | None) -> Iterator[Scan | Path | None]:
    """The scans at a place; None is beside the record."""
    if place is None or isinstance(place, Scan):
        yield place
        return
    path = place if isinstance(place, Path) else _file_of(place)
    if path is None or not path.exists():
        return
    if path.is_dir():
        yield from io.find(path)
    elif format_of(path) == "dicom":  # one file of many
        yield from (scan for scan in io.find(path.parent) if path in scan.files)
    else:
        yield path


def _file_of(scan: Snapshot) -> Path | None:
    """A file that a layer's scan was read from."""
    record = (scan.meta.get("metadata") or {}).get(KEY)
    source: Source | None = record.get("source") if isinstance(record, dict) else None
    return source.paths[0] if source is not None and source.paths else None
