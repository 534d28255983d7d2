"""Scores of an uncertainty against a reference that is noisy itself, or uniform by construction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import spearmanr

from benchmarks.real_uncertainty.magnitude import cdf_and_density
from medrestore.evaluation.floor import rician_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["LEVELS", "Compared", "covered", "rank", "ratio", "voxel_scores"]

LEVELS = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True, eq=False)
class Compared:
    """Voxels of a restoration beside their reference, each (n,), in one unit.

    Parameters
    ----------
    mean, std : ndarray
        Restored, and its standard deviation.
    reference : ndarray
        Another scan of the same, or what is known to be true.
    sigma : float
        Rician noise of the reference; 0 if it has none.
    noisy : ndarray
        What was restored.
    """

    mean: Array
    std: Array
    reference: Array
    sigma: float
    noisy: Array

    @property
    def seen(self) -> Array:
        """The reference's expected value: the Rician mean of the restored signal."""
        return rician_mean(self.mean, self.sigma)

    @property
    def seen_std(self) -> Array:
        """The standard deviation as it shows in the reference's expected value."""
        step = max(0.05 * self.sigma, 1e-6)
        up, down = (rician_mean(np.abs(self.mean + d), self.sigma) for d in (step, -step))
        return self.std * (up - down) / (2 * step)

    @property
    def noise_variance(self) -> float:
        """Of the reference, half the mean square of its difference to the other repeat.

        In the same voxels as the error, and without a model of the noise.
        """
        if not self.sigma:
            return 0.0
        return float(np.mean((self.noisy - self.reference) ** 2)) / 2

    def below(self, std: Array) -> tuple[Array, Array]:
        """P(reference ≤ what it is) with this ``std`` of the restored signal, and the density."""
        if self.sigma:
            return cdf_and_density(self.reference, self.mean, std, self.sigma)
        z = (self.reference - self.mean) / std
        return ndtr(z), np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * std)


def ratio(compared: Compared, chosen: NDArray[np.bool_] | None = None) -> float:
    """Root mean square std over that of the error, freed of the reference's noise; NaN if none.

    mean (E[y₂ | x̂] − y₂)² is the error's mean square plus the noise of y₂; half of
    mean (y₁ − y₂)² is that noise. Both are of the same voxels, so σ does not enter.
    """
    if chosen is not None:
        parts = (compared.mean, compared.std, compared.reference, compared.noisy)
        mean, std, reference, noisy = (part[chosen] for part in parts)
        compared = Compared(mean, std, reference, compared.sigma, noisy)
    off = float(np.mean((compared.seen - compared.reference) ** 2)) - compared.noise_variance
    return float(np.sqrt(np.mean(compared.seen_std**2) / off)) if off > 0 else float("nan")


def covered(compared: Compared, level: float, half: Array) -> float:
    """Share of references in the interval of ``level``, widened by their own noise.

    The interval ± ``half`` is read as that of a normal distribution with it.
    """
    below, _ = compared.below(half / ndtri(0.5 + level / 2))
    return float(np.mean(np.abs(below - 0.5) <= level / 2))


def rank(compared: Compared) -> float:
    """Spearman's correlation of std and the distance to the reference."""
    found = spearmanr(compared.seen_std, np.abs(compared.seen - compared.reference))
    return float(found.statistic)


def voxel_scores(compared: Compared, factors: dict[float, Array]) -> dict[str, Any]:
    """A row of figures; ``factors`` are λ of each level, (n,)."""
    low, high = np.quantile(compared.std, (1 / 3, 2 / 3))
    row: dict[str, Any] = {
        "voxels": compared.mean.size,
        "std_error": ratio(compared),
        "std_error_low": ratio(compared, compared.std <= low),
        "std_error_high": ratio(compared, compared.std >= high),
    }
    for level in LEVELS:
        half = factors[level] * compared.std
        row[f"cover{100 * level:.0f}"] = covered(compared, level, half)
        if compared.sigma:
            none = np.zeros_like(half)
            row[f"noise_alone{100 * level:.0f}"] = covered(compared, level, none)
    row["nll"] = nll(compared, compared.std)
    if compared.sigma:
        row["nll_noise_alone"] = nll(compared, np.zeros_like(compared.std))
    off = compared.seen - compared.reference
    return row | {"rank": rank(compared), "bias": float(np.mean(off))}


def nll(compared: Compared, std: Array) -> float:
    """Mean −log density of the reference."""
    return float(-np.mean(np.log(np.maximum(compared.below(std)[1], 1e-300))))
