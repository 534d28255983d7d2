"""Intervals of voxels and of regions as a model's card has them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.intervals import Intervals

if TYPE_CHECKING:
    from medrestore.core.families import Family
    from medrestore.core.fusion import Trust
    from medrestore.models.schema import CardFacts

__all__ = ["BEYOND", "USUAL_DOF", "Calibration"]

USUAL_DOF = 32.0
"""Degrees of freedom of a region's closed form where none were measured."""

BEYOND = 2.0
"""Largest region whose interval counts as calibrated, over the largest that was measured."""


class Calibration(ABC):
    """What was measured of a model's uncertainty, by method of sampling; a part of `Card`."""

    @property
    @abstractmethod
    def known(self) -> CardFacts:
        """Facts of the card."""

    @property
    @abstractmethod
    def family(self) -> Family:
        """Family of the model."""

    @property
    @abstractmethod
    def samplers(self) -> tuple[str, ...]:
        """Samplers that the weights serve, the usual one first."""

    def intervals(self, method: str) -> Intervals:
        """Calibrated factors of ``"predictor"`` or ``"sampler:steps"``.

        A sampler that never was calibrated takes a Gaussian's (`calibrated`).
        """
        facts = self.known.intervals
        key = self.calibrated(method)
        if key is None:
            return Intervals.gaussian()
        levels = tuple(facts.relative_sigma)
        rows = tuple(tuple(row) for row in facts.factors[key])
        return Intervals(levels, rows, facts.people)

    def trust(self, method: str) -> Trust:
        """Degrees of freedom of what is known of a voxel's variance beside samples of a method.

        Measured for the model's usual sampler, not guided; others, and cards that do not say, take
        the family's: of a predictor's model samples tell nothing of a single voxel.
        """
        from medrestore.core.fusion import Trust

        facts, usual = self.known.trust, method.partition(":")[0] == self.samplers[0]
        if not (facts.dof and usual):
            return Trust(dof=(self.family.prior_dof,))
        dof = (math.inf if one is None else float(one) for one in facts.dof)
        return Trust(tuple(facts.relative_sigma), tuple(dof))

    def calibrated(self, method: str) -> str | None:
        """The method of the card whose factors a voxel's interval takes, if any.

        Where a network predicts the spread, it is the prediction's for any method; where the
        standard deviation rests on samples alone, few steps leave too little of it, and factors of
        many would promise what they cannot hold.
        """
        return self.family.calibrated(self.known.intervals.factors, method)

    def region_factor(self, method: str, voxels: float) -> float:
        """Factor of a region's interval, from its size; 1 if never calibrated.

        Interpolated in the logarithm of the number of voxels, constant outside the calibrated
        sizes. Other numbers of steps as of `calibrated`; a card of the first kind holds one factor
        for samples of any kind.
        """
        row = self._region_row(method)
        if not row:
            return 1.0 if "+guided" in method else float(self.known.region_factor or 1.0)
        sizes = self.known.region_factors.voxels
        return float(np.interp(np.log(voxels), np.log(sizes), row))

    def region_dof(self, voxels: float) -> float:
        """Degrees of freedom that the closed form of a region's variance is worth, from its size.

        Interpolated as `region_factor`; `USUAL_DOF` on a card that does not state them.
        """
        known = self.known.region_factors
        if not known.dof:
            return USUAL_DOF
        return float(np.exp(np.interp(np.log(voxels), np.log(known.voxels), np.log(known.dof))))

    def knows_regions(self, method: str, voxels: float = 1.0) -> bool:
        """True if coverage was measured for regions' intervals of a method, and of such a size.

        Beyond twice the largest size that was looked at, people's biases outweigh what is modelled.
        """
        single = self.known.region_factor is not None and "+guided" not in method
        sizes = self.known.region_factors.voxels
        measured = not sizes or voxels <= BEYOND * sizes[-1]
        return (bool(self._region_row(method)) and measured) or single

    def _region_row(self, method: str) -> list[float]:
        """Region factors of a method by size; none where it never was calibrated."""
        table = self.known.region_factors.factors
        key = self.family.sampled_alike(table, method)
        return table[key] if key is not None else []
