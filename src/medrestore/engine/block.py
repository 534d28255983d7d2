"""Neighbouring slices that a run takes through its passes together, and what is predicted of them.

A block is small enough for memory, whatever the length of the scan; what it keeps from one pass to
the next lies in arrays that are handed to it. Within it, slabs of slices are evaluated at once. In
a slice model they have nothing to do with each other; a 3-D model reads windows of several, so its
one slab holds every slice that the chosen ones depend on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.fusion import WIDTH_PX
from medrestore.core.method import evaluations
from medrestore.core.mirroring import mirrored
from medrestore.core.schedules import angles
from medrestore.core.spectra import mean_ratio
from medrestore.core.spectrum import independent_voxels
from medrestore.core.tiles import taper
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.core.spectra import Spectra
    from medrestore.core.tiles import Windows
    from medrestore.engine.arrays import Arrays
    from medrestore.engine.time_point import TimePoint

__all__ = ["Block", "PredictedBlock", "predict"]


@dataclass(frozen=True, eq=False)
class Block:
    """Neighbouring slices of the plan's choice, before anything is computed.

    Parameters
    ----------
    point : TimePoint
        The volume.
    chosen : sequence of int
        The slices.
    """

    point: TimePoint
    chosen: Sequence[int]

    @cached_property
    def windows(self) -> Windows:
        """The slices that the networks read together."""
        return self.point.engine.windows(len(self.point.y))

    @cached_property
    def needed(self) -> list[int]:
        """Slices that have to be computed for the chosen ones, these included."""
        settings = self.point.plan.settings
        in_a_row = evaluations(settings.sampler, settings.steps) if settings.samples else 0
        return list(self.windows.reach(self.chosen, in_a_row))

    @cached_property
    def rows(self) -> list[int]:
        """Row of each chosen slice in `needed`."""
        row_of = {z: row for row, z in enumerate(self.needed)}
        return [row_of[z] for z in self.chosen]

    @cached_property
    def slabs(self) -> list[range]:
        """Rows of `needed` that the sampler takes at once."""
        n = len(self.needed)
        size = n if self.windows.window > 1 else self.point.plan.slab
        return [range(first, min(first + size, n)) for first in range(0, n, size)]

    @cached_property
    def last_angle(self) -> float:
        """Angle of the last evaluation of a sample."""
        settings = self.point.plan.settings
        return float(angles(settings.steps, settings.schedule)[-2])

    @cached_property
    def spectra(self) -> Spectra:
        """Spectra of the residual, for the plan's way of sampling."""
        settings = self.point.plan.settings
        spectra = self.point.engine.spectra.of(settings.method, self.last_angle)
        return replace(spectra, led=settings.measurement)

    @property
    def planes(self) -> int:
        """Number of planes (y, x) that the prediction needs beside the maps of the result."""
        return 2 * len(self.needed) if self.needed != list(self.chosen) else 0


@dataclass(frozen=True, eq=False)
class PredictedBlock:
    """A block and its prediction.

    Parameters
    ----------
    block : Block
        The slices.
    mu, s : ndarray of float32, shape (needed slices, y, x)
        Expected image and spread of the residual, in the scan's unit.
    ratios : list of float
        Mean s²/σ² of each needed slice, on which the texture of its residual depends.
    """

    block: Block
    mu: NDArray[np.float32]
    s: NDArray[np.float32]
    ratios: list[float]

    def independent_voxels(self, row: int) -> float:
        """Number of independent voxels that a needed slice's spread is pooled over."""
        spectrum = self.block.point.engine.spectra.at(math.pi / 2, self.ratios[row])
        return independent_voxels(spectrum, WIDTH_PX)

    def reference(self, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centre and unit of the bytes that keep samples of chosen slice ``i``, each (y, x).

        The prediction; of families without one the scan and its noise.
        """
        if self.block.point.engine.family.fewest_samples:
            z = self.block.chosen[i]
            return self.block.point.filled(z), self.block.point.sigma(z)
        row = self.block.rows[i]
        return self.mu[row], self.s[row]

    def image(self, i: int, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """A sampled plane of chosen slice ``i`` as it is shown, above the modality's lowest."""
        point, z = self.block.point, self.block.chosen[i]
        plane = point.engine.family.image(plane, point.untouched(z), point.filled(z))
        return modality_named(point.plan.modality).bounded(plane)


@torch.inference_mode()
def predict(block: Block, out: Arrays, room: NDArray[np.float32]) -> PredictedBlock:
    """Predict μ and s of the needed slices, blended over the windows that hold them.

    Parameters
    ----------
    block : Block
        The slices.
    out : Arrays
        Maps of the chosen slices, zeros: its μ and s are filled where no other slice is needed.
    room : ndarray of float32, shape (block.planes, y, x)
        Zeros for μ and s otherwise.
    """
    point, plan, windows = block.point, block.point.plan, block.windows
    n = len(block.needed)
    mu, s = (room[:n], room[n:]) if block.planes else (out.mu, out.s)
    norm = np.zeros(n, np.float32)
    share = taper(windows.window)
    row_of = {z: row for row, z in enumerate(block.needed)}
    first = windows.covering(block.needed)
    views = plan.settings.predictions
    evaluate = point.engine.predict if views == 1 else mirrored(point.engine.predict)
    size = plan.slab if windows.window == 1 else 1
    for chunk in (first[i : i + size] for i in range(0, len(first), size)):
        positions = [z for a in chunk for z in windows.positions(a)]
        prediction = evaluate(point.predictor_condition(positions))
        maps = [part[:, 0].cpu().numpy() for part in prediction]
        new = sum(norm[row_of[z]] == 0 for z in row_of.keys() & set(positions))
        point.meter.tick(views * new)
        for i, z in enumerate(positions):
            if z in row_of:
                weight = share[i % len(share)]
                mu[row_of[z]] += weight * maps[0][i]
                s[row_of[z]] += weight * maps[1][i]  # still its logarithm
                norm[row_of[z]] += weight
    settled = [_settled(point, z, mu[row], s[row], norm[row]) for z, row in row_of.items()]
    return PredictedBlock(block, mu, s, settled)


def _settled(
    point: TimePoint,
    z: int,
    mu: NDArray[np.float32],
    s: NDArray[np.float32],
    norm: np.float32,
) -> float:
    """Turn a slice's sums over windows into μ and s, in place; mean s²/σ² of it."""
    modality, sigma = modality_named(point.plan.modality), point.sigma(z)
    mean = modality.bounded(mu / norm)
    untouched = point.engine.family.from_scan(point.untouched(z))
    mu[:] = np.where(untouched, point.filled(z), mean)
    s[:] = np.where(untouched, sigma, np.exp(s / norm))
    inside = modality.foreground(mu, point.plan.scale)
    removed = np.where(untouched | point.invalid(z), 0, sigma)
    return mean_ratio(s, removed, inside)
