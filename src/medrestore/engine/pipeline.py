"""The story of a run: predictor, samples, posterior maps; streamed stretch by stretch.

Pass 1 predicts μ and s of every slice. Pass 2 evaluates the refiner once at t = π/2, where z
carries no information. Pass 3 draws the samples one after the other and keeps running moments
only. A run that is cancelled in pass 3 is valid with the samples it holds.

Each pass goes through the scan in stretches of a fixed size (`stretch`), and what it leaves lies in
files where it would fill the memory (`scratch`): a run of a long scan holds no more than that of a
short one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.evaluations import shares_start
from medrestore.core.meter import SILENT, Meter
from medrestore.disk_arrays import IN_MEMORY_BYTES, Held, release, zeros
from medrestore.engine.arrays import Arrays
from medrestore.engine.block import Stretch
from medrestore.engine.time_point import Frame
from medrestore.errors import Cancelled
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.engine.plan import Plan
    from medrestore.engine.protocol import Engine
    from medrestore.volume import Volume

__all__ = ["STRETCH_BYTES", "run"]

STRETCH_BYTES = IN_MEMORY_BYTES
"""Size of an array of a stretch of a slice model: 128 slices of 256², 32 of 512²."""
STACKED = 4
"""Stretches of a 3-D model are so many times as long: what overlaps is computed twice."""


def run(plan: Plan, volume: Volume, engine: Engine, meter: Meter = SILENT) -> Arrays:
    """Restore a scan as planned.

    Parameters
    ----------
    plan : Plan
        From `plan.resolve`.
    volume : Volume
        The scan the plan was made for.
    engine : Engine
        The loaded model.
    meter : Meter
        One tick per network evaluation of a slice; may raise ``Cancelled``.

    Raises
    ------
    Cancelled
        If stopped before the restored image was complete; later, the samples drawn so far are
        returned.
    ResourceError
        If a large scan's arrays do not fit on the disk.
    """
    frames = volume.array if volume.is_4d else volume.array[None]
    meter.start(plan.evaluations, "Restoring")
    out, drawn = Arrays.blank(plan), plan.settings.samples
    for t, y in enumerate(frames):
        padding = modality_named(plan.modality).padding(y, Held(y).tick)
        one = plan.at(t)
        frame = Frame(one, engine, meter, y, t, volume.geometry.slice_positions_mm, padding)
        drawn = min(drawn, _restore(frame, out))
    return out.finished(drawn, volume.is_4d)


def _restore(frame: Frame, out: Arrays) -> int:
    """All passes over one time point; how many samples were drawn."""
    settings, drawn = frame.plan.settings, 0
    stretches = [
        Stretch(frame, frame.plan.chosen[rows], out.part(frame.t, rows))
        for rows in _cut(frame.plan, frame.engine.windows(len(frame.y)).window)
    ]
    planes = sum(one.planes_kept for one in stretches)
    shape = (planes, *frame.plan.shape[1:])
    room = zeros(shape) if len(stretches) > 1 else np.zeros(shape, np.float32)
    first = 0
    for one in stretches:
        one.move_in(room[first : first + one.planes_kept])
        first += one.planes_kept

    def each(do: Callable[[Stretch], object]) -> None:
        for one in stretches:
            do(one)
            out.release()
            release(frame.y, frame.plan.noise.map, room)

    each(Stretch.predict)
    try:
        if settings.samples and shares_start(settings.sampler, settings.steps):
            each(Stretch.start)
        for k in range(settings.samples):
            each(partial(Stretch.draw, k=k))
            each(partial(Stretch.count, k=k))
            drawn = k + 1
    except Cancelled:
        if frame.plan.times > 1 or (frame.engine.family.mean_from_samples and drawn < 2):
            raise
    each(partial(Stretch.finish, drawn=drawn))
    return drawn


def _cut(plan: Plan, window: int) -> list[slice]:
    """The plan's slices in stretches of whole slabs."""
    plane_bytes = 4 * plan.shape[1] * plan.shape[2]
    size = STRETCH_BYTES * (STACKED if window > 1 else 1) // plane_bytes
    size = max(size // plan.slab, 1) * plan.slab
    return [slice(first, first + size) for first in range(0, len(plan.chosen), size)]
