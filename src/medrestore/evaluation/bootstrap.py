"""Difference of two methods over many readers and many cases, both taken as samples (MRMC)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Difference", "bootstrap"]


class Difference(NamedTuple):
    """Mean difference with its bootstrap interval, and what was drawn anew."""

    mean: float
    lower: float
    upper: float
    readers: int
    cases: int


def bootstrap(
    table: NDArray[np.float64], level: float = 0.95, draws: int = 5000, seed: int = 0
) -> Difference | None:
    """Percentile interval of the mean, readers and cases drawn with replacement, independently.

    The scheme of multi-reader multi-case studies (Beiden, Wagner & Campbell, Acad. Radiol. 7:341,
    2000): it speaks of other readers and other cases. Somewhat wide, as the noise of single answers
    counts in either draw. One reader alone is not drawn: the interval then holds for that reader.

    Parameters
    ----------
    table : ndarray, shape (readers, cases)
        Difference of the methods, or votes 1, 0, −1; NaN where a reader did not answer.
    level, draws, seed
        Nominal coverage, number and seed of the draws.

    Returns
    -------
    Difference or None
        None with fewer than two cases.
    """
    given = np.isfinite(table)
    readers, cases = table.shape
    if cases < 2 or not given.any():
        return None
    rng = np.random.default_rng(seed)
    times_reader = rng.multinomial(readers, np.full(readers, 1 / readers), draws)  # draws × readers
    times_case = rng.multinomial(cases, np.full(cases, 1 / cases), draws)  # draws × cases
    total = ((times_reader @ np.where(given, table, 0)) * times_case).sum(axis=1)
    count = ((times_reader @ given) * times_case).sum(axis=1)
    means = total[count > 0] / count[count > 0]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    mean = float(table[given].mean())
    return Difference(mean, float(low), float(high), readers, cases)
