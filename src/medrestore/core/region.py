"""How much the mean of a region varies: from samples, or in closed form from a spectrum."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import fftconvolve
from scipy.stats import t as student

from medrestore.core.calibration import gaussian_factor
from medrestore.core.spectrum import LAGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.core.spectrum import Kernel

__all__ = ["closed_form_std", "sampled_std"]


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
        for offset, share in enumerate(shares, -LAGS):
            if share:
                white[z + offset] = white.get(z + offset, 0) + share * seen
    std = float(np.sqrt(sum((one**2).sum() for one in white.values())))
    return gaussian_factor(level) * std, std
