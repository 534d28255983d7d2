"""Progress of a batch: what became of each scan, and the time that is left."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from medrestore.io import Scan

__all__ = ["RemainingTime", "Step", "time_left", "voxels_of"]

WORTH_SAYING_S = 60.0


class Step(NamedTuple):
    """A scan was begun, or is done with.

    Parameters
    ----------
    scan : Scan
        As `find` described it.
    state : {"begun", "restored", "failed"}
        What happened to it.
    reason : str
        Why it failed.
    record : Path, optional
        ``<stem>_run.json`` of a scan that was restored.
    """

    scan: Scan
    state: Literal["begun", "restored", "failed"]
    reason: str = ""
    record: Path | None = None


class RemainingTime:
    """Time that a batch will still take, from its voxels that are left.

    Parameters
    ----------
    scans : iterable of Scan
        All of them; each is handed to `done` once.
    """

    def __init__(self, scans: Iterable[Scan]) -> None:
        self._left = sum(voxels_of(scan) for scan in scans)
        self._measured, self._took = 0, 0.0

    def done(self, scan: Scan, seconds: float | None = None) -> None:
        """Count a scan; ``seconds`` if it was restored now, which is what others take."""
        self._left -= voxels_of(scan)
        if seconds is not None:
            self._measured += voxels_of(scan)
            self._took += seconds

    @property
    def seconds(self) -> float | None:
        """Of all scans that are left; None until one was restored."""
        return self._took / self._measured * self._left if self._measured else None


def voxels_of(scan: Scan) -> int:
    """Voxels of all time points."""
    return prod(scan.shape) * scan.time_points


def time_left(seconds: float | None) -> str:
    """``", 12 min left for all"``; nothing for what is soon done, or not known."""
    if seconds is None or seconds < WORTH_SAYING_S:
        return ""
    left = f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
    return f", {left} left for all"
