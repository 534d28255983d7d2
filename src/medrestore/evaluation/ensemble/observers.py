"""Model observers: how well a lesion that is known exactly can be told from its absence.

Pictures are those of one kind of lesion, (realisation, place, y, x): places of one realisation are
used together, as their noise was drawn, and perhaps restored, together. Channels are what a
channelised observer sees of a picture, (pixels, channels) for a picture flattened; columns have
unit length. An invertible mix of the channels changes no Hotelling observer, so neither does their
scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

from medrestore.errors import InputError
from medrestore.evaluation.statistics import Estimate, jackknife

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medrestore.evaluation.statistics import Choice

__all__ = [
    "Detection",
    "area_under_curve",
    "channelised_hotelling",
    "dense_dog",
    "detectability",
    "matched",
]

FOLDS = 5
CHANNELS, GROWTH, RATIO = 10, 1.4, 1.67
"""Number of the channels, and their α and Q."""
FEWEST = 4
"""Realisations of either kind."""
GRID = 512
"""Pixels across the grid on which the bands are transformed: wide enough for the lowest."""


@dataclass(frozen=True)
class Detection:
    """d′ (distance of the means of the observer's scores in standard deviations) and AUC.

    Each with its 95 % interval from the jackknife over realisations.
    """

    d_prime: Estimate
    auc: Estimate


def channelised_hotelling(
    present: NDArray[Any], absent: NDArray[Any], channels: NDArray[np.float64]
) -> Detection:
    """Channelised Hotelling observer, tested on realisations that it was not made from.

    With v = Uᵀg, Δv̄ the difference of the means and K the mean of both covariances, the score is
    Δv̄ᵀ K⁻¹ v (Barrett & Myers, Foundations of Image Science, 2004, ch. 13; channels U, as of
    `dense_dog`). In five folds over realisations each is scored by an observer made from the
    others; scores are in standard deviations of their maker. The mean without lesion is taken
    from each place apart: the background is known. Made from few realisations the observer is
    somewhat worse than the best one, alike for all methods.

    Parameters
    ----------
    present, absent : ndarray, shape (n, places, y, x)
        With and without the lesion; independent realisations.
    channels : ndarray, shape (y·x, c)
        Orthogonal or not; fewer than the pictures it is made from.

    Raises
    ------
    InputError
        If there are fewer than 4 realisations of either kind, shapes do not fit, or there are too
        few pictures for so many channels.
    """
    with_it, without = (_channelled(one, channels) for one in (present, absent))
    _check(with_it, without)

    def metrics(first: Choice, second: Choice) -> tuple[float, float]:
        return _metrics(*_cross_validated(with_it, without, first, second))

    return _detection(*jackknife(metrics, len(with_it), len(without)))


def matched(present: NDArray[Any], absent: NDArray[Any], signal: NDArray[Any]) -> Detection:
    """Non-prewhitening matched filter: the score is sᵀg with the noise-free lesion s.

    Nothing is learnt from the pictures, so few suffice; blind to the texture of noise, which it
    neither uses nor suffers from more than its power in the lesion's band (Burgess 1999,
    doi:10.1364/JOSAA.16.000633). The mean without lesion is taken from each place apart.

    Parameters
    ----------
    present, absent : ndarray, shape (n, places, y, x)
        As for `channelised_hotelling`.
    signal : ndarray, shape (y, x) or (places, y, x)
        Noise-free lesion.

    Raises
    ------
    InputError
        If there are fewer than 4 realisations of either kind, or shapes do not fit.
    """
    template = np.asarray(signal, dtype=np.float64)
    with_it, without = (
        (np.asarray(one, dtype=np.float64) * template).sum(axis=(-2, -1))[..., None]
        for one in (present, absent)
    )
    _check(with_it, without)

    def metrics(first: Choice, second: Choice) -> tuple[float, float]:
        mean = without[second].mean(axis=0)
        return _metrics((with_it[first] - mean)[..., 0], (without[second] - mean)[..., 0])

    return _detection(*jackknife(metrics, len(with_it), len(without)))


def detectability(present: NDArray[np.float64], absent: NDArray[np.float64]) -> float:
    """Return d′ of an observer's scores: Δ of their means over √ of the mean of their variances."""
    variance = (np.var(present, ddof=1) + np.var(absent, ddof=1)) / 2
    return float((present.mean() - absent.mean()) / np.sqrt(variance)) if variance else np.nan


