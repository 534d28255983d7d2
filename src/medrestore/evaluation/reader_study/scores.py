"""Scores of a method on a scale of 1 to 5, and whether two methods differ on the same cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scores", "paired_p_value", "scores"]

ENUMERABLE = 13
"""Up to so many pairs all 2ⁿ signs are tried."""

DRAWS = 5000


@dataclass(frozen=True)
class Scores:
    """Scores of one method.

    Parameters
    ----------
    counts : tuple of int
        How often 1, 2, 3, 4 and 5 were given.
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


def scores(table: NDArray[np.float64], level: float = 0.95, seed: int = 0) -> Scores:
    """Summary of a method's scores.

    Parameters
    ----------
    table : ndarray, shape (readers, cases)
        Scores 1…5; NaN where a reader gave none, at least one per case.
    level : float
        Nominal coverage of the percentile bootstrap over cases, readers fixed.
    seed : int
        Of the bootstrap.
    """
    given = table[np.isfinite(table)]
    counts = tuple(int(np.sum(given == k)) for k in range(1, 6))
    lower, upper = _interval(np.nanmean(table, axis=0), level, seed)
    return Scores(counts, float(given.mean()), float(np.median(given)), lower, upper)


def paired_p_value(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Wilcoxon's signed-rank test of two methods on the same cases, two-sided.

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


def _interval(
    cases: NDArray[np.float64], level: float, seed: int
) -> tuple[float | None, float | None]:
    if cases.size < 2:
        return None, None
    picks = np.random.default_rng(seed).integers(cases.size, size=(DRAWS, cases.size))
    low, high = np.quantile(cases[picks].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
