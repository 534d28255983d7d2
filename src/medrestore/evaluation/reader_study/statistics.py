"""Preference for one of two methods, and scores of a method: exact intervals and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from medrestore.evaluation.statistics import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Preference", "Scores", "paired_p_value", "preference", "scores"]

ENUMERABLE = 13
"""Up to so many pairs all 2ⁿ signs are tried."""

DRAWS = 5000


@dataclass(frozen=True)
class Preference:
    """Votes for the first of two methods.

    Parameters
    ----------
    wins, losses, ties : int
        Answers for the first, for the second, and for neither.
    share : float or None
        wins / (wins + losses): ties are left out here and nowhere else; None if all are ties.
    lower, upper : float
        Clopper–Pearson interval of the share (Biometrika 26:404, 1934).
    p_value : float
        Exact two-sided binomial test of share = ½.
    share_with_ties : float or None
        (wins + ties/2) / all: each tie as half a vote for either.
    """

    wins: int
    losses: int
    ties: int
    share: float | None
    lower: float
    upper: float
    p_value: float
    share_with_ties: float | None


def preference(wins: int, losses: int, ties: int = 0) -> Preference:
    """Return the share of decided votes, its exact 95 % interval, and a chance test.

    The interval takes votes for independent. Votes of one reader on different cases are; pooled
    over readers they share cases: `evaluation.statistics.bootstrap` is for that.
    """
    decided, votes = wins + losses, wins + losses + ties
    half = (wins + ties / 2) / votes if votes else None
    if not decided:
        return Preference(wins, losses, ties, None, 0.0, 1.0, 1.0, half)
    test = stats.binomtest(wins, decided, 0.5)
    interval = test.proportion_ci(LEVEL, method="exact")
    return Preference(
        wins,
        losses,
        ties,
        wins / decided,
        float(interval.low),
        float(interval.high),
        float(test.pvalue),
        half,
    )


@dataclass(frozen=True)
class Scores:
    """Scores of one method.

    Parameters
    ----------
    counts : tuple of int
        Number of times that 1, 2, 3, 4 and 5 were given.
    mean, median : float
        Over all answers.
    lower, upper : float or None
        Bootstrap interval of the mean over cases; None with fewer than two cases.
    """

    counts: tuple[int, ...]
    mean: float
    median: float
    lower: float | None
    upper: float | None


def scores(table: NDArray[np.float64], seed: int = 0) -> Scores:
    """Return a summary of a method's scores.

    Parameters
    ----------
    table : ndarray, shape (readers, cases)
        Scores 1…5; NaN where a reader gave none, at least one per case.
    seed : int
        Of the percentile bootstrap over cases, readers fixed.
    """
    given = table[np.isfinite(table)]
    counts = tuple(int(np.sum(given == k)) for k in range(1, 6))
    lower, upper = _interval(np.nanmean(table, axis=0), seed)
    return Scores(counts, float(given.mean()), float(np.median(given)), lower, upper)


def paired_p_value(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Return p of Wilcoxon's signed-rank test of two methods on the same cases, two-sided.

    Parameters
    ----------
    one, other : ndarray, shape (cases,)
        Mean score over readers; NaN where a method was not scored.

    Returns
    -------
    float or None
        Zero differences keep their ranks (Pratt, J. Am. Stat. Assoc. 54:655, 1959). Exact up to 13
        cases, by all sign changes; 1 if nothing differs; None without a common case.
    """
    difference = (one - other)[np.isfinite(one - other)]
    if not difference.size:
        return None
    if not difference.any():
        return 1.0
    how: Any = "auto"
    if difference.size <= ENUMERABLE:
        how = stats.PermutationMethod(n_resamples=2**ENUMERABLE)
    test = stats.wilcoxon(difference, zero_method="pratt", method=how)
    return float(test.pvalue)


def _interval(cases: NDArray[np.float64], seed: int) -> tuple[float | None, float | None]:
    if cases.size < 2:
        return None, None
    picks = np.random.default_rng(seed).integers(cases.size, size=(DRAWS, cases.size))
    low, high = np.quantile(cases[picks].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
