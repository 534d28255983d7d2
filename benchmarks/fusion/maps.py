"""Maps of one run after 2, 4, 8, … samples, from one pass through the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from benchmarks.quality.cases import simulated
from medrestore.core.meter import SILENT
from medrestore.core.posterior import Moments
from medrestore.engine.arrays import Arrays
from medrestore.engine.block import Block, predict
from medrestore.engine.pipeline import fill_maps
from medrestore.engine.plan import Noise
from medrestore.engine.resolve import resolve
from medrestore.engine.samples import BlockSamples
from medrestore.engine.time_point import TimePoint
from medrestore.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from benchmarks.quality.cases import Case
    from medrestore.engine.plan import Plan
    from medrestore.models.model import Model

__all__ = ["Maps", "case", "maps"]

MARGIN = 4
"""Slices beyond the scored ones."""


class Maps(NamedTuple):
    """Maps of the scored slices, each (z, y, x).

    ``total`` is the std by the law of total variance, from last predictions alone, as runs had it
    before variances were fused; None without samples.
    """

    samples: int
    mirrored: bool
    mu: NDArray[np.float32]
    std: NDArray[np.float32]
    total: NDArray[np.float32] | None


def case(scan: str, modality: str, level: float, slices: int, side: int) -> Case:
    """The middle of a scan with noise: some slices and their margin, ``side`` pixels square."""
    whole = simulated(scan, modality, level)
    middle = len(whole.noisy) // 2
    rows = slice(middle - slices // 2 - MARGIN, middle - slices // 2 + slices + MARGIN)
    plane = np.argwhere(whole.mask.any(axis=0)).mean(axis=0).astype(int)
    cut = tuple(
        slice(max(0, min(c - side // 2, n - side)), max(0, min(c - side // 2, n - side)) + side)
        for c, n in zip(plane, whole.noisy.shape[1:], strict=True)
    )
    at = (rows, *cut)
    kept = {"noisy": whole.noisy[at], "truth": whole.truth[at], "mask": whole.mask[at]}
    sigma_map = None if whole.sigma_map is None else whole.sigma_map[at]
    arrays = {name: np.ascontiguousarray(array) for name, array in kept.items()}
    return type(whole)(
        scan, modality, whole.kind, level, **arrays, sigma=whole.sigma, spacing=whole.spacing,
        sigma_map=sigma_map, own=whole.own,
    )  # fmt: skip


def planned(model: Model, one: Case, settings: Settings) -> Plan:
    """A run of the scored slices, told the noise that was added."""
    from medrestore.modalities import modality_named

    volume = one.volume
    noise = Noise(one.sigma, one.sigma_map, "added")
    scale = modality_named(one.modality).scale(volume.array)
    plan = resolve(settings, volume, model.card, noise, scale, model.device)
    return plan.for_slices(tuple(range(MARGIN, len(one.noisy) - MARGIN)))


def maps(model: Model, one: Case, counts: Sequence[int], seed: int = 0) -> Iterator[Maps]:
    """Without samples, plain and mirrored; then after each of ``counts`` samples, mirrored."""
    for mirroring in ("off", "on"):
        alone = planned(model, one, Settings(samples=0, mirroring=mirroring, seed=seed))
        _, _, out, _ = _predicted(alone, model, one)
        yield Maps(0, mirroring == "on", out.mu, out.std, None)
    plan = planned(model, one, Settings(samples=max(counts), seed=seed))
    block, predicted, out, samples = _predicted(plan, model, one)
    assert samples is not None
    last = Moments(*np.zeros((2, *out.mu.shape), np.float32))
    left = block.spectra.remaining(block.last_angle, predicted.ratios)[block.rows, None, None]
    for k in range(max(counts)):
        samples.draw(k)
        samples.count(k)
        last.add(samples._r_hat)
        if k + 1 in counts:
            fill_maps(out, predicted, samples, k + 1)
            s = predicted.s[block.rows]
            total = s * np.sqrt(last.variance + left + last.mean**2)
            yield Maps(k + 1, True, out.mu.copy(), out.std.copy(), total)


@torch.inference_mode()
def _predicted(plan: Plan, model: Model, one: Case):
    """Block, its prediction, its arrays and, where there are any, its samples."""
    point = TimePoint(plan.at(0), model, SILENT, one.noisy, 0, None, ())
    block = Block(point, plan.chosen)
    plane = plan.shape[1:]
    out = Arrays.blank(plan).part(0, slice(None))
    predicted = predict(block, out, np.zeros((block.planes, *plane), np.float32))
    if not plan.settings.samples:
        fill_maps(out, predicted, None, 0)
        return block, predicted, out, None
    room = np.zeros((BlockSamples.planes(block), *plane), np.float32)
    return block, predicted, out, BlockSamples(predicted, room, None)
