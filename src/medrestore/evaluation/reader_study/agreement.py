"""Agreement of readers with each other, and of each with their own repeated answers.

Weighted κ for ordered scales; for scores also the intraclass correlation ICC(2,1): absolute
agreement of single scores, readers taken at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import stats

from medrestore.evaluation.reader_study.answers import SKIPPED, Item, item_of, value_of
from medrestore.evaluation.statistics import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.evaluation.reader_study.answers import Answer

    Given = dict[Item, int]

__all__ = ["Agreement", "Icc", "Weights", "between", "correlation", "icc", "kappa", "within"]

CATEGORIES = {"preference": (-1, 0, 1), "score": (1, 2, 3, 4, 5)}
"""Ordered scales: a tie lies between the two methods."""

Weights = Literal["none", "linear", "quadratic"]
POWER = {"linear": 1, "quadratic": 2}


@dataclass(frozen=True)
class Agreement:
    """Agreement over questions answered twice.

    Parameters
    ----------
    readers : tuple of str
        Two readers, or one with their own repeats.
    items : int
        Questions that both answered.
    same : float or None
        Share of identical answers; None without questions.
    linear, quadratic : float or None
        Weighted κ; None where it is not defined (`kappa`).
    """

    readers: tuple[str, ...]
    items: int
    same: float | None
    linear: float | None
    quadratic: float | None


def between(answers: Sequence[Answer], readers: Sequence[str]) -> tuple[Agreement, ...]:
    """Return the agreement of every two readers; first answers count, repeats do not."""
    given = {reader: _given(answers, reader, repeat=False) for reader in readers}
    kind = answers[0].kind
    pairs = combinations(readers, 2)
    return tuple(_agreement(kind, pair, *(given[r] for r in pair)) for pair in pairs)


def within(answers: Sequence[Answer], readers: Sequence[str]) -> tuple[Agreement, ...]:
    """Return the agreement of each reader with their own repeats, of those who have any."""
    found = [
        _agreement(
            answers[0].kind,
            (reader,),
            _given(answers, reader, repeat=False),
            _given(answers, reader, repeat=True),
        )
        for reader in readers
    ]
    return tuple(one for one in found if one.items)


def correlation(answers: Sequence[Answer], readers: Sequence[str]) -> Icc | None:
    """Return ICC(2,1) over the pictures that every reader scored; None for preferences."""
    if answers[0].kind != "score":
        return None
    given = [_given(answers, reader, repeat=False) for reader in readers]
    items = sorted(set.intersection(*(set(one) for one in given)))
    return icc(np.array([[one[item] for one in given] for item in items], float)) if items else None


def kappa(
    one: Sequence[int], other: Sequence[int], categories: int, weights: Weights = "linear"
) -> float | None:
    """κ = 1 − Σ w·observed / Σ w·expected (Cohen 1968, doi:10.1037/h0026256).

    Parameters
    ----------
    one, other : sequence of int
        Categories 0…categories−1 that the two gave to the same items.
    categories : int
        Steps of the scale, also those that nobody used.
    weights : {"none", "linear", "quadratic"}
        Disagreement by |i − j| steps counts as 1 (if any), as |i − j|, or as (i − j)².

    Returns
    -------
    float or None
        1 agreement, 0 no more than chance. None without items, or where chance alone would agree
        on all: both gave one and the same category throughout.
    """
    observed = np.zeros((categories, categories))
    np.add.at(observed, (np.asarray(one, dtype=int), np.asarray(other, dtype=int)), 1)
    if not observed.sum():
        return None
    observed /= observed.sum()
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories)))
    weight = (steps > 0).astype(float) if weights == "none" else steps ** POWER[weights]
    by_chance = float((weight * expected).sum())
    if by_chance == 0:
        return None
    return 1 - float((weight * observed).sum()) / by_chance


class Icc(NamedTuple):
    """ICC(2,1) with its interval."""

    value: float
    lower: float
    upper: float


def icc(table: NDArray[np.float64]) -> Icc | None:
    """Two-way random effects, single rater, absolute agreement.

    Shrout & Fleiss 1979 (doi:10.1037/0033-2909.86.2.420), interval by Satterthwaite's degrees of
    freedom as there and in McGraw & Wong 1996 (doi:10.1037/1082-989X.1.1.30), ICC(A,1).

    Parameters
    ----------
    table : ndarray, shape (items, readers)
        Every item scored by every reader.

    Returns
    -------
    Icc or None
        None with fewer than two items or readers, or if all scores are equal.
    """
    n, k = table.shape
    if n < 2 or k < 2 or np.ptp(table) == 0:
        return None
    rows, columns, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    ms_items = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    ms_readers = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    rest = table - rows[:, None] - columns + grand
    ms_error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    value = (ms_items - ms_error) / (
        ms_items + (k - 1) * ms_error + k * (ms_readers - ms_error) / n
    )
    if ms_error < 1e-12 * ms_items and ms_readers < 1e-12 * ms_items:
        return Icc(1.0, 1.0, 1.0)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * ms_readers + b * ms_error) ** 2 / (
        (a * ms_readers) ** 2 / (k - 1) + (b * ms_error) ** 2 / ((n - 1) * (k - 1))
    )
    f_low = stats.f.ppf((1 + LEVEL) / 2, n - 1, freedom)
    f_high = stats.f.ppf((1 + LEVEL) / 2, freedom, n - 1)
    between = k * ms_readers + (k * n - k - n) * ms_error
    lower = n * (ms_items - f_low * ms_error) / (f_low * between + n * ms_items)
    upper = n * (f_high * ms_items - ms_error) / (between + n * f_high * ms_items)
    return Icc(value, float(lower), float(upper))


def _given(answers: Sequence[Answer], reader: str, repeat: bool) -> Given:
    return {
        item_of(one): value_of(one)
        for one in answers
        if one.reader == reader and one.repeat is repeat and one.answer != SKIPPED
    }


def _agreement(kind: str, readers: tuple[str, ...], one: Given, other: Given) -> Agreement:
    scale = CATEGORIES[kind]
    items = sorted(one.keys() & other.keys())
    left = [scale.index(one[item]) for item in items]
    right = [scale.index(other[item]) for item in items]
    same = float(np.mean(np.equal(left, right))) if items else None
    return Agreement(
        readers,
        len(items),
        same,
        kappa(left, right, len(scale), "linear"),
        kappa(left, right, len(scale), "quadratic"),
    )
