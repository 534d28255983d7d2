"""What the samples say: running moments, total standard deviation, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Moments", "explained_std", "interval", "mean_std", "total_std"]


@dataclass
class Moments:
    """Running mean and variance over samples, voxel by voxel (Welford 1962).

    Nothing but two arrays is kept, however many samples are added.

    Parameters
    ----------
    mean, squares : ndarray of float32
        Zeros of the samples' shape, filled here: the mean, and the sum of squares about it.
    n : int
        Samples counted.
    """

    mean: NDArray[np.float32]
    squares: NDArray[np.float32]
    n: int = 0

    def add(self, values: NDArray[np.float32]) -> None:
        """Count one more sample."""
        self.n += 1
        delta = values - self.mean
        self.mean += delta / self.n
        self.squares += delta * (values - self.mean)

    @property
    def variance(self) -> NDArray[np.float32]:
        """Unbiased variance; zero while there are fewer than two samples."""
        return np.asarray(self.squares / max(self.n - 1, 1), dtype=np.float32)


def total_std(
    s: NDArray[np.float32], predictions: Moments, remaining_variance: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """RMS error expected about μ, by the law of total variance.

    s·√(Var_k r̂_k + mean C_last + (mean_k r̂_k)²), where r̂_k is the last prediction of sample k and
    C_last the variance that is left after it: one number, or one for each slice (z, 1, 1).
    """
    second_moment = predictions.variance + remaining_variance + predictions.mean**2
    return np.asarray(s * np.sqrt(second_moment), dtype=np.float32)


def mean_std(s: NDArray[np.float32], predictions: Moments) -> NDArray[np.float32]:
    """RMS error expected about the mean of n samples, s·√(Var_k r_k · (1 + 1/n)).

    The truth is one more draw from where the samples come from; their mean varies by 1/n.
    """
    return np.asarray(s * np.sqrt(predictions.variance * (1 + 1 / predictions.n)), dtype=np.float32)


def explained_std(s: NDArray[np.float32], predictions: Moments) -> NDArray[np.float32]:
    """By how much less than the noise the scan departs from the mean of n samples.

    With V the posterior's variance, E[(y − x̄_n)²] = σ² − V·(1 − 1/n): what the guards take for s².
    """
    return np.asarray(s * np.sqrt(predictions.variance * (1 - 1 / predictions.n)), dtype=np.float32)


def interval(
    mu: NDArray[np.float32],
    std: NDArray[np.float32],
    factor: NDArray[Any] | float,
    lowest: float | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """μ ± factor·std, cut at ``lowest`` (0 for magnitudes)."""
    half = np.asarray(factor * std, dtype=np.float32)
    lower, upper = mu - half, mu + half
    if lowest is not None:
        lower, upper = np.maximum(lower, lowest), np.maximum(upper, lowest)
    return lower, upper
