"""Saving a run and opening it again, in whatever thread it is. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import InputError
from medrestore.io import Scan
from medrestore.plugin.layers import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.core.meter import Meter
    from medrestore.plugin.requests import Snapshot
    from medrestore.result import Result
    from medrestore.volume import Source

__all__ = ["reopen", "save"]


def save(result: Result, folder: Path, meter: Meter) -> list[Path]:
    """Write a result and its record; what is there already is never replaced."""
    meter.start(0, "Saving")
    return result.save(folder)


def reopen(record: Path, scan: Snapshot | Scan | None, meter: Meter) -> Result:
    """A saved run.

    Parameters
    ----------
    scan : Snapshot or Scan, optional
        A layer: its file is where the run's scan may be, if it is not beside the record. Or what
        was found in the folder that the run's batch restored.

    Raises
    ------
    MedrestoreError
        If the run's scan or results are not found, or are others.
    """
    meter.start(0, "Opening the run")
    from medrestore.batch.record import reopen as reopen_run

    if isinstance(scan, Scan):
        return reopen_run(record, scan)
    try:
        return reopen_run(record)
    except InputError as error:
        source = _file_of(scan)
        if source is not None:
            return reopen_run(record, source)
        raise InputError(
            f"{str(error).partition(';')[0]}; open that scan, choose it under Scan, and open the "
            "run again"
        ) from error


def _file_of(scan: Snapshot | None) -> Path | None:
    record = ((scan.meta.get("metadata") or {}).get(KEY) or {}) if scan else {}
    source: Source | None = record.get("source")
    if source is None or not source.paths:
        return None
    return source.paths[0].parent if source.format == "dicom" else source.paths[0]
