"""Negative voxels of MR: a little of it is interpolation's, more is no magnitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medrestore.core.intensity import foreground_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Signs", "signs"]

SHALLOW, DEEP = 0.02, 0.1
"""Depths below zero, as fractions of the foreground scale."""
MOST_SHALLOW, MOST_DEEP = 0.015, 0.005
"""Shares of voxels that may lie deeper. Splines, windowed sinc and Fourier interpolation of real
magnitudes leave at most 1.1 % and 0.14 %; the real part of an image with 2 % of noise has at least
3.6 % beyond the first."""
UNUSUAL = 0.0015


class Signs(NamedTuple):
    """What negative voxels are.

    Parameters
    ----------
    signed : bool
        They mean something: there are more than undershoot explains.
    deep : float
        Share of the voxels that lie below zero by a tenth of the foreground, where that is more
        than interpolation leaves; else 0.
    """

    signed: bool
    deep: float


def signs(values: NDArray[Any]) -> Signs:
    """Look at the negative voxels of an MR scan.

    Parameters
    ----------
    values : ndarray, any shape
        Finite voxels; an even sample will do.
    """
    if not (values < 0).any():
        return Signs(False, 0.0)
    if values.max() <= 0:
        return Signs(True, 1.0)
    scale = foreground_scale(np.maximum(values, 0))
    shallow, deep = (float(np.mean(values < -depth * scale)) for depth in (SHALLOW, DEEP))
    return Signs(shallow > MOST_SHALLOW or deep > MOST_DEEP, deep if deep > UNUSUAL else 0.0)
