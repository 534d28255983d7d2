"""Intervals of voxels, λ(level, noise) standard deviations wide.

λ is the smallest factor at which the miss rate, averaged over people, is at most 1 − level. Where
enough people allow it, conformal risk control (Angelopoulos et al. 2022, arXiv:2208.02814) makes
that a promise about the next person; n counts people, never voxels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t as student

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LEVELS",
    "Intervals",
    "controllable",
    "controlled_factor",
    "empirical_factor",
    "gaussian_factor",
]

LEVELS = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages for which factors are stored."""

FEWEST_PEOPLE = 10
"""People from whom on risk is controlled: of fewer, the bound's slack would say more than they."""


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

    def factor(
        self, level: float, relative_sigma: NDArray[Any] | float, dof: float = math.inf
    ) -> NDArray[np.float32]:
        """λ at a level, for each voxel's noise.

        Never falls as the level grows: between `LEVELS` linear in the Gaussian factor, beyond them
        proportional to it. Linear in log σ, constant outside the calibrated range.

        Parameters
        ----------
        level : float
            Nominal coverage, 0 to 1.
        relative_sigma : ndarray or float
            σ over the intensity scale.
        dof : float
            Degrees of freedom that the std rests on: of few, λ grows from a Gaussian's to
            Student's t.
        """
        at = np.log(np.maximum(relative_sigma, 1e-12))
        rows = [_at_level(level, np.array(row)) for row in self.factors]
        found = np.interp(at, np.log(self.relative_sigma), rows)
        if math.isfinite(dof):
            found = found * (student.ppf(0.5 + level / 2, dof) / gaussian_factor(level))
        return np.asarray(found, dtype=np.float32)


def _at_level(level: float, row: NDArray[Any]) -> float:
    """λ of any level from those at `LEVELS`."""
    wanted = gaussian_factor(level)
    nominal = np.array([gaussian_factor(one) for one in LEVELS])
    row = np.maximum.accumulate(row)
    if not nominal[0] < wanted < nominal[-1]:
        end = 0 if wanted <= nominal[0] else -1
        return float(row[end] * wanted / nominal[end])
    return float(np.interp(wanted, nominal, row))


def controllable(people: int, level: float) -> bool:
    """True if so many people allow a finite-sample guarantee: 1/(n + 1) < 1 − level."""
    return people >= FEWEST_PEOPLE and 1 / (people + 1) < 1 - level - 1e-9


def controlled_factor(standardised: list[NDArray[Any]], level: float) -> float:
    """λ of one level by conformal risk control, or empirical where there are too few people.

    A person's risk is their miss rate, at most B = 1. The smallest λ with

        n/(n + 1) · R̂(λ) + B/(n + 1) ≤ α = 1 − level

    keeps the expected miss rate of an exchangeable new person at most α (Theorem 1 of
    arXiv:2208.02814). Which levels that holds for says `controllable`. With n just large enough
    the interval covers far more than it states: 99 % at n = 10 and a level of 90 %.

    Parameters
    ----------
    standardised : list of ndarray
        |x − μ|/std of each person, any shape.
    level : float
        1 − α.
    """
    n, alpha = len(standardised), 1 - level
    if controllable(n, level):
        alpha = (alpha * (n + 1) - 1) / n
    return empirical_factor(standardised, alpha)


def empirical_factor(standardised: list[NDArray[Any]], alpha: float) -> float:
    """λ, the smallest factor at which the people's mean miss rate is at most ``alpha``."""
    pooled = np.concatenate([np.abs(one).ravel() for one in standardised])
    weights = np.concatenate([np.full(one.size, 1 / one.size) for one in standardised])
    order = np.argsort(pooled)
    covered = np.cumsum(weights[order]) / len(standardised)
    index = np.searchsorted(covered, 1 - alpha - 1e-9).clip(max=pooled.size - 1)
    return float(pooled[order][index])
