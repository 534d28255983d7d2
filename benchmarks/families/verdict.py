"""Families beside the default: paired differences over people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.families.table import Row

__all__ = ["DEFAULT", "Difference", "difference", "reference_of", "signed"]

DEFAULT = ("moment-matched", "2 steps")
"""Family and label of what the others are set beside."""
DRAWS, LEVEL = 10_000, 0.95


class Difference(NamedTuple):
    """Mean difference in PSNR to the default, dB, and its 95 % interval over people."""

    mean: float
    lower: float
    upper: float

    @property
    def word(self) -> str:
        """What it says of the image."""
        if self.lower == self.upper == 0:
            return "the same image"
        if np.isnan(self.lower):
            return "too few people to say"
        if self.upper < 0:
            return "**loses**"
        return "wins" if self.lower > 0 else "no difference shown"

    def __str__(self) -> str:
        if self.lower == self.upper == 0:
            return self.word
        mean, lower, upper = (signed(value) for value in self)
        if np.isnan(self.lower):
            return f"{mean} dB, {self.word}"
        return f"{mean} dB [{lower}, {upper}], {self.word}"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, none for what is rounded to zero."""
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def reference_of(rows: Sequence[Row], row: Row) -> Row | None:
    """The default on the same crops, if the table has it."""
    same = [
        one
        for one in rows
        if (one["family"], one["method"]) == DEFAULT
        and one["data"] == row["data"]
        and one.get("psnr_each")
    ]
    return same[0] if same else None


def difference(pairs: Sequence[tuple[Row, Row]], seed: int = 0) -> Difference:
    """Of rows beside the default's, of one or several data sets of the same people.

    Every person counts the same; the interval is a percentile bootstrap over people, NaN for fewer
    than three of them.

    Parameters
    ----------
    pairs : sequence of (row, default's row)
        One pair for each data set.
    seed : int
        Of the bootstrap.
    """
    each = [_each(row, other) for row, other in pairs]
    people = min(len(one) for one in each)
    found = np.mean([one[:people] for one in each], axis=0)
    if not found.any():
        return Difference(0.0, 0.0, 0.0)
    if people < 3:
        return Difference(float(found.mean()), float("nan"), float("nan"))
    draws = np.random.default_rng(seed).integers(people, size=(DRAWS, people))
    tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(found[draws].mean(axis=1), tails)
    return Difference(float(found.mean()), float(low), float(high))


def _each(row: Row, other: Row) -> np.ndarray:
    """Differences, one for each person."""
    one, two = (_people(r) for r in (row, other))
    count = min(len(one), len(two))
    return one[:count] - two[:count]


def _people(row: Mapping[str, object]) -> np.ndarray:
    """PSNR of each person: of several crops of one, which follow each other, the mean."""
    values = np.array([float(text) for text in str(row["psnr_each"]).split(";")])
    return values.reshape(int(str(row["people"])), -1).mean(axis=1)
