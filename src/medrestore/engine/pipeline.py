"""The story of a run: predictor, samples, posterior maps; streamed block by block.

Pass 1 predicts μ and s of every slice. Pass 2 evaluates the refiner once at t = π/2, where z
carries no information. Pass 3 draws the samples one after the other and keeps running moments
only. A run that is cancelled in pass 3 is valid with the samples it holds.

Each pass goes through the scan in blocks of a fixed size (`block`), and what it leaves lies in
files where it would fill the memory (`disk_arrays`): a run of a long scan holds no more than that
of a short one.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from medrestore.core.meter import SILENT, Meter
from medrestore.core.posterior import Knowledge, Maps, interval
from medrestore.disk_arrays import IN_MEMORY_BYTES, PageReleaser, release, zeros
from medrestore.engine.arrays import Arrays
from medrestore.engine.block import Block, predict
from medrestore.engine.samples import BlockSamples
from medrestore.engine.time_point import TimePoint
from medrestore.errors import Cancelled
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from medrestore.engine.block import PredictedBlock
    from medrestore.engine.plan import Plan
    from medrestore.engine.protocol import Engine
    from medrestore.volume import Volume

__all__ = ["BLOCK_BYTES", "fill_maps", "run"]


def fill_maps(
    out: Arrays, predicted: PredictedBlock, samples: BlockSamples | None, drawn: int
) -> None:
    """Write the maps of a block's chosen slices.

    Parameters
    ----------
    out : Arrays
        The maps of these slices.
    predicted : PredictedBlock
        The block.
    samples : BlockSamples, optional
        Its samples; None where the maps rest on the prediction alone.
    drawn : int
        Number of samples that were counted.
    """
    block, point = predicted.block, predicted.block.point
    plan, engine, settings = point.plan, point.engine, point.plan.settings
    intervals = engine.intervals(settings.method if samples else "predictor")
    lowest = modality_named(plan.modality).lowest
    for i, (z, row) in enumerate(zip(block.chosen, block.rows, strict=True)):
        mu, s, std = _slice(predicted, samples, drawn, i)
        restored, sigma = mu, point.sigma(z)
        if samples is not None and samples.residual is not None:
            plane = predicted.mu[row] + predicted.s[row] * samples.residual[i]
            restored = predicted.image(i, plane)
        dof = engine.family.dof(drawn) if samples else math.inf
        factor = intervals.factor(settings.level, sigma / plan.scale, dof)
        out.lower[i], out.upper[i] = interval(mu, std, factor, lowest)
        out.restored[i], out.mu[i], out.std[i], out.s[i] = restored, mu, std, s
        out.ratio[i] = predicted.ratios[row]
        out.unmask(i, point.invalid(z), point.y[z])


def _slice(predicted: PredictedBlock, samples: BlockSamples | None, drawn: int, i: int) -> Maps:
    """μ, s and the RMS error expected about μ of chosen slice ``i``, each (y, x)."""
    block, row = predicted.block, predicted.block.rows[i]
    mu, s = predicted.mu[row], predicted.s[row]
    if samples is None:
        return Maps(mu, s, s)
    point, z = block.point, block.chosen[i]
    untouched, sigma = point.untouched(z), point.sigma(z)
    tissue = modality_named(point.plan.modality).foreground(mu, point.plan.scale)
    known = Knowledge(
        inside=tissue & ~untouched & ~point.invalid(z),
        prior_dof=point.engine.trust(point.plan.settings.method).at(sigma / point.plan.scale),
        voxels=predicted.independent_voxels(row),
        image=partial(predicted.image, i),
    )
    maps = samples.statistics.maps(i, drawn, Maps(mu, s, s), known)
    return Maps(maps.mu, *(np.where(untouched, sigma, one) for one in (maps.s, maps.std)))


T = TypeVar("T")

BLOCK_BYTES = IN_MEMORY_BYTES
"""Size of an array of a block of a slice model: 128 slices of 256², 32 of 512²."""
STACKED = 4
"""Blocks of a 3-D model are so many times as long: what overlaps is computed twice."""


def run(plan: Plan, volume: Volume, engine: Engine, meter: Meter = SILENT) -> Arrays:
    """Restore a scan as planned.

    Parameters
    ----------
    plan : Plan
        From `resolve.resolve`.
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
    volumes = volume.array if volume.is_4d else volume.array[None]
    meter.start(plan.evaluations, "Restoring")
    out, drawn = Arrays.blank(plan), plan.settings.samples
    for t, y in enumerate(volumes):
        padding = modality_named(plan.modality).padding(y, PageReleaser(y).tick)
        positions_mm = volume.geometry.slice_positions_mm
        point = TimePoint(plan.at(t), engine, meter, y, t, positions_mm, padding)
        drawn = min(drawn, _restore(point, out))
    return out.finished(drawn, volume.is_4d)


def _restore(point: TimePoint, out: Arrays) -> int:
    """All passes over one time point; number of samples that were drawn."""
    settings, drawn = point.plan.settings, 0
    cuts = _cuts(point.plan, point.engine.windows(len(point.y)).window)
    blocks = [Block(point, point.plan.chosen[rows]) for rows in cuts]
    outs = [out.part(point.t, rows) for rows in cuts]
    for_prediction, for_samples = _rooms(blocks)

    def each(do: Callable[..., T], *of_blocks: Sequence[Any]) -> list[T]:
        done = []
        for one in zip(*of_blocks, strict=True):
            done.append(do(*one))
            out.release()
            release(point.y, point.plan.noise.map, *for_prediction, *for_samples)
        return done

    predicted = each(predict, blocks, outs, for_prediction)
    samples: list[BlockSamples] = []
    try:
        if settings.samples:
            samples = each(BlockSamples, predicted, for_samples, outs)
        for k in range(settings.samples):
            each(partial(BlockSamples.draw, k=k), samples)
            each(partial(BlockSamples.count, k=k), samples)
            drawn = k + 1
    except Cancelled:
        if point.plan.times > 1 or drawn < point.engine.family.fewest_samples:
            raise
    each(partial(fill_maps, drawn=drawn), outs, predicted, samples if drawn else [None] * len(outs))
    return drawn


def _rooms(blocks: Sequence[Block]) -> tuple[list[NDArray[np.float32]], ...]:
    """Zeros that predictions and samples of each block need: in memory for a block alone."""
    planes = [n for block in blocks for n in (block.planes, BlockSamples.planes(block))]
    shape = (sum(planes), *blocks[0].point.plan.shape[1:])
    room = zeros(shape) if len(blocks) > 1 else np.zeros(shape, np.float32)
    rooms = np.split(room, np.cumsum(planes)[:-1])
    return rooms[::2], rooms[1::2]


def _cuts(plan: Plan, window: int) -> list[slice]:
    """The plan's slices in blocks of whole slabs."""
    plane_bytes = 4 * plan.shape[1] * plan.shape[2]
    size = BLOCK_BYTES * (STACKED if window > 1 else 1) // plane_bytes
    size = max(size // plan.slab, 1) * plan.slab
    return [slice(first, first + size) for first in range(0, len(plan.chosen), size)]
