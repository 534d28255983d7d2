"""The scale in which networks see intensities: foreground of an MR scan, 1000 HU for CT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.errors import InputError, SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "FOREGROUND_FRACTION",
    "KNOWN",
    "SOFT_TISSUE_HU",
    "check_fraction",
    "foreground_scale",
    "thinned",
]

SOFT_TISSUE_HU = (-50.0, 150.0)
FOREGROUND_FRACTION = 0.06
"""Voxels above this fraction of the 99.5th percentile count as foreground (MR)."""

KNOWN = (-2.0, 4.0)
"""What networks are shown, in units of the intensity scale. Training scans reach 3.1 of it in CT
and hardly ever 4 in MR, and noise of what is trained for stays above −2; metal of 30000 HU or a
spike of a hundred times the tissue is beyond, and would disturb what is restored around it."""

MOST_VOXELS = 2**26
"""More say no more about a percentile."""


def foreground_scale(array: NDArray[Any]) -> float:
    """Foreground scale of an MR scan.

    The 99.5th percentile of the voxels above 6 % of the volume's own 99.5th percentile.

    Parameters
    ----------
    array : ndarray
        Magnitudes, any shape; NaN voxels are left out. Of more than 2²⁶ voxels every n-th slice
        (time point of a 4-D array) is looked at.

    Raises
    ------
    InputError
        If no voxel is finite, or none positive, so that there is nothing to scale by.
    """
    values = thinned(np.asarray(array))
    values = values[np.isfinite(values)]
    if not values.size:
        raise InputError("the scan holds no number: every voxel is NaN or infinite; check the file")
    top = float(np.percentile(values, 99.5))
    if top <= 0:
        raise InputError(
            "the scan has no signal: its 99.5th percentile is not positive; check the file"
        )
    return float(np.percentile(values[values > FOREGROUND_FRACTION * top], 99.5))


def check_fraction(noise: float) -> None:
    """Refuse a noise level of MR that is no fraction of the foreground scale.

    Raises
    ------
    SettingsError
        If it is 1 or more: percents, or a standard deviation in the scan's own unit.
    """
    if not 0 <= noise < 1:
        raise SettingsError(
            f"noise={noise:g} is no fraction of the foreground, which an MR's noise is given as: "
            f'0.05 is 5 %; for σ in the scan\'s own unit say "{noise:g} a.u." (--noise {noise:g}u)'
        )


def thinned(values: NDArray[Any]) -> NDArray[Any]:
    """At most about `MOST_VOXELS` of an array: every n-th along its first axis."""
    return values[:: max(1, -(-values.size // MOST_VOXELS))] if values.ndim else values
