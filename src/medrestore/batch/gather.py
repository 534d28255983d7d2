"""Which files under a folder a batch restores, and why it leaves the others alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medrestore.batch.own_results import own_results
from medrestore.engine.component import REFUSED
from medrestore.io.formats import suffix_of
from medrestore.io.uids import without_uids

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.io import Scan, Scans

__all__ = ["Gathered", "gather", "under"]


class Gathered(NamedTuple):
    """What `find` found, as a batch takes it; files are named by their path under the folder.

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
    runs = own_results(scans, [path for path, _ in found.skipped])
    results = {id(scan) for run in runs for scan in run.scans}
    records = {run.place for run in runs}
    for run in runs:
        count = f"{len(run.scans)} results" if len(run.scans) > 1 else "a result"
        skipped[under(run.place, root)] = f"a run of medrestore: {count} left out"
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
