"""How long a batch will still take, from what its scans took so far."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrestore.io import Scan

__all__ = ["Remaining", "left_in_words", "voxels_of"]

WORTH_SAYING_S = 60.0


def voxels_of(scan: Scan) -> int:
    """Voxels of all time points."""
    return prod(scan.shape) * scan.time_points


class Remaining:
    """Counts down the voxels of a batch.

    Parameters
    ----------
    scans : iterable of Scan
        All of them; `done` is told of each.
    """

    def __init__(self, scans: Iterable[Scan]) -> None:
        self._left = sum(voxels_of(scan) for scan in scans)
        self._measured, self._took = 0, 0.0

    def done(self, scan: Scan, seconds: float | None = None) -> None:
        """A scan is done with; ``seconds`` if it was restored now, which is what others take."""
        self._left -= voxels_of(scan)
        if seconds is not None:
            self._measured += voxels_of(scan)
            self._took += seconds

    @property
    def seconds(self) -> float | None:
        """Of all scans that are left; None until one was restored."""
        return self._took / self._measured * self._left if self._measured else None

    def in_words(self) -> str:
        """``", 12 min left for all"``; nothing for what is soon done."""
        return left_in_words(self.seconds)


def left_in_words(seconds: float | None) -> str:
    """``", 12 min left for all"``; nothing for what is soon done, or not known."""
    if seconds is None or seconds < WORTH_SAYING_S:
        return ""
    left = f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
    return f", {left} left for all"
