"""One 3-D volume of a run, slice by slice: what is measurement, how noisy it is, what is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from medrestore.core.neighbours import neighbours
from medrestore.core.predictor import Condition, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from medrestore.core.meter import Meter
    from medrestore.engine import Engine
    from medrestore.plan import Plan

__all__ = ["TOLD_BYTES", "Frame"]

TOLD_BYTES = 256 * 2**20
"""Conditions of the refiner that are kept between samples; the rest is computed again."""

AIR_HU = np.float32(-1000)
"""What stands in for voxels of a CT that are no measurement."""


@dataclass(frozen=True, eq=False)
class Frame:
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
    padding : float, optional
        Value of voxels that are no measurement (`core.padding`).
    told : dict
        Conditions of the refiner that were kept, by stretch and slab.
    """

    plan: Plan
    engine: Engine
    meter: Meter
    y: NDArray[np.float32]
    t: int
    positions_mm: tuple[float, ...] | None
    padding: float | None
    told: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    @property
    def floor(self) -> np.float32:
        """Noise below which the model leaves a voxel as it is."""
        return np.float32(self.engine.sigma_range[0] * self.plan.scale)

    def invalid(self, z: int) -> NDArray[np.bool_]:
        """Voxels of a slice that are no measurement."""
        bad = ~np.isfinite(self.y[z])
        if self.padding is not None:
            bad |= self.y[z] == np.float32(self.padding)
        return np.asarray(bad)

    def filled(self, z: int) -> NDArray[np.float32]:
        """A slice with air in place of what is no measurement."""
        bad, plane = self.invalid(z), self.y[z]
        air = AIR_HU if self.plan.modality == "CT" else np.float32(0)
        return np.where(bad, air, plane) if bad.any() else plane

    def sigma(self, z: int) -> NDArray[np.float32]:
        """The noise of a slice."""
        noise = self.plan.noise
        if noise.map is None:
            return np.full(self.plan.shape[1:], noise.sigma, np.float32)
        return np.asarray(np.nan_to_num(noise.map[z], nan=0.0))

    def condition(self, slices: Sequence[int]) -> Condition:
        """What the predictor is told of some slices."""
        reads = [neighbours(z, self.engine.slices, len(self.y), self.positions_mm) for z in slices]
        planes = {z: self.filled(z) for z in {z for one in reads for z in one}}
        y = np.stack([np.stack([planes[z] for z in one]) for one in reads])
        device, sigma = self.plan.device, np.stack([self.sigma(z) for z in slices])
        return Condition(
            torch.from_numpy(y).to(device),
            torch.from_numpy(np.maximum(sigma, 0.1 * self.floor))[:, None].to(device),
            torch.full((1, 1, 1, 1), self.plan.scale, device=device),
        )

    def tell(
        self,
        key: tuple[int, int],
        slices: Sequence[int],
        mu: NDArray[np.float32],
        s: NDArray[np.float32],
    ) -> Tensor:
        """What the refiner is told of some slices, kept for the next time while there is room.

        Parameters
        ----------
        key : (int, int)
            Stretch and slab.
        slices : sequence of int
            Which slices.
        mu, s : ndarray, shape (n, y, x)
            What the predictor says of them.
        """
        if key in self.told:
            return self.told[key]
        c = self.condition(slices)
        mean, spread = (torch.from_numpy(a)[:, None].to(self.plan.device) for a in (mu, s))
        prediction = Prediction(mean, torch.maximum(spread, 0.05 * c.sigma).log())
        seen = self.engine.condition(c, prediction)
        if seen.nbytes + sum(kept.nbytes for kept in self.told.values()) <= TOLD_BYTES:
            self.told[key] = seen
        return seen
