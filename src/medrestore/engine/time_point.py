"""One 3-D volume of a run, slice by slice: its measured voxels, their noise, and the conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.ct_values import is_padding
from medrestore.core.intensity import KNOWN
from medrestore.core.predictor import Condition, Prediction
from medrestore.core.slices import neighbours, reflected
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.meter import Meter
    from medrestore.engine.plan import Plan
    from medrestore.engine.protocol import Engine

__all__ = ["CONDITION_BYTES", "TimePoint"]

CONDITION_BYTES = 256 * 2**20
"""Conditions of the refiner that are held between samples; the rest is computed again."""


@dataclass(frozen=True, eq=False)
class TimePoint:
    """One 3-D volume of a run.

    Parameters
    ----------
    plan, engine, meter
        As for `pipeline.run`.
    y : ndarray of float32, shape (z, y, x)
        The scan.
    t : int
        Its time point.
    positions_mm : tuple of float, optional
        Where unevenly spaced slices lie.
    padding : tuple of float
        Values of voxels that are no measurement (`core.ct_values`).
    conditions : dict
        Conditions of the refiner that are held, by block and slab.
    """

    plan: Plan
    engine: Engine
    meter: Meter
    y: NDArray[np.float32]
    t: int
    positions_mm: tuple[float, ...] | None
    padding: tuple[float, ...]
    conditions: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    @property
    def floor(self) -> np.float32:
        """Noise below which the model leaves a voxel as it is."""
        return np.float32(self.engine.sigma_range[0] * self.plan.scale)

    @property
    def known(self) -> tuple[np.float32, np.float32]:
        """Lowest and highest intensity that networks are shown."""
        lowest, highest = (np.float32(bound * self.plan.scale) for bound in KNOWN)
        return lowest, highest

    def invalid(self, z: int) -> NDArray[np.bool_]:
        """Voxels of a slice that are no measurement."""
        bad = ~np.isfinite(self.y[z])
        if self.padding:
            bad |= is_padding(self.y[z], self.padding)
        return np.asarray(bad)

    def beyond(self, z: int) -> NDArray[np.bool_]:
        """Voxels of a slice whose intensity no model knows (`core.intensity.KNOWN`)."""
        lowest, highest = self.known
        return np.asarray((self.y[z] < lowest) | (self.y[z] > highest))

    def untouched(self, z: int) -> NDArray[np.bool_]:
        """Voxels of a slice that come back as they are: too little noise, or too far out."""
        return np.asarray((self.sigma(z) < self.floor) | self.beyond(z))

    def seen(self, z: int) -> NDArray[np.float32]:
        """A slice as networks see it: within the intensities that they know."""
        return np.clip(self.filled(z), *self.known)

    def filled(self, z: int) -> NDArray[np.float32]:
        """A slice with air in place of what is no measurement."""
        bad, plane = self.invalid(z), self.y[z]
        air = np.float32(modality_named(self.plan.modality).air)
        return np.where(bad, air, plane) if bad.any() else plane

    def sigma(self, z: int) -> NDArray[np.float32]:
        """The noise of a slice."""
        noise = self.plan.noise
        if noise.map is None:
            return np.full(self.plan.shape[1:], noise.sigma, np.float32)
        return np.asarray(np.nan_to_num(noise.map[z], nan=0.0))

    def predictor_condition(self, positions: Sequence[int]) -> Condition:
        """Condition of the predictor for some positions; beyond its ends the scan is mirrored."""
        depth, mm = len(self.y), self.positions_mm
        reads = [neighbours(z, self.engine.slices, depth, mm) for z in positions]
        planes = {z: self.seen(z) for z in {z for one in reads for z in one}}
        y = np.stack([np.stack([planes[z] for z in one]) for one in reads])
        sigma = np.stack([self.sigma(reflected(z, depth)) for z in positions])
        device = self.plan.device
        return Condition(
            torch.asarray(y, device=device),
            torch.asarray(np.maximum(sigma, 0.1 * self.floor)[:, None], device=device),
            torch.full((1, 1, 1, 1), self.plan.scale, device=device),
        )

    def refiner_condition(
        self,
        key: tuple[int, int],
        slices: Sequence[int],
        mu: NDArray[np.float32],
        s: NDArray[np.float32],
    ) -> Tensor:
        """Condition of the refiner for some slices, held for the next time while there is room.

        Parameters
        ----------
        key : (int, int)
            Block and slab.
        slices : sequence of int
            The slices.
        mu, s : ndarray, shape (n, y, x)
            Its prediction of them.
        """
        if key in self.conditions:
            return self.conditions[key]
        c, maps = self.predictor_condition(slices), (np.clip(mu, *self.known), s)
        mean, spread = (torch.asarray(one[:, None], device=self.plan.device) for one in maps)
        prediction = Prediction(mean, torch.maximum(spread, 0.05 * c.sigma).log())
        seen = self.engine.condition(c, prediction)
        if seen.nbytes + sum(held.nbytes for held in self.conditions.values()) <= CONDITION_BYTES:
            self.conditions[key] = seen
        return seen
