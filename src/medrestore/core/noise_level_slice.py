"""Noise std of CT soft tissue where a slice has no neighbours to judge its blocks by.

A single slice has few blocks, and the mode of few variances scatters. So blocks are smaller and
overlap, the calmest 40 % of them count (judged by the blocks around each), and their variance is
the mean of those within a factor e of it: a mean scatters less than a mode, and the factor leaves
anatomy out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medrestore.core.noise_level_blocks import calm, kept_variance, log_mean, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["sigma_of_slice"]

_WIDTH = 7
_STEP = 3
"""Voxels from a block to the next, which overlaps it."""
_SHARE = 0.4
_REACH = 1.0
"""Log variance, on both sides, that still counts."""
_FEWEST = 20


def sigma_of_slice(
    array: NDArray[np.float32], soft: tuple[float, float], floor: float
) -> float | None:
    """Noise std (HU) in the soft tissue of one slice or two; None where there is too little.

    Parameters
    ----------
    array : ndarray of float32, shape (z, y, x)
        HU.
    soft : (float, float)
        Block means of soft tissue, HU.
    floor : float
        Variances below its square are none, HU.
    """
    variances, lags = [], []
    for top in range(0, _WIDTH, _STEP):
        for left in range(0, _WIDTH, _STEP):
            blocks = measure(array[:, top:, left:], _WIDTH)
            usable = (blocks.mean > soft[0]) & (blocks.mean < soft[1])
            if usable.sum() < _FEWEST:
                continue
            chosen = calm(blocks, usable, _SHARE)
            variances.append(np.maximum(blocks.variance[chosen], floor**2))
            lags.append(blocks.lag[chosen])
    if not variances:
        return None
    variance = np.concatenate(variances).astype(np.float64)
    logs = np.log(variance)
    level = log_mean(logs, _REACH)
    near = np.abs(logs - level) < _REACH
    correlation = float(np.concatenate(lags)[near].sum() / variance[near].sum())
    return float(np.exp(0.5 * level) / kept_variance(correlation, _WIDTH, ramp=True) ** 0.5)
