"""Values of inserts: bias, linearity and contrast-to-noise ratio."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import linregress

from medrestore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Linearity", "contrast_to_noise", "linearity"]


@dataclass(frozen=True)
class Linearity:
    """Straight line through measured against true values.

    Parameters
    ----------
    slope, intercept : float
        Of the measured value on the true one; 1 and 0 are perfect. Intercept in the scan's unit.
    r_squared : float
        Share of the variance of the measured values that the line explains.
    largest : float
        Largest deviation of a measured value from its true one, signed, in the scan's unit.
    """

    slope: float
    intercept: float
    r_squared: float
    largest: float

    def facts(self) -> dict[str, float]:
        """For CSV and JSON."""
        return asdict(self)


def linearity(true: Sequence[float], measured: Sequence[float]) -> Linearity:
    """Least squares of measured on true values.

    Raises
    ------
    InputError
        If there are fewer than three, or the true values are all the same.
    """
    truth, found = np.asarray(true, dtype=np.float64), np.asarray(measured, dtype=np.float64)
    if len(truth) < 3 or len(truth) != len(found) or np.ptp(truth) == 0:
        raise InputError(
            f"linearity needs three different true values at least and as many measured, got "
            f"{len(truth)} and {len(found)}"
        )
    line = linregress(truth, found)
    error = found - truth
    worst = float(error[np.argmax(np.abs(error))])
    return Linearity(float(line.slope), float(line.intercept), float(line.rvalue) ** 2, worst)


def contrast_to_noise(
    present: NDArray[Any], absent: NDArray[Any], inside: NDArray[np.bool_]
) -> float:
    """|mean with − mean without the insert| over the noise's standard deviation in a voxel.

    Both from the ensemble, over the voxels inside: anatomy and shading, the same in every
    realisation, are no noise.

    Parameters
    ----------
    present, absent : ndarray, shape (n, ...)
        Realisations with and without the insert.
    inside : ndarray of bool, shape (...)
        Voxels of the insert.
    """
    contrast = present.mean(axis=0)[inside].mean() - absent.mean(axis=0)[inside].mean()
    variance = np.mean(
        [one[:, inside].var(axis=0, ddof=1, dtype=np.float64).mean() for one in (present, absent)]
    )
    return float(abs(contrast) / np.sqrt(variance)) if variance else float("nan")
