"""Forecast of a run's time and memory.

Time: what the run computes, counted in voxels the predictor reads, windows the refiner reads, and
voxels that samples are drawn for and guards look at, times what each takes here and now (`pace`).
Reading and writing files is not in it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import psutil

from medrestore.core.consistency_check import looks
from medrestore.core.method import evaluations, shares_start, without_network
from medrestore.core.refiner_condition import CONDITION_CHANNELS
from medrestore.core.tiles import Windows
from medrestore.core.zero_filling import interpolated, resampled
from medrestore.devices import own_bytes
from medrestore.disk_arrays import IN_MEMORY_BYTES
from medrestore.engine.arrays import keeps_residuals
from medrestore.engine.pace import FRESH_S, Pace, kind_of, pace_of, windows_of
from medrestore.engine.pipeline import BLOCK_BYTES
from medrestore.engine.plan_text import memory
from medrestore.engine.time_point import CONDITION_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.engine.plan import Plan
    from medrestore.models.card import Card
    from medrestore.models.model import Model

__all__ = ["Course", "complete", "course_of", "free_bytes", "known_course"]

WORKING, COUNTING, NOISE_PLANES, CHECKING = 10, 3, 80, 9
"""Planes of 4 bytes a voxel that a run holds while it works, per slice of a slab; arrays of a
block while a sample is counted; planes of noise that are remembered; planes that the guards hold
per slice of their null. Counted with tracemalloc, which a test repeats."""

SHARE = 0.5
"""Share of the free memory that batches may fill: allocators and other programs take some."""


MODEL = 4
"""Leading entries of a kind of run that name model, device, precision and threads."""

_PACES: dict[tuple[object, ...], tuple[Pace, float]] = {}
"""Of this process: the pace of each kind of run, and when it was measured."""


@dataclass(frozen=True)
class Course:
    """The seconds that the parts of a run are forecast to take.

    Parameters
    ----------
    predicting, sampling, checking : float
        Predictor; samples; guards, and maps as shown; of all time points.
    slices, passes, times, predictions : int
        Ticks of the run's meter: a time point has one for each slice and prediction, then one for
        each slice and pass of the refiner.
    """

    predicting: float
    sampling: float
    checking: float
    slices: int
    passes: int
    times: int = 1
    predictions: int = 1

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.predicting + self.sampling + self.checking

    def reached(self, ticks: int) -> float:
        """Seconds forecast until the meter has ticked so often."""
        first = self.slices * self.predictions
        whole, rest = divmod(ticks, first + self.slices * self.passes)
        predicted = min(rest, first) / first
        sampled = max(rest - first, 0) / (self.slices * max(self.passes, 1))
        done = (whole + predicted) * self.predicting + (whole + sampled) * self.sampling
        return min(done / self.times, self.seconds)


def complete(plan: Plan, card: Card, loaded: Callable[[], Model]) -> Plan:
    """The plan with its forecast, and with batches that fit into the memory that is free.

    Parameters
    ----------
    plan : Plan
        From `resolve.resolve`, for all slices or some.
    card : Card
        The plan's model.
    loaded : callable
        Gives the model on the plan's device; asked only if its pace is not known or has grown old.
    """
    work, pace = plan.sized, _pace(plan, card, loaded)
    limit = (plan.settings.memory_gb or math.inf) * 1e9
    free, channels = min(free_bytes(plan.device), limit), card.family.condition_channels(card.facts)
    resident = _resident_bytes(work, channels) + _shown_bytes(plan)
    apart = own_bytes(plan.device) is not None
    room = SHARE * max(free if apart else free - resident, 0)
    slice_bytes = pace.voxel_bytes * work.shape[1] * work.shape[2] * card.depth[0]
    slab = int(min(max(room // slice_bytes, 1), plan.slab))
    fitting = room // pace.window_bytes if pace.window_bytes else math.inf
    batch = int(min(max(fitting, 1), plan.batch))
    working = max(slab * slice_bytes, batch * pace.window_bytes if plan.settings.samples else 0)
    needed = int(resident + (0 if apart else working))
    warnings = plan.warnings + _shortage(needed, limit)
    done = replace(
        plan,
        slab=slab,
        batch=batch,
        seconds=round(course_of(plan, card, pace).seconds, 2),
        memory_bytes=needed,
        warnings=warnings,
    )
    _PACES.setdefault(kind_of(done, card), _PACES[kind_of(plan, card)])
    return done


def known_course(plan: Plan, card: Card) -> Course | None:
    """The parts of a forecast that `complete` has made in this process; None where it has not."""
    pace, _ = _PACES.get(kind_of(plan, card), (None, 0.0))
    return None if pace is None else course_of(plan, card, pace)


def _pace(plan: Plan, card: Card, loaded: Callable[[], Model]) -> Pace:
    """The pace of a plan's kind of run, at most `FRESH_S` old."""
    kind = kind_of(plan, card)
    pace, measured = _PACES.get(kind, (None, -math.inf))
    if pace is not None and time.monotonic() - measured <= FRESH_S:
        return pace
    warm = any(known[:MODEL] == kind[:MODEL] for known in _PACES)
    pace = pace_of(loaded(), plan, warm=warm)
    _PACES[kind] = pace, time.monotonic()
    return pace


