"""Bland–Altman: how far an image's intensities differ from the reference's, and whether evenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Agreement", "agreement"]

LIMITS = 1.96
"""Half-width of the limits of agreement in standard deviations: 95 % of a Gaussian."""


@dataclass(frozen=True)
class Agreement:
    """Differences image − reference, voxel by voxel, in the scan's unit.

    Parameters
    ----------
    mean : float
        Mean difference: the bias.
    std : float
        Standard deviation of the differences.
    slope : float
        Proportional bias: least-squares slope of the difference on the mean of both images; 0 if
        the difference does not depend on the intensity. An image with more noise than the
        reference has a slope above 0 without any bias (Bland & Altman 1995,
        doi:10.1016/S0140-6736(95)91748-9). NaN where all intensities are the same.
    """

    mean: float
    std: float
    slope: float

    @property
    def limits(self) -> tuple[float, float]:
        """95 % limits of agreement, mean ± 1.96 std."""
        return self.mean - LIMITS * self.std, self.mean + LIMITS * self.std


def agreement(image: NDArray[Any], reference: NDArray[Any], mask: NDArray[np.bool_]) -> Agreement:
    """Compare an image with the reference over a mask (Bland & Altman 1999).

    The method of doi:10.1177/096228029900800204 with voxels for subjects; neighbouring voxels are
    alike, so their number says nothing about the precision of the figures.
    """
    one, other = image[mask].astype(np.float64), reference[mask].astype(np.float64)
    difference, middle = one - other, (one + other) / 2
    spread = middle.var()
    together = np.mean((difference - difference.mean()) * (middle - middle.mean()))
    std = difference.std(ddof=1) if difference.size > 1 else np.nan
    slope = together / spread if spread else np.nan
    return Agreement(float(difference.mean()), float(std), float(slope))
