"""Statistics of samples: running moments, total standard deviation, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = Callable[[NDArray[np.float32]], NDArray[np.float32]]

__all__ = [
    "Maps",
    "Moments",
    "PredictionStatistics",
    "SampleStatistics",
    "Statistics",
    "explained_std",
    "interval",
    "mean_std",
    "total_std",
]


@dataclass
class Moments:
    """Running mean and variance over samples, voxel by voxel (Welford 1962).

    Two arrays, however many samples are added.

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
    """Standard deviation by which noise exceeds the scan's departure from the mean of n samples.

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


class Maps(NamedTuple):
    """A slice's expected image, its unit of r, and the RMS error expected about it, each (y, x)."""

    mu: NDArray[np.float32]
    s: NDArray[np.float32]
    std: NDArray[np.float32]


class Statistics(Protocol):
    """Running statistics of the samples of some slices.

    Made on zeros of shape (``PLANES``, slices, y, x), which it fills.
    """

    PLANES: int
    """Planes that it keeps of each slice."""

    def __init__(self, room: NDArray[np.float32]) -> None: ...

    def add(self, k: int, r: NDArray[np.float32], r_hat: NDArray[np.float32]) -> None:
        """Count sample ``k``, from 0 in order: r and its last prediction, (slices, y, x)."""

    def maps(self, i: int, drawn: int, maps: Maps, left: float, image: Image) -> Maps:
        """The maps of slice ``i`` after ``drawn`` samples.

        Parameters
        ----------
        i, drawn : int
            Row of the slice, and how many samples were counted.
        maps : Maps
            As the predictor leaves them.
        left : float
            Variance of r that is left after the last prediction.
        image : callable
            Gives a mean of samples as it is shown: no negative magnitudes, unknown voxels as read.
        """


class PredictionStatistics:
    """Of last predictions r̂: the image is the predictor's μ, the samples say how it errs."""

    PLANES = 2

    def __init__(self, room: NDArray[np.float32]) -> None:
        self.mean, self.squares = room

    def add(self, k: int, r: NDArray[np.float32], r_hat: NDArray[np.float32]) -> None:
        """Count sample ``k``: its r̂."""
        Moments(self.mean, self.squares, k).add(r_hat)

    def maps(self, i: int, drawn: int, maps: Maps, left: float, image: Image) -> Maps:
        """μ and s as they are; their error by the law of total variance."""
        return maps._replace(
            std=total_std(maps.s, Moments(self.mean[i], self.squares[i], drawn), left)
        )


class SampleStatistics:
    """Of samples r about their mean, the image: that of r̂, free of the last step's error."""

    PLANES = 3

    def __init__(self, room: NDArray[np.float32]) -> None:
        self.mean, self.squares, self.expected = room

    def add(self, k: int, r: NDArray[np.float32], r_hat: NDArray[np.float32]) -> None:
        """Count sample ``k``: r for the spread, r̂ for the mean."""
        Moments(self.mean, self.squares, k).add(r)
        self.expected += (r_hat - self.expected) / (k + 1)

    def maps(self, i: int, drawn: int, maps: Maps, left: float, image: Image) -> Maps:
        """The samples' mean, and its error; s is what of the noise their spread explains."""
        samples = Moments(self.mean[i], self.squares[i], drawn)
        mu = image(maps.mu + maps.s * self.expected[i])
        return Maps(mu, explained_std(maps.s, samples), mean_std(maps.s, samples))
