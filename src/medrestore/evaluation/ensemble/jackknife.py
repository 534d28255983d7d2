"""Intervals of metrics made from two groups of realisations: leave one out, each in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Choice = NDArray[np.intp]

__all__ = ["LEVEL", "Estimate", "jackknife"]

LEVEL = 0.95
Z = 1.959963984540054
MOST = 40
"""Times that a metric is computed anew for each group."""


class Estimate(NamedTuple):
    """A metric with its 95 % interval, in the metric's unit; NaN where there is none."""

    value: float
    lower: float
    upper: float

    def facts(self) -> dict[str, float]:
        """Return plain values for CSV and JSON."""
        return dict(zip(("value", "lower", "upper"), self, strict=True))


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
