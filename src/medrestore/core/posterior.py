"""What the samples say: running moments, total standard deviation, intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Moments", "interval", "total_std"]


@dataclass
class Moments:
    """Running mean and variance over samples, voxel by voxel (Welford 1962).

    Nothing but two arrays is kept, however many samples are added.
    """

    n: int = 0
    mean: NDArray[np.float32] = field(default_factory=lambda: np.zeros(1, np.float32))
    _m2: NDArray[np.float32] = field(default_factory=lambda: np.zeros(1, np.float32))

    def add(self, values: NDArray[np.float32]) -> None:
        """Count one more sample."""
        if self.n == 0:
            self.mean, self._m2 = np.zeros_like(values), np.zeros_like(values)
        self.n += 1
        delta = values - self.mean
        self.mean += delta / self.n
        self._m2 += delta * (values - self.mean)

    @property
    def variance(self) -> NDArray[np.float32]:
        """Unbiased variance; zero while there are fewer than two samples."""
        return np.asarray(self._m2 / max(self.n - 1, 1), dtype=np.float32)


def total_std(
    s: NDArray[np.float32], predictions: Moments, remaining_variance: NDArray[np.float32] | float
) -> NDArray[np.float32]:
    """RMS error expected about μ, by the law of total variance.

    s·√(Var_k r̂_k + mean C_last + (mean_k r̂_k)²), where r̂_k is the last prediction of sample k and
    C_last the variance that is left after it: one number, or one for each slice (z, 1, 1).
    """
    second_moment = predictions.variance + remaining_variance + predictions.mean**2
    return np.asarray(s * np.sqrt(second_moment), dtype=np.float32)


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
