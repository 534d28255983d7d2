"""Which files under a folder a batch restores, and why it leaves the others alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medrestore.io.detect import suffix_of
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
    """Sort out what lies under ``root``; nothing under ``out``, which holds results, is taken."""
    inside = out.resolve() if out is not None else None
    scans = [s for s in found if inside not in (s.path.resolve(), *s.path.resolve().parents)]
    damaged: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for path, reason in found.skipped:
        if inside in path.resolve().parents:
            continue
        is_scan = suffix_of(path) not in ("", ".dcm")
        (damaged if is_scan else skipped)[under(path, root)] = without_uids(reason)
    return Gathered(scans, damaged, skipped)


def under(path: Path, root: Path) -> str:
    """The path below ``root`` as records and reports name it: without UIDs."""
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return without_uids(shown)
