"""Fused variance of a voxel's error: what is known before samples are drawn, and how they spread.

A variance of S samples has a relative error of √(2/(S − 1)); alone it is speckle. Scaled inverse χ²
is its conjugate prior (Gelman et al. 2013, Bayesian Data Analysis, 3rd ed., section 2.6): with ν₀
degrees of freedom around v₀ and ν around the samples' v, the expected variance is

    (ν₀ v₀ + ν v)/(ν₀ + ν).

ν₀ is measured on people whose truth is known, by noise (`training.trust`), and stands in the card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WIDTH_PX", "Trust", "fused", "pooled", "relative_spread"]

WIDTH_PX = 2.0
"""Standard deviation of the Gaussian window over which neighbours' spread is pooled."""


@dataclass(frozen=True)
class Trust:
    """Degrees of freedom ν₀ that the prior variance is worth beside the samples, by noise.

    Parameters
    ----------
    relative_sigma : tuple of float
        σ over the intensity scale, ascending.
    dof : tuple of float
        ν₀ there; infinite where samples tell nothing of a voxel that the prior does not.
    """

    relative_sigma: tuple[float, ...] = (1.0,)
    dof: tuple[float, ...] = (math.inf,)

    def at(self, relative_sigma: NDArray[Any] | float) -> NDArray[np.float64]:
        """ν₀ at a noise level: 1/ν₀ is linear in log σ, constant outside the measured levels."""
        at = np.log(np.maximum(relative_sigma, 1e-12))
        inverse = np.interp(at, np.log(self.relative_sigma), [1 / max(v, 1e-9) for v in self.dof])
        with np.errstate(divide="ignore"):
            return np.asarray(1 / inverse, dtype=np.float64)


def fused(
    prior: NDArray[Any] | float,
    prior_dof: NDArray[Any] | float,
    observed: NDArray[Any],
    dof: NDArray[Any] | float,
) -> NDArray[np.float64]:
    """Expected variance, (ν₀ v₀ + ν v)/(ν₀ + ν); the prior's where ν₀ is infinite or ν is 0."""
    share = np.asarray(dof, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nan_to_num(1 / (1 + np.asarray(prior_dof, np.float64) / share), nan=0.0)
    return np.asarray(prior + share * (observed - prior))


def pooled(variance: NDArray[Any], inside: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean variance of the voxels inside, under a Gaussian window around each voxel of a slice.

    Parameters
    ----------
    variance, inside : ndarray, shape (y, x)
        Samples' variance, and where it counts.

    Returns
    -------
    mean, share : ndarray, shape (y, x)
        The mean, and the share of the window that lies inside.
    """
    from scipy.ndimage import gaussian_filter  # families are listed without scipy

    weight = inside.astype(np.float32)
    share = gaussian_filter(weight, WIDTH_PX, mode="constant")
    total = gaussian_filter(np.where(inside, variance, np.float32(0)), WIDTH_PX, mode="constant")
    return total / np.maximum(share, 1e-6), share


def relative_spread(
    variance: NDArray[Any], inside: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pooled variance over its mean in the slice, and the share of the window that lies inside.

    Samplers spread by too much or too little all over; what a slice's mean is divided out, only
    where they spread more than elsewhere is left.
    """
    mean, share = pooled(variance, inside)
    level = float(variance[inside].mean()) if inside.any() else 0.0
    return (mean / level if level > 0 else np.ones_like(mean)), share
