"""Intervals of voxels, λ(level, noise) standard deviations wide, and of means over regions.

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
from scipy.signal import fftconvolve
from scipy.stats import t as student

from medrestore.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.spectrum import Kernel

__all__ = [
    "LEVELS",
    "Intervals",
    "closed_form_std",
    "controllable",
    "controlled_factor",
    "empirical_factor",
    "gaussian_factor",
    "sampled_std",
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


def sampled_std(
    means: NDArray[Any], level: float, about_their_mean: bool = False
) -> tuple[float, float]:
    """Half-width and standard deviation of a region's mean from its value in each sample.

    Student's t with S − 1 degrees of freedom: 1.645 standard deviations of 8 perfect samples
    would cover only 84–86 % instead of 90 %. ``about_their_mean``: the interval is not about the
    posterior's mean but about that of these samples, which varies by 1/S of their variance.
    """
    std = float(np.std(means, ddof=1))
    if about_their_mean:
        std *= math.sqrt(1 + 1 / len(means))
    return float(student.ppf(0.5 + level / 2, len(means) - 1)) * std, std


def closed_form_std(
    inside: NDArray[np.bool_],
    s: NDArray[np.float32],
    slices: tuple[int, ...],
    kernel: Kernel,
    level: float,
) -> tuple[float, float]:
    """Half-width and standard deviation of the mean of s·r over a region, r of known spectra.

    r is white noise through a kernel, so the mean is a weighted sum of white noise: a slice's
    weights are the region's, times s, through the same (symmetric) kernel, and the slices that it
    mixes each take their share.

    Parameters
    ----------
    inside : ndarray of bool, shape (n, y, x)
        The region in the slices it touches.
    s : ndarray, shape (n, y, x)
        Predicted standard deviation.
    slices : tuple of int
        Indices of these slices in the scan.
    kernel : Kernel
        One for all slices, or one for each.
    level : float
        Coverage of the interval.
    """
    planes = kernel.plane.expand(len(slices), -1, -1).numpy()
    taps = kernel.along_z.expand(len(slices), -1).numpy()
    white: dict[int, NDArray[np.float64]] = {}
    for z, region, spread, plane, shares in zip(slices, inside, s, planes, taps, strict=True):
        seen = fftconvolve(np.where(region, spread, 0) / inside.sum(), plane)
        for offset, share in enumerate(shares, -(len(shares) // 2)):
            if share:
                white[z + offset] = white.get(z + offset, 0) + share * seen
    std = float(np.sqrt(sum((one**2).sum() for one in white.values())))
    return gaussian_factor(level) * std, std
