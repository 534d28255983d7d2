"""How long a run will take and how much memory it needs, from a small run that is timed.

The small run goes through the same pipeline, model, device, precision and sampler as the run that
is planned; what it took is scaled by the voxels the predictor reads, the windows the refiner reads
and the voxels that samples are drawn for and guards look at. Reading and writing files is not in
it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from medrestore.core.evaluations import shares_start, without_network
from medrestore.core.guard import looks
from medrestore.core.live_memory import peak_bytes
from medrestore.core.predictor import Condition, Prediction
from medrestore.core.refiner import CONDITION_CHANNELS
from medrestore.core.windows import Windows, tiles
from medrestore.frame import TOLD_BYTES
from medrestore.guards import check
from medrestore.pipeline import STRETCH_BYTES, run
from medrestore.plan import Noise, Plan, resolve
from medrestore.scratch import IN_MEMORY_BYTES
from medrestore.settings import Settings
from medrestore.volume import Geometry, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.card import Card
    from medrestore.models import Model

__all__ = ["Pace", "complete", "free_bytes", "pace_of", "seconds_of"]

WORKING, COUNTING, NOISE_PLANES, CHECKING = 10, 3, 80, 9
"""Planes of 4 bytes a voxel that a run holds while it works, per slice of a slab; arrays of a
stretch while a sample is counted; planes of noise that are remembered; planes that the guards hold
per slice of their null. Counted with tracemalloc, which a test repeats."""

SHARE = 0.5
"""Share of the free memory that batches may fill: allocators and other programs take some."""


@dataclass(frozen=True)
class Pace:
    """What a model takes on a device.

    Parameters
    ----------
    predicting, drawing : float
        Seconds per voxel: predictor and maps; a sample without its evaluations.
    window : float
        Seconds per window of the refiner.
    checking : float
        Seconds per voxel that the guards look at.
    voxel_bytes, window_bytes : float
        Memory for activations: per voxel the predictor reads at once, per window of the refiner.
    """

    predicting: float
    drawing: float
    window: float
    checking: float
    voxel_bytes: float
    window_bytes: float


_PACES: dict[tuple[object, ...], Pace] = {}
"""Of this process, by model, device, precision, threads and sampler."""


def complete(plan: Plan, card: Card, loaded: Callable[[], Model]) -> Plan:
    """The plan with its forecast, and with batches that fit into the memory that is free.

    Parameters
    ----------
    plan : Plan
        From `plan.resolve`.
    card : Card
        The plan's model.
    loaded : callable
        Gives the model on the plan's device; asked only if it was not timed before.
    """
    key = (card.sha256, plan.device, plan.precision, torch.get_num_threads(), plan.settings.sampler)
    if key not in _PACES:
        _PACES[key] = pace_of(loaded(), plan.settings.sampler)
    pace = _PACES[key]
    limit = (plan.settings.memory_gb or math.inf) * 1e9
    free, told = min(free_bytes(plan.device), limit), card.family.told_channels(card.facts)
    held = _held_bytes(plan, told)
    on_gpu = plan.device.startswith("cuda")
    room = SHARE * max(free if on_gpu else free - held, 0)
    slice_bytes = pace.voxel_bytes * plan.shape[1] * plan.shape[2] * card.depth[0]
    slab = int(min(max(room // slice_bytes, 1), plan.slab))
    batch = int(min(max(room // pace.window_bytes, 1), plan.batch))
    working = max(slab * slice_bytes, batch * pace.window_bytes if plan.settings.samples else 0)
    needed = int(held + (0 if on_gpu else working))
    warnings = plan.warnings + _shortage(needed, limit)
    return replace(
        plan,
        slab=slab,
        batch=batch,
        seconds=round(seconds_of(plan, card, pace), 2),
        memory_bytes=needed,
        warnings=warnings,
    )


def _shortage(needed: int, limit: float) -> tuple[str, ...]:
    """A warning, if the host has less memory than a run needs, or may use less."""
    free = psutil.virtual_memory().available
    if needed <= min(free, limit):
        return ()
    has, advice = "are free", "close other programs or crop the scan"
    if limit < free:
        has, advice = "is the limit that was set", "raise it or crop the scan"
    size = f"{min(free, limit) / 1e9:.1f} GB"
    return (f"the run needs about {needed / 1e9:.1f} GB of memory, {size} {has}; {advice}",)


def free_bytes(device: str) -> int:
    """Memory that is free on a device now."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def seconds_of(plan: Plan, card: Card, pace: Pace) -> float:
    """Forecast of a run's time."""
    plane, slices = plan.shape[1] * plan.shape[2], len(plan.chosen)
    depth = Windows(plan.shape[0], *card.depth)
    stacks = len(depth.covering(plan.chosen))
    windows = stacks * _tiles(card, plan.shape)
    passes = round(plan.evaluations / (slices * plan.times)) - 1
    seconds = stacks * card.depth[0] * plane * pace.predicting + passes * windows * pace.window
    seconds += plan.settings.samples * slices * plane * pace.drawing
    seconds += looks(slices) * plane * pace.checking
    return seconds * plan.times