def area_under_curve(present: NDArray[np.float64], absent: NDArray[np.float64]) -> float:
    """Return the share of pairs whose score with lesion is higher, ties by half (Mann–Whitney)."""
    first, second = present.ravel(), absent.ravel()
    ranks = rankdata(np.concatenate([first, second]))[: len(first)]
    wins = ranks.sum() - len(first) * (len(first) + 1) / 2
    return float(wins / (len(first) * len(second)))


def _detection(d_prime: Estimate, auc: Estimate) -> Detection:
    """No share of pairs lies outside 0 and 1, so neither does its interval."""
    lower, upper = (float(np.clip(one, 0, 1)) for one in auc[1:])
    return Detection(d_prime, Estimate(auc.value, lower, upper))


def _metrics(present: NDArray[np.float64], absent: NDArray[np.float64]) -> tuple[float, float]:
    return detectability(present, absent), area_under_curve(present, absent)


def _cross_validated(
    present: NDArray[np.float64], absent: NDArray[np.float64], first: Choice, second: Choice
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores of the chosen realisations, each by an observer made from the other folds."""
    scores = np.empty((len(first), present.shape[1])), np.empty((len(second), absent.shape[1]))
    for fold in range(FOLDS):
        out = first % FOLDS == fold, second % FOLDS == fold
        made = present[first[~out[0]]], absent[second[~out[1]]]
        base = made[1].mean(axis=0)
        with_it, without = ((one - base).reshape(-1, one.shape[-1]) for one in made)
        covariance = (np.cov(with_it.T) + np.cov(without.T)) / 2
        shift = with_it.mean(axis=0)
        weights = np.linalg.pinv(np.atleast_2d(covariance), rcond=1e-12, hermitian=True) @ shift
        length = np.sqrt(max(weights @ shift, 1e-300))
        for score, group, chosen, tested in zip(
            scores, (present, absent), (first, second), out, strict=True
        ):
            score[tested] = (group[chosen[tested]] - base - shift / 2) @ weights / length
    return scores


def _channelled(pictures: NDArray[Any], channels: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.asarray(pictures, dtype=np.float64)
    if values.ndim != 4 or values.shape[2] * values.shape[3] != len(channels):
        raise InputError(
            f"pictures of shape {values.shape} do not fit channels of {len(channels)} pixels; "
            "pictures are (realisation, place, y, x)"
        )
    return values.reshape(*values.shape[:2], -1) @ channels


def _check(present: NDArray[np.float64], absent: NDArray[np.float64]) -> None:
    if present.shape[1:] != absent.shape[1:]:
        raise InputError(f"pictures with lesion {present.shape} and without {absent.shape} differ")
    if min(len(present), len(absent)) < FEWEST:
        raise InputError(
            f"an observer needs {FEWEST} realisations with and {FEWEST} without the lesion, got "
            f"{len(present)} and {len(absent)}"
        )
    pictures = min(len(present), len(absent)) * present.shape[1] * (FOLDS - 1) // FOLDS
    if pictures <= present.shape[2] + 1:
        raise InputError(
            f"{pictures} pictures of each kind do not suffice for {present.shape[2]} channels; "
            "make more realisations, or use fewer channels"
        )


def dense_dog(shape: tuple[int, int], start: float = 0.005) -> NDArray[np.float64]:
    """Dense differences of Gaussians (Abbey & Barrett 2001, doi:10.1364/JOSAA.18.000473).

    C_j(ρ) = exp(−½ (ρ/(Q σ_j))²) − exp(−½ (ρ/σ_j)²), σ_j = σ₀ αʲ, j = 0 …; the ten channels with
    σ₀ = 0.005 cycles/pixel, α = 1.4 and Q = 1.67 follow human observers.

    Parameters
    ----------
    shape : (int, int)
        The picture, pixels along (y, x); the lesion is expected in its middle.
    start : float
        σ₀ in cycles/pixel.
    """
    row, column = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    grid = max(GRID, *(2 * n for n in shape))
    f = np.fft.fftfreq(grid)
    rho = np.hypot(f[:, None], f[None])
    shift = np.exp(-2j * np.pi * (f[:, None] * row + f[None] * column))
    found = []
    for number in range(CHANNELS):
        sigma = start * GROWTH**number
        band = np.exp(-0.5 * (rho / (RATIO * sigma)) ** 2) - np.exp(-0.5 * (rho / sigma) ** 2)
        found.append(np.fft.ifft2(band * shift).real[: shape[0], : shape[1]].ravel())
    channels = np.stack(found, axis=1)
    return np.asarray(channels / np.linalg.norm(channels, axis=0))
