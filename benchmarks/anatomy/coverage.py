"""Coverage of voxels' intervals: of the reference, and of the noise-free anatomy.

The interval of level p is μ ± λ s. The share of reference values within it judges the model *and*
the reference's own noise. The noise-free x is never seen, but t' = x + e is, whose noise e of σ_e
is independent of μ and s (`independent`). Two estimates of its coverage, both for Gaussian errors:

- *joint*: the share of voxels with |t' − μ| ≤ g √((λ s/g)² + σ_e²), g the Gaussian factor of p,
  which is p where λ s/g is the spread of x about μ. The more σ_e outweighs s, the nearer to p is
  it whatever the model does; so only voxels with σ_e ≤ `MOST` s count, and their share is told.
- *implied*: voxels in `BINS` bins of s, with k² = mean((t' − μ)² − σ_e²)/mean(s²) in each: the
  mean of 2Φ(λ/k) − 1. No dilution, but the estimate of σ_e enters whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from benchmarks.anatomy.independent import independent
from medrestore.core.intervals import LEVELS, gaussian_factor
from medrestore.training.targets import LOWEST_SNR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.anatomy.cases import Cell
    from benchmarks.anatomy.ours import Restored

__all__ = ["LEVELS", "coverages"]

MOST = 1.5
LEAST_SHARE = 0.05
BINS = 8


def coverages(found: Restored, cell: Cell) -> dict[str, float]:
    """Share of voxels covered at each of `LEVELS`, std over own error; unknown ones left out."""
    case = cell.case
    target, std = independent(case, cell.power_ratio)
    mask = case.mask & (found.std > 0)
    judged = mask
    if case.modality == "MR":  # where magnitudes are Gaussian
        judged = mask & (case.truth > LOWEST_SNR * np.hypot(case.sigma, case.own))
    mu, s, t, sigma_e = (
        one[judged].astype(np.float64) for one in (found.image, found.std, target, std)
    )
    near = sigma_e <= MOST * s
    row = {"near": float(near.mean())}
    k = _error_over_std(t - mu, s, sigma_e)
    for level in LEVELS:
        g, name = gaussian_factor(level), f"{100 * level:.0f}"
        factor = found.factors.factor(level, found.relative_sigma)
        inside = np.abs(case.truth - found.image) <= factor * found.std
        row[f"reference_{name}"] = float(inside[mask].mean())
        half = np.hypot(factor[judged] * s / g, sigma_e) * g
        if row["near"] >= LEAST_SHARE:
            row[f"joint_{name}"] = float((np.abs(t - mu) <= half)[near].mean())
        if (k > 0).all():
            row[f"implied_{name}"] = float(np.mean(2 * ndtr(factor[judged] / k) - 1))
    squares = float((np.square(t - mu) - np.square(sigma_e)).mean())
    if squares > 0:
        row["std_over_error"] = float(np.sqrt(np.square(s).mean() / squares))
    return row


def _error_over_std(
    error: NDArray[np.float64], s: NDArray[np.float64], sigma_e: NDArray[np.float64]
) -> NDArray[np.float64]:
    """RMS error of x over RMS s, of each voxel's bin of s; 0 where its square is not positive."""
    edges = np.quantile(s, np.linspace(0, 1, BINS + 1)[1:-1])
    place = np.searchsorted(edges, s)
    counts = np.bincount(place, minlength=BINS)
    own = np.bincount(place, np.square(error) - np.square(sigma_e), BINS) / np.maximum(counts, 1)
    told = np.bincount(place, np.square(s), BINS) / np.maximum(counts, 1)
    return np.asarray(np.sqrt(np.maximum(own / np.maximum(told, 1e-30), 0))[place])