def pace_of(
    model: Model, sampler: str = "moment-matched", clock: Callable[[], float] = time.perf_counter
) -> Pace:
    """What a model takes here and now, in seconds of ``clock``."""
    card, (depth, _), (window, stride) = model.card, model.card.depth, model.card.window
    samples = 2 if card.family.mean_from_samples else 1
    settings = Settings(model=card.name, samples=samples, steps=2, sampler=sampler)
    side = window + (3 * stride if depth == 1 else 0)
    tiles = _tiles(card, (depth, side, side))

    def timed(scan: Volume) -> tuple[float, float, float, float]:
        noise = Noise(float(np.prod(card.sigma_range)) ** 0.5)
        plan = resolve(settings, scan, card, noise, 1.0, model.device, model.precision)
        watch = _Watch(len(scan.array), clock)
        arrays = run(plan, scan, model, watch)  # on the host: a GPU has finished
        drawn = clock()
        check(plan, scan, arrays, card.sigma_range[0])
        return watch.predicting, watch.evaluation, drawn - watch.last, clock() - drawn

    timed(_scan(card, depth, window))  # libraries load, caches fill
    planned = resolve(settings, _scan(card, depth, side), card, Noise(0.1), 1.0, model.device)
    slices = depth if depth > 1 else math.ceil(planned.batch / tiles)
    scan = _scan(card, slices, side)
    both = (timed(scan) for _ in range(2))
    predicting, evaluation, drawing, checking = map(min, zip(*both, strict=True))
    voxel_bytes, window_bytes = _activations(model)
    return Pace(
        predicting=predicting / scan.array.size,
        drawing=drawing / (samples * scan.array.size),
        window=evaluation / (tiles if depth > 1 else slices * tiles),
        checking=checking / (looks(slices) * side**2),
        voxel_bytes=voxel_bytes,
        window_bytes=window_bytes,
    )


class _Watch:
    """A meter that tells the predictor's time from that of the evaluations after it."""

    def __init__(self, slices: int, clock: Callable[[], float]) -> None:
        self.slices, self.clock, self.done = slices, clock, 0

    def start(self, total: int, label: str) -> None:
        self.begun = self.last = self.clock()

    def tick(self, n: int = 1) -> None:
        self.done += n
        self.last = self.clock()
        if self.done == self.slices:
            self.predicted = self.last

    @property
    def predicting(self) -> float:
        """Seconds of the predictor."""
        return self.predicted - self.begun

    @property
    def evaluation(self) -> float:
        """Seconds of one evaluation of the refiner over all slices."""
        return (self.last - self.predicted) * self.slices / (self.done - self.slices)


def _scan(card: Card, depth: int, side: int) -> Volume:
    """Noise about the scale, 1: what a network computes takes as long whatever it sees."""
    noise = np.random.default_rng(0).normal(1, 0.05, (depth, side, side)).astype(np.float32)
    return Volume(noise, Geometry(noise.shape, np.eye(4)), card.modality)


def _tiles(card: Card, shape: tuple[int, int, int]) -> int:
    return tiles(card.family.plane(shape[1:]), *card.window)


def _held_bytes(plan: Plan, told: int = CONDITION_CHANNELS) -> int:
    """Arrays that a run holds in memory, beside the scan itself; those in files do not count.

    ``told`` is the number of channels that the refiner is told.
    """
    settings, plane = plan.settings, 4 * plan.shape[1] * plan.shape[2]
    whole = len(plan.chosen) * plane
    stretch = min(whole, STRETCH_BYTES)
    other = settings.samples > 0 and settings.estimate != "mean"
    maps = (5 if settings.samples else 4) + other
    held = maps * _in_memory(whole * plan.times)
    if settings.keep_samples:
        held += _in_memory(settings.samples * whole * plan.times)
    running = WORKING * plan.slab * plane
    if settings.samples:
        between = 4 + other + shares_start(settings.sampler, settings.steps)
        running += (COUNTING + (between if whole <= stretch else 0)) * stretch
        running += NOISE_PLANES * plane
    if settings.samples and not without_network(settings.sampler, settings.steps):  # conditions
        running += min(TOLD_BYTES, told * whole)
    checking = (
        2 * _in_memory(whole * plan.times)
        + CHECKING * (looks(len(plan.chosen)) - len(plan.chosen)) * plane
    )
    return int(held + max(running, checking))


def _in_memory(size: int) -> int:
    """What an array takes of the memory: nothing if it lies in a file (`scratch`)."""
    return size if size <= IN_MEMORY_BYTES else 0


@torch.inference_mode()
def _activations(model: Model) -> tuple[float, float]:
    """Bytes per voxel of the predictor's input and per window of the refiner's."""
    (depth, _), (window, _) = model.card.depth, model.card.window
    y = torch.ones(depth, model.slices, window, window, device=model.device)
    c = Condition(y, torch.ones_like(y[:, :1]), torch.ones_like(y[:1, :1, :1, :1]))
    predicting = peak_bytes(lambda: model.predict(c))
    seen = model.condition(c, Prediction(c.centre, torch.zeros_like(c.centre)))
    denoiser = model.denoiser(1, model.windows(depth), range(depth))
    z = torch.zeros(depth, 1, *model.family.plane((window, window)), device=model.device)
    refining = peak_bytes(lambda: denoiser(z, 1.0, seen))
    return predicting / (depth * window**2), float(refining)
