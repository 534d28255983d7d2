"""Speed of a model on this machine now: a small run of the planned kind, timed.

The small run goes through the same pipeline, model, device, precision, sampler and guidance as the
run that is planned, on a plane of as many windows (fewer where that is more than it takes to know
what one costs) and with as many slices and windows at once. Its clock counts what a user waits for,
so another program on the same cores is in it: a pace says how fast the machine is now, and grows
old.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.compute import peak_bytes
from medrestore.core.consistency_check import looks
from medrestore.core.predictor import Condition, Prediction
from medrestore.core.tiles import starts, tiles
from medrestore.engine.checks import check
from medrestore.engine.pipeline import run
from medrestore.engine.plan import Noise
from medrestore.volume import Geometry, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.engine.plan import Plan
    from medrestore.models.card import Card
    from medrestore.models.model import Model

__all__ = ["FRESH_S", "Pace", "kind_of", "pace_of", "windows_of"]

FRESH_S = 60.0
"""Seconds after which a pace is measured again: other programs start and end."""

PER_SIDE = {False: 6, True: 2}
"""Windows along each side of the small run's plane at most; True: of a 3-D model, whose windows
are stacks of slices. Beyond, a window costs the same within a few percent."""


@dataclass(frozen=True)
class Pace:
    """Time and memory that a model takes on a device.

    Parameters
    ----------
    predicting, drawing : float
        Seconds per voxel: predictor, all its evaluations, and maps; a sample without its
        evaluations.
    window : float
        Seconds per window of the refiner; 0 of a run without samples.
    checking : float
        Seconds per voxel that the guards look at.
    voxel_bytes, window_bytes : float
        Memory for activations: per voxel the predictor reads at once, per window of the refiner (0
        of a run without samples).
    """

    predicting: float
    drawing: float
    window: float
    checking: float
    voxel_bytes: float
    window_bytes: float


def kind_of(plan: Plan, card: Card) -> tuple[object, ...]:
    """Key of what a pace depends on: runs of one kind share it."""
    settings, plan = plan.settings, plan.sized
    guided = (settings.guidance not in (0, 1), settings.measurement != 0)
    device = (plan.device, plan.precision, torch.get_num_threads())
    how = (settings.predictions, settings.sampler, guided, _steps(plan))
    return (card.sha256, *device, *how, _samples(plan, card) > 0, _shape(plan, card))


def pace_of(
    model: Model,
    plan: Plan,
    warm: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> Pace:
    """Measure the pace of a run of this plan's kind.

    Parameters
    ----------
    model : Model
        The plan's, on the plan's device.
    plan : Plan
        From `resolve.resolve`; of its noise and scale nothing matters.
    warm : bool
        Whether the model has run in this process. Else one more run goes before, in which libraries
        load and caches fill.
    clock : callable
        Seconds.
    """
    small, scan = _small(plan.sized, model.card)
    if not warm:
        _timed(small, scan, model, clock)
    predicting, evaluation, drawing, checking = _timed(small, scan, model, clock)
    slices, (_, height, width) = len(scan.array), small.shape
    stacks = len(model.windows(slices).covering(range(slices)))
    depth = model.card.depth[0]
    voxel_bytes, window_bytes = _activations(model, small.settings.samples > 0)
    return Pace(
        predicting=predicting / (stacks * depth * height * width),
        drawing=drawing / (max(small.settings.samples, 1) * scan.array.size),
        window=evaluation / (windows_of(model.card, small) * stacks),
        checking=checking / (looks(slices) * height * width),
        voxel_bytes=voxel_bytes,
        window_bytes=window_bytes,
    )


def windows_of(card: Card, plan: Plan) -> int:
    """Windows of the refiner that cover a slice, or a stack of slices, of a plan."""
    window, stride = card.window
    return tiles(card.family.plane(plan.shape[1:]), window, plan.stride or stride)


def _steps(plan: Plan) -> int:
    """Steps of the small run: where there are many, each but the last draws noise of its own."""
    return 2 if plan.settings.steps <= 2 else 3


def _samples(plan: Plan, card: Card) -> int:
    """Samples of the small run: one, or none where none are planned."""
    return max(min(1, plan.settings.samples), card.family.fewest_samples)


def _shape(plan: Plan, card: Card) -> tuple[int, int, int]:
    """Slices, rows and columns of the small run: whole windows, as many along a side as planned."""
    (depth, _), (window, stride) = card.depth, card.window
    stride, plane = plan.stride or stride, card.family.plane(plan.shape[1:])
    counts = sorted(min(len(starts(n, window, stride)), PER_SIDE[depth > 1]) for n in plane)
    step = max(1, round(plan.shape[1] / plane[0]))  # of a latent: voxels to a pixel
    height, width = (step * (window + (count - 1) * stride) for count in counts)
    return (depth if depth > 1 else min(plan.slab, plan.shape[0]), height, width)


def _small(plan: Plan, card: Card) -> tuple[Plan, Volume]:
    """The small run: its plan, and noise, since what a network sees does not change its time."""
    shape = _shape(plan, card)
    settings = replace(plan.settings, steps=_steps(plan), estimate="mean", keep_samples=False)
    settings = settings.drawing(_samples(plan, card))
    array = np.random.default_rng(0).normal(1, 0.05, shape).astype(np.float32)
    small = replace(
        plan,
        settings=settings,
        shape=shape,
        times=1,
        slices=None,
        scale=1.0,
        noise=Noise(float(np.prod(card.sigma_range)) ** 0.5),
        levels=(),
        evaluations=shape[0] * settings.evaluations,
    )
    return small, Volume(array, Geometry(shape, np.eye(4)), card.modality)


def _timed(
    plan: Plan, scan: Volume, model: Model, clock: Callable[[], float]
) -> tuple[float, float, float, float]:
    """Seconds of the predictor, of one evaluation of all slices, of the samples, of the guards."""
    watch = _Watch(len(scan.array) * plan.settings.predictions, clock)
    arrays = run(plan, scan, model, watch)  # on the host: a GPU has finished
    drawn = clock()
    check(plan, scan, arrays, model.card.sigma_range[0])
    checked = clock()
    evaluation = statistics.median(watch.evaluations or (0.0,))
    drawing = drawn - watch.predicted - len(watch.evaluations) * evaluation
    return watch.predicted - watch.begun, evaluation, max(drawing, 0.0), checked - drawn


class _Watch:
    """A meter that keeps the predictor's time apart from that of the evaluations after it."""

    def __init__(self, predictions: int, clock: Callable[[], float]) -> None:
        self._predictions, self._clock, self._done = predictions, clock, 0
        self.evaluations: list[float] = []

    def start(self, total: int, label: str) -> None:
        self.begun = self._last = self._clock()

    def tick(self, n: int = 1) -> None:
        now, before = self._clock(), self._done
        self._done += n
        if before >= self._predictions:
            self.evaluations.append(now - self._last)
        elif self._done == self._predictions:
            self.predicted = now
        self._last = now


@torch.inference_mode()
def _activations(model: Model, sampled: bool) -> tuple[float, float]:
    """Bytes per voxel of the predictor's input and per window of the refiner's, 0 of no samples."""
    (depth, _), (window, _) = model.card.depth, model.card.window
    y = torch.ones(depth, model.slices, window, window, device=model.device)
    c = Condition(y, torch.ones_like(y[:, :1]), torch.ones_like(y[:1, :1, :1, :1]))
    predicting = peak_bytes(lambda: model.predict(c)) / (depth * window**2)
    if not sampled:
        return predicting, 0.0
    seen = model.condition(c, Prediction(c.centre, torch.zeros_like(c.centre)))
    denoiser = model.denoiser(1, model.windows(depth), range(depth))
    z = torch.zeros(depth, 1, *model.family.plane((window, window)), device=model.device)
    refining = peak_bytes(lambda: denoiser(z, 1.0, seen))
    return predicting, float(refining)