def _shortage(needed: int, limit: float) -> tuple[str, ...]:
    """A warning, if the host has less memory than a run needs, or may use less."""
    free = psutil.virtual_memory().available
    if needed <= min(free, limit):
        return ()
    has, advice = "are free", "close other programs or crop the scan"
    if limit < free:
        has, advice = "is the limit that was set", "raise it or crop the scan"
    size = memory(min(free, limit))
    return (f"the run needs about {memory(needed)} of memory, {size} {has}; {advice}",)


def free_bytes(device: str) -> int:
    """Memory that is free on a device now; the host's where it has none of its own."""
    own = own_bytes(device)
    return int(psutil.virtual_memory().available) if own is None else own


def course_of(plan: Plan, card: Card, pace: Pace) -> Course:
    """Forecast of a run's time, by its parts."""
    shown, plan = plan, plan.sized
    settings, plane, slices = plan.settings, plan.shape[1] * plan.shape[2], len(plan.chosen)
    depth, (deep, _) = Windows(plan.shape[0], *card.depth), card.depth
    in_a_row = evaluations(settings.sampler, settings.steps) if settings.samples else 0
    needed = set(depth.reach(plan.chosen, in_a_row))
    covering = depth.covering(needed)
    whole = [first for first in covering if needed.issuperset(depth.inside(first))]
    passes = round(plan.evaluations / (slices * plan.times)) - settings.predictions
    windows = passes * len(whole) * windows_of(card, plan)
    return Course(
        predicting=plan.times * len(covering) * deep * plane * pace.predicting,
        sampling=plan.times
        * (windows * pace.window + settings.samples * slices * plane * pace.drawing),
        checking=plan.times * (looks(slices) * plane * pace.checking + slices * _showing(shown)),
        slices=slices,
        passes=passes,
        times=plan.times,
        predictions=settings.predictions,
    )


def _resident_bytes(plan: Plan, channels: int = CONDITION_CHANNELS) -> int:
    """Arrays that a run holds in memory, beside the scan itself; those in files do not count.

    ``channels`` is the number of channels of the refiner's condition.
    """
    settings, plane = plan.settings, 4 * plan.shape[1] * plan.shape[2]
    whole = len(plan.chosen) * plane
    block = min(whole, BLOCK_BYTES)
    other = settings.samples > 0 and settings.estimate != "mean"
    maps = (5 if settings.samples else 4) + other
    resident = maps * _in_memory(whole * plan.times)
    if settings.keep_samples:
        resident += _in_memory(settings.samples * whole * plan.times)
    if keeps_residuals(settings):
        resident += _in_memory(settings.samples * whole // 4 * plan.times)
    running = WORKING * plan.slab * plane
    if settings.samples:
        between = 4 + other + shares_start(settings.sampler, settings.steps)
        running += (COUNTING + (between if whole <= block else 0)) * block
        running += NOISE_PLANES * plane
    if settings.samples and not without_network(settings.sampler, settings.steps):  # conditions
        running += min(CONDITION_BYTES, channels * whole)
    checking = (
        2 * _in_memory(whole * plan.times)
        + CHECKING * (looks(len(plan.chosen)) - len(plan.chosen)) * plane
    )
    return int(resident + max(running, checking))


def _shown_bytes(plan: Plan) -> int:
    """Arrays on the grid shown, and the scan on that worked on, where the two differ."""
    if plan.grid is None:
        return 0
    settings, shown, slices = plan.settings, plan.shape[1:], len(plan.chosen) * plan.times
    whole, plane = 4 * math.prod(shown) * slices, 4 * math.prod(plan.grid)
    kept = settings.samples if settings.keep_samples else 0
    maps = 6 + (settings.estimate != "mean") + (settings.samples > 0)  # two of the guards
    scan = _in_memory(plane * plan.shape[0] * plan.times)
    return maps * _in_memory(whole) + _in_memory(kept * whole) + scan


def _showing(plan: Plan) -> float:
    """Seconds that a slice takes to the grid that is worked on, and its maps back."""
    return 0.0 if plan.grid is None else _there_and_back(plan.grid, plan.shape[1:])


@lru_cache(maxsize=16)
def _there_and_back(grid: tuple[int, int], shown: tuple[int, int]) -> float:
    scan, made = np.zeros(shown, np.float32), np.zeros(grid, np.float32)
    began = time.perf_counter()
    for _ in range(2):  # for the run, and for its guards
        resampled(scan, grid)
    resampled(made, shown)
    for _ in range(4):  # std, its factor, the two of the guards
        interpolated(made, shown)
    return time.perf_counter() - began


def _in_memory(size: int) -> int:
    """Bytes of memory that an array takes: none if it lies in a file (`disk_arrays`)."""
    return size if size <= IN_MEMORY_BYTES else 0
