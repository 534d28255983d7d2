"""Runs on the disk: saved, opened again, as layers that look as they did after the run. No Qt.

The record of a run, beside its files, says what each file is: nothing is guessed from names.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medrestore import io
from medrestore.errors import MedrestoreError, MissingScanError
from medrestore.io import Scan
from medrestore.io.formats import format_of
from medrestore.plugin.layers import KEY, record_in
from medrestore.results.naming import RECORD, suffixes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from medrestore.core.meter import Meter
    from medrestore.plugin.layers import LayerTuple
    from medrestore.plugin.requests import Snapshot
    from medrestore.results.result import Result
    from medrestore.volume import Source, Volume

    Openers = list[Callable[[], Volume]]

__all__ = ["Missing", "Reopened", "reopen", "results_at", "save", "spread_beside"]


def results_at(path: Path) -> tuple[list[LayerTuple], Openers | None]:
    """The layers of all runs at a path, and what reads the scans that are there besides.

    Parameters
    ----------
    path : Path
        A record, a result that lies beside its record, or a folder.

    Returns
    -------
    layers : list of layer tuples
        Of a result alone, that one, visible; of a run all, as after the run.
    scans : list of callable, or None
        None where the path has nothing to do with a run: it is opened like any other.

    Raises
    ------
    MedrestoreError
        If results are missing, or do not fit their record.
    """
    if path.name.endswith(RECORD):
        return _layers_of(path), []
    beside = _record_beside(path)
    if beside is not None:
        return _single_result(*beside)
    records = _records_under(path) if path.is_dir() else []
    if not records:
        return [], None
    layers = [layer for record in records for layer in _layers_of(record)]
    outputs = {record.parent / name for record in records for name in _outputs(record)}
    scans = [scan for scan in io.find(path) if outputs.isdisjoint((scan.path, *scan.files))]
    return layers, [partial(io.read, scan) for scan in scans]


def spread_beside(record: Path) -> Volume | None:
    """The standard deviation of a run from its Parametric Map; None if there is none."""
    path = record.parent / f"{_stem(record)}_std_map"
    return io.read_map(path) if path.is_dir() else None


def _records_under(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in sorted(names) if name.endswith(RECORD)]
    return found


def _record_beside(path: Path) -> tuple[Path, Path] | None:
    """The record whose run wrote this file or folder, and what of it that is."""
    for result in (path, path.parent):  # an image of a derived series lies in the series' folder
        for record in sorted(result.parent.glob(f"*{RECORD}")):
            if result.name in _outputs(record):
                return record, result
    return None


def _outputs(record: Path) -> list[str]:
    """Names of what a run wrote, beside its record; none if it cannot be read."""
    try:
        return [str(name) for name in json.loads(record.read_text(encoding="utf-8"))["outputs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _single_result(record: Path, result: Path) -> tuple[list[LayerTuple], Openers | None]:
    """One result; what is no map of its own, such as the noise, is opened like a scan."""
    name = result.name.removeprefix(f"{_stem(record)}_")
    endings = (suffix for suffix in suffixes().values() if suffix and name.endswith(suffix))
    role = name.removesuffix(next(endings, "")).replace("_", " ")
    shown = [layer for layer in _layers_of(record) if layer[1]["metadata"][KEY]["role"] == role]
    for _, meta, _ in shown:
        meta["visible"] = True
    return shown, [] if shown else None


def _layers_of(record: Path) -> list[LayerTuple]:
    """All maps of a run; with its scan at hand regions can be measured in them."""
    from medrestore.plugin.result_layers import result_layers

    return result_layers(_result_of(record), {}, spread_beside(record))


def _result_of(record: Path) -> Result:
    from medrestore.results.record import reopen, reopen_results

    try:
        return reopen(record)
    except MedrestoreError:  # its scan or model is elsewhere
        return reopen_results(record)


def _stem(record: Path) -> str:
    return record.name.removesuffix(RECORD)


class Reopened(NamedTuple):
    """A saved run, and its standard deviation from a Parametric Map, if it was written as one."""

    result: Result
    spread: Volume | None


class Missing(NamedTuple):
    """Error on a run's scan. In a tuple: napari's threads raise an error they return."""

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
    candidates: list[Snapshot | Scan | Path | None] = [*known] if known else [None, *scans]
    for path in candidates:
        for candidate in _candidates(path):
            try:
                return Reopened(reopen_run(record, candidate), spread_beside(record))
            except MissingScanError as error:
                first = first or error
    reason = str(first).partition(";")[0] if first else f"no scan is at {known[0]}"
    advice = "open that scan, choose it under Scan, and open the run again"
    return Missing(MissingScanError(f"{reason}; {advice}"))


def _candidates(path: Snapshot | Scan | Path | None) -> Iterator[Scan | Path | None]:
    """The scans at a path; None is beside the record."""
    if path is None or isinstance(path, Scan):
        yield path
        return
    path = path if isinstance(path, Path) else _file_of(path)
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
    source: Source | None = record_in(scan.meta.get("metadata")).get("source")
    return source.paths[0] if source is not None and source.paths else None
