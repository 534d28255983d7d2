"""Forecast of a batch's time and memory, before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import ModelError, ResourceError
from medrestore.restorer import RESTORER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrestore.engine.plan import Plan
    from medrestore.io import Scan
    from medrestore.settings.settings import Settings

__all__ = ["Forecast", "forecast"]


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
    try:
        return RESTORER.plan_of_size(settings, kind, shape, times)
    except (ModelError, ResourceError):  # said of each scan
        return None
