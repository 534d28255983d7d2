"""Results of earlier runs among the scans of a batch: restored, std and bounds are no input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from medrestore.batch.log import RECORD
from medrestore.errors import MedrestoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from medrestore.io import Scan

__all__ = ["Run", "own_results"]

WHOLE = {"restored", "std", "lower", "upper"}
"""What every run leaves: together under one name they are a run's, its record missing or not."""
EXTRAS = ("samples", "noise")


class Run(NamedTuple):
    """An earlier run.

    Parameters
    ----------
    place : Path
        Its record, or the first of its results.
    scans : tuple of Scan
        Its results.
    """

    place: Path
    scans: tuple[Scan, ...]


def own_results(scans: Sequence[Scan], others: Iterable[Path]) -> list[Run]:
    """Runs of medrestore among what was found, each result in one of them.

    A run is known by the record beside its results, which lists them; else by the four results
    that every run leaves, under one name; a DICOM series, moved or renamed, by what its headers say
    of its derivation. A name alone says nothing: `scan_restored` may be somebody else's.

    Parameters
    ----------
    scans : sequence of Scan
        What was found.
    others : iterable of Path
        Files found that are no scans, records among them.
    """
    left = list(scans)
    runs: list[Run] = []
    for record in (path for path in others if path.name.endswith(RECORD)):
        named = _outputs(record)
        _take(runs, left, record, [s for s in left if _beside(s, record) and s.path.name in named])
    for first in scans:
        stem, part = _parts(first)
        same = [s for s in left if _beside(s, first.path) and _parts(s)[0] == stem]
        if part and {_parts(s)[1] for s in same} >= WHOLE:
            _take(runs, left, first.path, [s for s in same if _parts(s)[1]])
    for series in [s for s in left if s.format == "dicom" and _derived_by_us(s)]:
        _take(runs, left, series.path, [series])
    return runs


def _take(runs: list[Run], left: list[Scan], place: Path, scans: list[Scan]) -> None:
    if scans:
        runs.append(Run(place, tuple(scans)))
        left[:] = [scan for scan in left if scan not in scans]


def _beside(scan: Scan, place: Path) -> bool:
    return scan.path.parent == place.parent


def _outputs(record: Path) -> set[str]:
    """Names of the results that a record lists; none if it is not that of a run."""
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        return {str(name) for name in facts["outputs"]} if "plan" in facts else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _parts(scan: Scan) -> tuple[str, str]:
    """Stem and part of a result's name, ``("scan", "std")``; the part is empty for others."""
    from medrestore.results.result import LAYERS

    name = scan.name if scan.format != "dicom" else scan.path.name
    stem, _, part = name.rpartition("_")
    return (stem, part) if part in (*LAYERS, *EXTRAS) else (name, "")


def _derived_by_us(scan: Scan) -> bool:
    from medrestore.io.dicom.headers import open_header
    from medrestore.results.result import DESCRIPTIONS

    try:
        said = str(open_header(scan.files[0]).get("DerivationDescription") or "")
    except MedrestoreError:
        return False
    return said in {f"medrestore: {one}" for one in DESCRIPTIONS.values()}
