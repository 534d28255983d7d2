"""Interval factors λ(level, noise): how many standard deviations cover what they promise."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LEVELS", "Intervals", "empirical_factors", "gaussian_factor"]

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages for which factors are stored."""


def gaussian_factor(level: float) -> float:
    """Half-width of a Gaussian's central interval, in standard deviations.

    Raises
    ------
    SettingsError
        If ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise SettingsError(f"the interval's level lies between 0 and 1, got {level}; use 0.9")
    return NormalDist().inv_cdf(0.5 + level / 2)


@dataclass(frozen=True)
class Intervals:
    """Calibrated factors of one model and sampler.

    Parameters
    ----------
    relative_sigma : tuple of float
        Noise level (σ over the intensity scale) at which each row was calibrated, ascending.
    factors : tuple of tuple of float
        λ for each noise level and each of `LEVELS`.
    people : int
        How many people they come from.
    """

    relative_sigma: tuple[float, ...]
    factors: tuple[tuple[float, ...], ...]
    people: int = 0

    @classmethod
    def gaussian(cls) -> Intervals:
        """Uncalibrated: the factors of a Gaussian."""
        return cls((1.0,), (tuple(gaussian_factor(level) for level in LEVELS),))

    def factor(self, level: float, relative_sigma: NDArray[Any] | float) -> NDArray[np.float32]:
        """λ at a level, for each voxel's noise.

        Relative to the Gaussian factor, λ is interpolated linearly in the level and in log σ, and
        constant outside the calibrated range.
        """
        wanted = gaussian_factor(level)
        nominal = np.array([gaussian_factor(one) for one in LEVELS])
        rows = [
            wanted * np.interp(wanted, nominal, np.array(row) / nominal) for row in self.factors
        ]
        at = np.log(np.maximum(relative_sigma, 1e-12))
        return np.asarray(np.interp(at, np.log(self.relative_sigma), rows), dtype=np.float32)


def empirical_factors(standardised: list[NDArray[Any]]) -> tuple[float, ...]:
    """λ for `LEVELS` from |x − μ|/std of several people, each person counting the same.

    λ is the smallest factor at which the miss rate, averaged over people, is at most 1 − level.
    """
    pooled = np.concatenate([np.abs(one).ravel() for one in standardised])
    weights = np.concatenate([np.full(one.size, 1 / one.size) for one in standardised])
    order = np.argsort(pooled)
    cumulative = np.cumsum(weights[order]) / len(standardised)
    index = np.searchsorted(cumulative, LEVELS).clip(max=pooled.size - 1)
    return tuple(float(v) for v in pooled[order][index])
