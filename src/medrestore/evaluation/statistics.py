"""Statistics of samples: means over people, bootstrap, jackknife and adjusted p values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Choice = NDArray[np.intp]

__all__ = ["LEVEL", "Difference", "Estimate", "bootstrap", "holm", "jackknife", "over_people"]

LEVEL = 0.95
Z = 1.959963984540054
MOST = 40
"""Times that a metric is computed anew for each group."""


def over_people(people: Sequence[str], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over the cases of each person, (cases, …) → (people, …), as they first come."""
    order = list(dict.fromkeys(people))
    index = np.array([order.index(person) for person in people])
    return np.stack([values[index == i].mean(axis=0) for i in range(len(order))])


class Difference(NamedTuple):
    """Mean difference with its bootstrap interval, and what was drawn anew."""

    mean: float
    lower: float
    upper: float
    readers: int
    cases: int


def bootstrap(
    table: NDArray[np.float64], level: float = LEVEL, draws: int = 5000, seed: int = 0
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


class Estimate(NamedTuple):
    """A metric with its 95 % interval, in the metric's unit; NaN where there is none."""

    value: float
    lower: float
    upper: float


def jackknife(
    metric: Callable[[Choice, Choice], Any], first: int, second: int = 0
) -> tuple[Estimate, ...]:
    """Return metrics of two independent groups with normal intervals, by the delete-one jackknife.

    The variance is the sum over both groups of (n − 1)/n Σ (θ₋ᵢ − θ̄)² (Efron & Stein 1981,
    doi:10.1214/aos/1176345462). All that a metric learns from the realisations is learnt anew each
    time, so that what differs between such learnings is in the interval. Of more than 40
    realisations every 40th is left out together.

    Parameters
    ----------
    metric : callable
        Maps the indices chosen of both groups to a number, or a sequence of numbers.
    first, second : int
        Realisations in each group; a second group of 0 is none, and is not left out of.

    Returns
    -------
    tuple of Estimate
        One for each number. A group of one realisation gives an interval of NaN.
    """
    whole = np.arange(first), np.arange(second)
    value = np.atleast_1d(np.asarray(metric(*whole), dtype=np.float64))
    variance = np.zeros_like(value)
    for group, size in enumerate((first, second)):
        parts = min(size, MOST)
        left = []
        for out in range(parts if parts > 1 else 0):
            chosen = list(whole)
            chosen[group] = np.delete(whole[group], slice(out, None, parts))
            left.append(np.atleast_1d(np.asarray(metric(*chosen), dtype=np.float64)))
        if left:
            spread = np.square(left - np.mean(left, axis=0)).sum(axis=0)
            variance = variance + (parts - 1) / parts * spread
        elif size:
            variance = variance * np.nan
    half = Z * np.sqrt(variance)
    return tuple(
        Estimate(float(v), float(v - h), float(v + h)) for v, h in zip(value, half, strict=True)
    )


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given.

    Rejecting what is at most α errs once or more with a probability of at most α, however the
    tests depend on each other (Holm 1979, Scand. J. Statist. 6:65).
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(values.size, 0, -1)
    adjusted = np.empty(values.size)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(one) for one in adjusted]
