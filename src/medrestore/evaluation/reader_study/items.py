"""What was asked, as tables of readers × cases: votes for one of two methods, or scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medrestore.evaluation.reader_study.answers import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from medrestore.evaluation.reader_study.answers import Answer

__all__ = ["Item", "item_of", "table", "value_of"]


class Item(NamedTuple):
    """A question: a case with two methods in alphabetical order, or with one and ""."""

    case: str
    first: str
    second: str


def item_of(answer: Answer) -> Item:
    """The question, whichever method was on the left."""
    if not answer.right:
        return Item(answer.case, answer.left, "")
    first, second = sorted((answer.left, answer.right))
    return Item(answer.case, first, second)


def value_of(answer: Answer) -> int:
    """1 a vote for the item's first method, −1 for its second, 0 for neither; or the score."""
    if answer.kind == "score":
        return int(answer.answer)
    if not answer.chosen:
        return 0
    return 1 if answer.chosen == item_of(answer).first else -1


def table(
    answers: Iterable[Answer], readers: Sequence[str], cases: Sequence[str]
) -> NDArray[np.float64]:
    """Values by reader and case, shape (readers, cases).

    Parameters
    ----------
    answers : iterable of Answer
        Of one pair of methods, or of one method; repeats and skipped pictures are left out.
    readers, cases : sequence of str
        Rows and columns; NaN where there is no answer.
    """
    values = np.full((len(readers), len(cases)), np.nan)
    for one in answers:
        if not one.repeat and one.answer != SKIPPED:
            values[readers.index(one.reader), cases.index(one.case)] = value_of(one)
    return values
