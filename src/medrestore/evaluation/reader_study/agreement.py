"""Who agrees with whom: readers with each other, and each with their own repeated answers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from medrestore.evaluation.reader_study.answers import SKIPPED
from medrestore.evaluation.reader_study.icc import Icc, icc
from medrestore.evaluation.reader_study.items import Item, item_of, value_of
from medrestore.evaluation.reader_study.kappa import kappa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.evaluation.reader_study.answers import Answer

    Given = dict[Item, int]

__all__ = ["Agreement", "between", "correlation", "within"]

CATEGORIES = {"preference": (-1, 0, 1), "score": (1, 2, 3, 4, 5)}
"""Ordered scales: a tie lies between the two methods."""


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
        Weighted κ; None where it is not defined (`kappa.kappa`).
    """

    readers: tuple[str, ...]
    items: int
    same: float | None
    linear: float | None
    quadratic: float | None


def between(answers: Sequence[Answer], readers: Sequence[str]) -> tuple[Agreement, ...]:
    """Agreement of every two readers; first answers count, repeats do not."""
    given = {reader: _given(answers, reader, repeat=False) for reader in readers}
    kind = answers[0].kind
    return tuple(_agreement(kind, pair, *(given[r] for r in pair)) for pair in _pairs(readers))


def within(answers: Sequence[Answer], readers: Sequence[str]) -> tuple[Agreement, ...]:
    """Agreement of each reader with their own repeats; readers without repeats are left out."""
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
    """ICC(2,1) of scores over the pictures that every reader scored; None for preferences."""
    if answers[0].kind != "score":
        return None
    given = [_given(answers, reader, repeat=False) for reader in readers]
    items = sorted(set.intersection(*(set(one) for one in given)))
    return icc(np.array([[one[item] for one in given] for item in items], float)) if items else None


def _pairs(readers: Sequence[str]) -> list[tuple[str, str]]:
    return list(combinations(readers, 2))


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
