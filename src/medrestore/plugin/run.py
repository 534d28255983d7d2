"""A run in whatever thread it is: layer → volume → plan → result. No Qt.

torch and MONAI are loaded here, on the first run, so that the dock widget opens at once.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.errors import MedrestoreError
from medrestore.modalities import modality_named
from medrestore.plugin.drawings import NO_REGION, drawn_regions, union
from medrestore.plugin.jobs import RunMeter
from medrestore.plugin.layers import stored, to_volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medrestore.core.meter import Meter
    from medrestore.engine.forecast import Course
    from medrestore.engine.grid_choice import WorkingGrid
    from medrestore.engine.noise import Level
    from medrestore.engine.plan import Plan
    from medrestore.plugin.drawings import Drawing
    from medrestore.results.result import Result
    from medrestore.settings.settings import Settings
    from medrestore.volume import Volume

__all__ = ["Outcome", "PreviewCache", "Request", "leave_one_core", "region_noise", "restore"]


@dataclass(frozen=True, eq=False)
class Request:
    """A run as requested, taken from the viewer before the run begins.

    Parameters
    ----------
    data : array-like
        The layer's data, in display orientation.
    meta : mapping
        The layer's attributes as in a layer tuple.
    settings : Settings
        The settings of the run.
    modality : "CT" or "MR", optional
        Overrides what the layer says.
    slices : tuple of int, optional
        Acquired slices to restore, numbered along the scan's first stored axis; all by default.
    preview : bool
        The slices are looked at before the run: no samples, and noise as measured before.
    meant : tuple of int, optional
        Of a preview: the slices that the run after it is to restore; all by default.
    cluster : str
        Address of the Dask scheduler that it is sent to; empty for a run on this machine.
    """

    data: Any
    meta: Mapping[str, Any]
    settings: Settings
    modality: str | None = None
    slices: tuple[int, ...] | None = None
    preview: bool = False
    cluster: str = ""
    meant: tuple[int, ...] | None = None


class Outcome(NamedTuple):
    """A result, and the plan of the run that it is, or is a preview of (without its forecast)."""

    result: Result
    planned: Plan


class Found(NamedTuple):
    """What a plan measures in a scan: the noise of its volumes, and the grid of its run."""

    levels: tuple[Level, ...] | None
    grid: WorkingGrid | None


class PreviewCache:
    """Noise and grid of the scan that was measured last, for the next preview."""

    def __init__(self) -> None:
        self._scan: Callable[[], Any] = lambda: None
        self._request: tuple[object, ...] = ()
        self._found: Found | None = None

    def found(self, data: Any, *request: object) -> Found | None:
        """What was measured in this very array, if it was asked for in the same way."""
        return self._found if self._scan() is data and self._request == request else None

    def keep(self, found: Found, data: Any, *request: object) -> None:
        """Remember what was measured in an array, which is not kept alive by this."""
        try:
            self._scan = weakref.ref(data)
        except TypeError:  # a list, of a multiscale image: measured each time
            self._scan = lambda: None
        self._request, self._found = request, found


def restore(request: Request, meter: Meter, cache: PreviewCache | None = None) -> Outcome:
    """Run a request; the layer's voxels are copied first, later edits do not matter.

    Raises
    ------
    Cancelled
        If stopped before anything was worth keeping; later, the result holds fewer samples.
    MedrestoreError
        With one line that says what was wrong and what to do.
    """
    meter.start(0, "Reading the scan")
    volume = to_volume(request.data, request.meta, request.modality)
    settings = request.settings
    if request.cluster:
        return _restored_there(request, volume, settings, meter)
    meter.start(0, "Loading the model")
    from medrestore.restorer import RESTORER

    leave_one_core()
    meter.start(0, "Measuring the noise")
    whole = _decided(request, volume, settings, cache or PreviewCache())
    if request.preview:
        plan = (whole if request.slices is None else whole.for_slices(request.slices)).preview()
        return Outcome(RESTORER.run(plan, volume, meter), whole)
    planned, course = _part(RESTORER.forecast(whole), request.slices)
    if isinstance(meter, RunMeter):
        meter.expect(course)
    return Outcome(RESTORER.run(planned, volume, meter), planned)


def forecast(request: Request, outcome: Outcome, meter: Meter) -> Outcome:
    """A preview with the forecast of the run that it is for, which takes a timed run at first.

    Raises
    ------
    MedrestoreError
        With one line that says what was wrong and what to do.
    """
    from medrestore.restorer import RESTORER

    meter.start(0, "Forecasting the run")
    planned, _ = _part(RESTORER.forecast(outcome.planned), request.meant)
    return outcome._replace(planned=planned)


def _part(whole: Plan, slices: tuple[int, ...] | None) -> tuple[Plan, Course | None]:
    """The plan for some slices of a scan, None for all, and the parts of its forecast."""
    from medrestore.engine.forecast import known_course

    plan = whole if slices is None else whole.for_slices(slices)
    course = known_course(plan, whole.card())
    return (plan if course is None else replace(plan, seconds=round(course.seconds, 2))), course


def _restored_there(request: Request, volume: Volume, settings: Settings, meter: Meter) -> Outcome:
    from medrestore.batch.cluster import require

    require()
    from medrestore.batch.cluster.remote import restore_remotely

    return Outcome(*restore_remotely(request.cluster, volume, settings, meter, request.slices))


def region_noise(request: Request, drawing: Drawing, meter: Meter) -> tuple[float, str]:
    """The noise inside regions of uniform tissue.

    Parameters
    ----------
    request : Request
        For a 3-D scan, or one time point (`requests.on_display`).
    drawing : Drawing
        Regions on the layer's grid; all of them count as one.

    Returns
    -------
    sigma : float
        In the scan's own unit, HU or a.u.
    said : str
        A sentence on it.

    Raises
    ------
    MedrestoreError
        If nothing is drawn, the regions are too small, or the layer is no scan.
    """
    meter.start(0, "Measuring the noise")
    from medrestore.engine.noise import resolve_levels
    from medrestore.engine.plan_text import APART

    volume = to_volume(request.data, request.meta, request.modality)
    mask = union(drawn_regions(drawing))
    if mask is None:
        raise MedrestoreError(NO_REGION)
    inside = stored(mask, request.meta)
    found = modality_named(volume.modality or "MR").estimate_noise(volume.array, inside)
    voxels = f"in {int(inside.sum())} voxels of the drawn region"
    said = f"Noise {found.sigma:.3g} {volume.unit} {voxels}"
    try:
        whole = resolve_levels(volume)[0].noise.sigma
    except MedrestoreError:  # too small, or too uniform
        return found.sigma, f"{said}. Keep it, or change it, and denoise."
    said += f"; the scan itself reads {whole:.3g}"
    if whole / APART < found.sigma < whole * APART:
        return found.sigma, f"{said}. Keep it, or change it, and denoise."
    return found.sigma, f"{said}. Is the tissue uniform there? Change it, or draw another region."


def _decided(request: Request, volume: Volume, settings: Settings, cache: PreviewCache) -> Plan:
    from medrestore.engine.grid_choice import WorkingGrid
    from medrestore.restorer import RESTORER

    asked = (volume.modality, settings.noise, settings.grid)
    known = cache.found(request.data, *asked) if request.preview else None
    known = known or Found(None, None)
    plan = RESTORER.decide(volume, settings, levels=known.levels, grid=known.grid)
    cache.keep(Found(plan.each, WorkingGrid(plan.grid, plan.grid_source)), request.data, *asked)
    return plan


def leave_one_core() -> None:
    """Cap torch's threads so that the viewer keeps a core to itself."""
    import torch

    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores - 1)))
