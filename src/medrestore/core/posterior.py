"""Statistics of samples: running moments, the standard deviation of the error, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from medrestore.core.fusion import fused, pooled, relative_spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = Callable[[NDArray[np.float32]], NDArray[np.float32]]

__all__ = [
    "Knowledge",
    "Maps",
    "Moments",
    "PredictionStatistics",
    "SampleStatistics",
    "Statistics",
    "explained_std",
    "interval",
    "mean_std",
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


def mean_std(s: NDArray[np.float32], variance: NDArray[Any], samples: int) -> NDArray[np.float32]:
    """RMS error expected about the mean of n samples, s·√(Var r · (1 + 1/n)).

    The truth is one more draw from where the samples come from; their mean varies by 1/n.
    """
    return np.asarray(s * np.sqrt(variance * (1 + 1 / samples)), dtype=np.float32)


def explained_std(
    s: NDArray[np.float32], variance: NDArray[Any], samples: int
) -> NDArray[np.float32]:
    """Standard deviation by which noise exceeds the scan's departure from the mean of n samples.

    With V the posterior's variance, E[(y − x̄_n)²] = σ² − V·(1 − 1/n): what the guards take for s².
    """
    return np.asarray(s * np.sqrt(variance * (1 - 1 / samples)), dtype=np.float32)


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


class Knowledge(NamedTuple):
    """Knowledge of a slice that its samples' spread is fused with (`core.fusion`).

    Parameters
    ----------
    inside : ndarray of bool, shape (y, x)
        Tissue that was restored.
    prior_dof : ndarray, shape (y, x), or float
        Degrees of freedom that the variance is worth which is known beside a voxel's samples.
    voxels : float
        Number of independent voxels in the window that spread is pooled over.
    image : callable
        Gives a mean of samples as it is shown: no negative magnitudes, unknown voxels as read.
    """

    inside: NDArray[np.bool_]
    prior_dof: NDArray[Any] | float
    voxels: float
    image: Image


class Statistics(Protocol):
    """Running statistics of the samples of some slices.

    Made on zeros of shape (``PLANES``, slices, y, x), which it fills.
    """

    PLANES: int
    """Planes that it keeps of each slice."""

    def __init__(self, room: NDArray[np.float32]) -> None: ...

    def add(self, k: int, r: NDArray[np.float32], r_hat: NDArray[np.float32]) -> None:
        """Count sample ``k``, from 0 in order: r and its last prediction, (slices, y, x)."""

    def maps(self, i: int, drawn: int, maps: Maps, known: Knowledge) -> Maps:
        """The maps of slice ``i`` after ``drawn`` samples.

        Parameters
        ----------
        i, drawn : int
            Row of the slice, and how many samples were counted.
        maps : Maps
            As the predictor leaves them.
        known : Knowledge
            Of the slice.
        """


class PredictionStatistics:
    """Of samples r beside a prediction: its μ is the image, its s² the prior of the variance."""

    PLANES = 2

    def __init__(self, room: NDArray[np.float32]) -> None:
        self.mean, self.squares = room

    def add(self, k: int, r: NDArray[np.float32], r_hat: NDArray[np.float32]) -> None:
        """Count sample ``k``: its r."""
        Moments(self.mean, self.squares, k).add(r)

    def maps(self, i: int, drawn: int, maps: Maps, known: Knowledge) -> Maps:
        """μ and s as they are; the error's variance is s², more or less where samples say so."""
        if drawn < 2 or np.all(np.isinf(known.prior_dof)):
            return maps
        variance = Moments(self.mean[i], self.squares[i], drawn).variance
        relative, share = relative_spread(variance, known.inside)
        dof = (drawn - 1) * known.voxels * share
        found = fused(1.0, known.prior_dof, relative, dof)
        return maps._replace(std=np.asarray(maps.s * np.sqrt(found), dtype=np.float32))


class SampleStatistics:
    """Of samples r about their mean, the image: that of r̂, free of the last step's error."""

    PLANES = 3

    def __init__(self, room: NDArray[np.float32]) -> None:
        self.mean, self.squares, self.expected = room

    def add(self, k: int, r: NDArray[np.float32], r_hat: NDArray[np.float32]) -> None:
        """Count sample ``k``: r for the spread, r̂ for the mean."""
        Moments(self.mean, self.squares, k).add(r)
        self.expected += (r_hat - self.expected) / (k + 1)

    def maps(self, i: int, drawn: int, maps: Maps, known: Knowledge) -> Maps:
        """The samples' mean, and its error: a voxel's own spread, and that of its neighbours.

        s is what of the noise their spread explains.
        """
        variance = Moments(self.mean[i], self.squares[i], drawn).variance
        around, _ = pooled(variance, np.ones_like(known.inside))
        variance = fused(around, known.prior_dof, variance, drawn - 1).astype(np.float32)
        mu = known.image(maps.mu + maps.s * self.expected[i])
        stds = (of(maps.s, variance, drawn) for of in (explained_std, mean_std))
        return Maps(mu, *stds)
