"""Results of runs that lie on the disk, as layers that look as they did after the run. No napari.

What a file is says the record of its run, which lies beside it: nothing is guessed from names.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medrestore import io
from medrestore.errors import MedrestoreError
from medrestore.plugin.layers import KEY
from medrestore.results.naming import RECORD, suffixes

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.plugin.layers import LayerTuple
    from medrestore.results.result import Result
    from medrestore.volume import Volume

    Openers = list[Callable[[], Volume]]

__all__ = ["results_at", "spread_beside"]


def results_at(place: Path) -> tuple[list[LayerTuple], Openers | None]:
    """The layers of all runs at a path, and what reads the scans that are there besides.

    Parameters
    ----------
    place : Path
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
    if place.name.endswith(RECORD):
        return _layers_of(place), []
    beside = _record_beside(place)
    if beside is not None:
        return _alone(*beside)
    records = _records_under(place) if place.is_dir() else []
    if not records:
        return [], None
    layers = [layer for record in records for layer in _layers_of(record)]
    outputs = {record.parent / name for record in records for name in _outputs(record)}
    scans = [scan for scan in io.find(place) if outputs.isdisjoint((scan.path, *scan.files))]
    return layers, [partial(io.read, scan) for scan in scans]


def spread_beside(record: Path) -> Volume | None:
    """The standard deviation of a run from its Parametric Map; None if there is none."""
    place = record.parent / f"{_stem(record)}_std_map"
    return io.read_map(place) if place.is_dir() else None


def _records_under(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in sorted(names) if name.endswith(RECORD)]
    return found


def _record_beside(place: Path) -> tuple[Path, Path] | None:
    """The record whose run wrote this file or folder, and what of it that is."""
    for result in (place, place.parent):  # an image of a derived series lies in the series' folder
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


def _alone(record: Path, result: Path) -> tuple[list[LayerTuple], Openers | None]:
    """One result; what is no map of its own, such as the noise, is opened like a scan."""
    name = result.name.removeprefix(f"{_stem(record)}_")
    endings = (suffix for suffix in suffixes().values() if suffix and name.endswith(suffix))
    role = name.removesuffix(next(endings, "")).replace("_", " ")
    shown = [layer for layer in _layers_of(record) if _record_of(layer)["role"] == role]
    for _, meta, _ in shown:
        meta["visible"] = True
    return shown, [] if shown else None


def _layers_of(record: Path) -> list[LayerTuple]:
    """All maps of a run; with its scan at hand regions can be measured in them."""
    from medrestore.plugin.results import result_layers

    return result_layers(_result_of(record), {}, spread_beside(record))


def _result_of(record: Path) -> Result:
    from medrestore.results.record import reopen, reopen_results

    try:
        return reopen(record)
    except MedrestoreError:  # its scan or model is elsewhere
        return reopen_results(record)


def _stem(record: Path) -> str:
    return record.name.removesuffix(RECORD)


def _record_of(layer: LayerTuple) -> dict[str, Any]:
    record: dict[str, Any] = layer[1]["metadata"][KEY]
    return record
