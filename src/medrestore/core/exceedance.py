"""Probability that voxels exceed a value: the distribution that calibrated intervals define.

The factors λ(level) of an interval say how often |x − μ| ≤ λ·std. Read the other way, and
symmetric about μ, they are a predictive distribution of x: what excursion sets rest on (Bolin &
Lindgren 2015, doi:10.1111/rssb.12055), with calibrated quantiles in the place of Gaussian ones.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import ndtr

from medrestore.core.intervals import LEVELS, gaussian_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.intervals import Intervals
    from medrestore.core.spectrum import Kernel

__all__ = ["Calibrated", "covariance_with_mean", "difference_std"]

FINER = (0.1, 0.2, 0.3, 0.4, *LEVELS, 0.6, 0.7, 0.85, 0.975, 0.99, 0.995, 0.999)
"""Levels at which factors are taken where Student's t bends them between `LEVELS`."""

LEAST_FACTOR = 1e-6
"""Between neighbouring factors, at least: where they are equal, probability takes a step."""

LEAST_SHARE = 0.01
"""Of a voxel's own standard deviation, what is left of it in a difference at least."""


class Calibrated:
    """Distribution of (x − μ)/std, symmetric about 0, whose central intervals are calibrated.

    With the Gaussian factor g(level), P(|x − μ| ≤ λ·std) = level where λ = `Intervals.factor`.
    Between levels λ is linear in g, beyond them proportional to it, and so is g in λ.

    Parameters
    ----------
    intervals : Intervals
        Factors of the run's model and sampler.
    relative_sigma : ndarray or float
        σ over the intensity scale, of each voxel or of all.
    dof : float
        As in `Intervals.factor`.
    """

    def __init__(
        self,
        intervals: Intervals,
        relative_sigma: NDArray[Any] | float,
        dof: float = math.inf,
    ) -> None:
        levels = LEVELS if math.isinf(dof) else sorted(FINER)
        self._gaussian = [gaussian_factor(level) for level in levels]
        self._factors = [intervals.factor(level, relative_sigma, dof) for level in levels]

    def gaussian(self, z: NDArray[Any]) -> NDArray[Any]:
        """Standard normal quantile at which a Gaussian's probabilities are those at ``z`` ≥ 0."""
        found, last, at = np.zeros_like(z), self._factors[-1], 0.0
        below: NDArray[Any] = np.zeros((), np.float32)
        for factor, wanted in zip(self._factors, self._gaussian, strict=True):
            width = np.maximum(factor - below, LEAST_FACTOR)
            found += (wanted - at) * np.clip((z - below) / width, 0, 1)
            below, at = factor, wanted
        found += np.maximum(z - last, 0) * (at / np.maximum(last, LEAST_FACTOR))
        return found

    def above(
        self,
        value: float,
        mu: NDArray[np.float32],
        std: NDArray[np.float32],
        lowest: float | None = None,
    ) -> NDArray[np.float32]:
        """P(x > value) of each voxel.

        Parameters
        ----------
        value : float
            In the unit of ``mu``.
        mu, std : ndarray of float32, of one shape
            Expected value, and the RMS error expected about it. Where std is 0 the value is known:
            0 or 1; where either is NaN, so is the probability.
        lowest : float, optional
            No value is lower (0 for magnitudes): all exceed what is.

        Returns
        -------
        ndarray of float32
            Never rises as ``value`` grows; at μ ± λ(level)·std it is (1 ∓ level)/2.
        """
        return self._tail(np.float64(value) - mu, std, lowest is not None and value < lowest)

    def below(
        self,
        value: float,
        mu: NDArray[np.float32],
        std: NDArray[np.float32],
        lowest: float | None = None,
    ) -> NDArray[np.float32]:
        """P(x < value) of each voxel, as `above`: together 1, but where x is known to be value."""
        never = lowest is not None and value <= lowest
        found = self._tail(mu - np.float64(value), std, False)
        return np.where(np.isnan(found), found, 0) if never else found

    def _tail(
        self, off: NDArray[np.float64], std: NDArray[np.float32], sure: bool
    ) -> NDArray[np.float32]:
        """Probability that the error exceeds ``off``; 1 where that is sure and a number."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = off / std
        score = np.copysign(self.gaussian(np.abs(z)), z)
        found = np.where(std > 0, ndtr(-score), off < 0)
        unknown = np.isnan(off) | np.isnan(std)
        return np.where(unknown, np.nan, 1.0 if sure else found).astype(np.float32)


def covariance_with_mean(
    weights: NDArray[np.float32],
    std: NDArray[np.float32],
    slices: tuple[int, ...],
    kernel: Kernel,
) -> NDArray[np.float32]:
    """Covariance of each voxel's error with that of a region's mean.

    Errors are std·r, r of unit variance with the kernel's spectrum. With K the kernel in the plane
    and along z, and w the region's weights, it is std·(K ∗ K ∗ (std·w)).

    Parameters
    ----------
    weights : ndarray of float32, shape (n, y, x)
        Of the mean: 1/n in each of a region's n voxels.
    std : ndarray of float32, shape (n, y, x)
        RMS error expected; what is no number counts as known.
    slices : tuple of int
        Indices of these slices in the scan; others are not looked at.
    kernel : Kernel
        One for all slices.

    Returns
    -------
    ndarray of float32, shape (n, y, x)
    """
    plane, taps = kernel.plane[0], kernel.along_z[0]
    reach, variance = len(taps) // 2, float((plane**2).sum() * (taps**2).sum())
    std = np.nan_to_num(std)
    white: dict[int, Any] = {}
    for z, share, spread in zip(slices, weights, std, strict=True):
        if share.any():
            seen = fftconvolve(share * spread, plane)
            for offset, tap in enumerate(taps, -reach):
                white[z + offset] = white.get(z + offset, 0) + tap * seen
    found = np.zeros(std.shape, np.float32)
    margin = tuple(
        slice(n // 2, n // 2 + size) for n, size in zip(plane.shape, std.shape[1:], strict=True)
    )
    for row, z in enumerate(slices):
        mixed = [tap * white[z + k] for k, tap in enumerate(taps, -reach) if z + k in white]
        if mixed:
            found[row] = std[row] * fftconvolve(sum(mixed), plane, "same")[margin] / variance
    return found


def difference_std(
    std: NDArray[np.float32], reference: float, covariance: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """Standard deviation of a voxel less a reference, at least a small share of the voxel's own.

    Parameters
    ----------
    std : ndarray of float32
        Of each voxel.
    reference : float
        Standard deviation of the reference.
    covariance : ndarray of float32 or float
        Of the two.
    """
    variance = np.square(std) + np.float32(reference**2) - 2 * covariance
    least = np.square(np.float32(LEAST_SHARE) * std)
    return np.asarray(np.sqrt(np.maximum(variance, least)), dtype=np.float32)
