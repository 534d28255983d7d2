"""Forecast of a batch's time and memory before it starts, and its progress once it runs."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple

from medrestore.errors import ModelError, ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from medrestore.engine.plan import Plan
    from medrestore.io import Scan
    from medrestore.settings.settings import Settings

__all__ = ["Forecast", "RemainingTime", "Step", "forecast", "time_left", "voxels_of"]


class Forecast(NamedTuple):
    """Time and memory that a batch will take.

    Parameters
    ----------
    scans : int
        Scans that it counts.
    seconds : float
        For all of them, one after the other; reading and writing files not included.
    memory_bytes : int
        For the largest.
    """

    scans: int
    seconds: float
    memory_bytes: int


def forecast(scans: Iterable[Scan], settings: Settings, modality: str | None) -> Forecast:
    """Add up the forecasts of scans, from their headers alone.

    The first call for a model on a device times a small run, about a second on a CPU.

    Parameters
    ----------
    scans : iterable of Scan
        What is to be restored.
    settings : Settings
        As for each of them; the noise level does not matter.
    modality : "CT" or "MR", optional
        Of scans whose headers do not say it; CT if that is not given either, because only a CT
        can still show it by its values.
    """
    found: dict[tuple[object, ...], Plan | None] = {}
    plans = []
    for scan in scans:
        kind = scan.modality or modality or "CT"
        like = (kind, scan.shape, scan.time_points)
        if like not in found:
            found[like] = _plan(settings, *like)
        plans.append(found[like])
    known = [plan for plan in plans if plan is not None]
    seconds = sum(plan.seconds or 0.0 for plan in known)
    return Forecast(len(known), seconds, max((p.memory_bytes or 0 for p in known), default=0))


def _plan(settings: Settings, kind: str, shape: tuple[int, int, int], times: int) -> Plan | None:
    """The plan of a scan of this size; None if model or device does not serve it."""
    from medrestore.restorer import RESTORER  # torch: the panel of the viewer opens without

    try:
        return RESTORER.plan_of_size(settings, kind, shape, times)
    except (ModelError, ResourceError):  # said of each scan
        return None


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
