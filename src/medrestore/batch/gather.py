"""Scans under a folder that a batch restores, and why it leaves the other files alone.

Results of earlier runs are among the latter: restored scans, std and bounds are no input.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from medrestore.batch.log import RECORD
from medrestore.engine.value_check import REFUSED
from medrestore.errors import MedrestoreError
from medrestore.io.formats import suffix_of
from medrestore.io.uids import without_uids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from medrestore.io import Scan, Scans

__all__ = ["Gathered", "gather", "under"]

EVERY_RUN = {"restored", "std", "lower", "upper"}
"""Results of every run: together under one stem they are a run's, its record missing or not."""
EXTRAS = ("samples", "noise")


class Gathered(NamedTuple):
    """Result of a search as a batch takes it; files are named by their path under the folder.

    Parameters
    ----------
    scans : list of Scan
        To be restored.
    damaged : dict of str to str
        Files named like scans that cannot be read, and why: failures.
    skipped : dict of str to str
        Files that are no scans, and why they are left alone.
    """

    scans: list[Scan]
    damaged: dict[str, str]
    skipped: dict[str, str]


def gather(found: Scans, root: Path, out: Path | None = None) -> Gathered:
    """Sort out what lies under ``root``.

    Nothing under ``out``, which holds results, is taken, nor are the results of earlier runs, each
    of which is one entry of ``skipped``, nor MR whose header says that it holds no magnitudes.
    """
    inside = out.resolve() if out is not None else None
    scans = [s for s in found if inside not in (s.path.resolve(), *s.path.resolve().parents)]
    damaged: dict[str, str] = {}
    skipped: dict[str, str] = {}
    runs = _earlier_runs(scans, [path for path, _ in found.skipped])
    results = {id(scan) for run in runs for scan in run.scans}
    records = {run.path for run in runs}
    for run in runs:
        count = f"{len(run.scans)} results" if len(run.scans) > 1 else "a result"
        skipped[under(run.path, root)] = f"a run of medrestore: {count} left out"
    others = [s for s in scans if id(s) not in results and s.component in REFUSED]
    for scan in others:
        what = REFUSED[scan.component or ""]
        skipped[f"{under(scan.path, root)} ({scan.name})"] = f"{what}, not magnitudes: left out"
    results |= {id(scan) for scan in others}
    for path, reason in found.skipped:
        if inside in path.resolve().parents or path in records:
            continue
        if path in found.refused:  # one failure for a series, not one for each of its files
            damaged[under(path.parent, root)] = without_uids(reason)
            continue
        is_scan = suffix_of(path) not in ("", ".dcm") and path not in found.left_out
        (damaged if is_scan else skipped)[under(path, root)] = without_uids(reason)
    return Gathered([s for s in scans if id(s) not in results], damaged, skipped)


def under(path: Path, root: Path) -> str:
    """The path below ``root`` as records and reports name it: without UIDs."""
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return without_uids(shown)


class _EarlierRun(NamedTuple):
    """A run by the path of its record, or of the first of its results, and its results."""

    path: Path
    scans: tuple[Scan, ...]


def _earlier_runs(scans: Sequence[Scan], others: Iterable[Path]) -> list[_EarlierRun]:
    """Runs of medrestore among scans and other files, each result in one of them.

    A run is known by the record beside its results, which lists them; else by the four results
    that every run leaves, under one stem; a DICOM series, moved or renamed, by what its headers say
    of its derivation. A name alone says nothing: `scan_restored` may be somebody else's.
    """
    left = list(scans)
    runs: list[_EarlierRun] = []

    def add(path: Path, results: list[Scan]) -> None:
        if results:
            runs.append(_EarlierRun(path, tuple(results)))
            left[:] = [scan for scan in left if scan not in results]

    for record in (path for path in others if path.name.endswith(RECORD)):
        named = _outputs(record)
        add(record, [s for s in left if s.path.parent == record.parent and s.path.name in named])
    for first in scans:
        stem, layer = _stem_and_layer(first)
        beside = [s for s in left if s.path.parent == first.path.parent]
        layers = {id(s): found[1] for s in beside if (found := _stem_and_layer(s))[0] == stem}
        if layer and set(layers.values()) >= EVERY_RUN:
            add(first.path, [s for s in beside if layers.get(id(s))])
    for series in [s for s in left if s.format == "dicom" and _derived_by_medrestore(s)]:
        add(series.path, [series])
    return runs


def _outputs(record: Path) -> set[str]:
    """Names of the results that a record lists; none if it is not that of a run."""
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        return {str(name) for name in facts["outputs"]} if "plan" in facts else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _stem_and_layer(scan: Scan) -> tuple[str, str]:
    """Both of a result's name, ``("scan", "std")``; the layer is empty for others."""
    from medrestore.results.result import LAYERS

    name = scan.name if scan.format != "dicom" else scan.path.name
    stem, _, layer = name.rpartition("_")
    return (stem, layer) if layer in (*LAYERS, *EXTRAS) else (name, "")


def _derived_by_medrestore(scan: Scan) -> bool:
    from medrestore.io.dicom.headers import open_header
    from medrestore.results.saving import DESCRIPTIONS

    try:
        said = str(open_header(scan.files[0]).get("DerivationDescription") or "")
    except MedrestoreError:
        return False
    return said in {f"medrestore: {one}" for one in DESCRIPTIONS.values()}
