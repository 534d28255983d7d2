"""All statistics of a reader study from its answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.evaluation.reader_study import agreement
from medrestore.evaluation.reader_study.answers import SKIPPED, item_of, same_study, table
from medrestore.evaluation.reader_study.statistics import (
    Preference,
    Scores,
    paired_p_value,
    preference,
    scores,
)
from medrestore.evaluation.statistics import LEVEL, bootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medrestore.evaluation.reader_study.agreement import Agreement, Icc
    from medrestore.evaluation.reader_study.answers import Answer
    from medrestore.evaluation.statistics import Difference

__all__ = ["Analysis", "Comparison", "Reader", "analyse"]


@dataclass(frozen=True)
class Reader:
    """One reader's work: first answers, repeats, skipped pictures, median time per answer."""

    name: str
    answers: int
    repeats: int
    skipped: int
    median_seconds: float | None


@dataclass(frozen=True)
class Comparison:
    """Two methods, in alphabetical order.

    Parameters
    ----------
    first, second : str
        The methods.
    cases : int
        Cases judged by anybody.
    all_readers : Preference or None
        Votes of all readers for the first; None for scores.
    by_reader : dict of str to Preference
        Votes of each.
    p_value : float or None
        Of the paired Wilcoxon test of scores; None for preferences.
    difference : Difference or None
        Over readers and cases: share of preferences for the first (a tie is half), or mean score of
        the first minus that of the second.
    """

    first: str
    second: str
    cases: int
    all_readers: Preference | None
    by_reader: dict[str, Preference]
    p_value: float | None
    difference: Difference | None


@dataclass(frozen=True)
class Analysis:
    """Statistics of one study; `facts` as JSON."""

    study: str
    plan: str
    kind: str
    level: float
    readers: tuple[Reader, ...]
    comparisons: tuple[Comparison, ...]
    scores: dict[str, Scores]
    left: Preference | None
    between: tuple[Agreement, ...]
    within: tuple[Agreement, ...]
    icc: Icc | None

    def facts(self) -> dict[str, Any]:
        """Return plain values for JSON; named tuples become dictionaries too."""
        found = asdict(self)
        found["icc"] = self.icc and self.icc._asdict()
        for facts, one in zip(found["comparisons"], self.comparisons, strict=True):
            facts["difference"] = one.difference and one.difference._asdict()
        return found


def analyse(answers: Sequence[Answer], seed: int = 0) -> Analysis:
    """Return the statistics of a study, at 95 %.

    Parameters
    ----------
    answers : sequence of Answer
        Of all readers, to one plan.
    seed : int
        Of the bootstraps.

    Raises
    ------
    InputError
        If there are no answers or they belong to several plans.
    """
    same_study(answers)
    names = sorted({one.reader for one in answers})
    first = answers[0]
    by_score = first.kind == "score"
    return Analysis(
        study=first.study,
        plan=first.plan,
        kind=first.kind,
        level=LEVEL,
        readers=tuple(_reader(answers, name) for name in names),
        comparisons=(_by_score if by_score else _by_preference)(answers, names, seed),
        scores=_scores(answers, names, seed) if by_score else {},
        left=None if by_score else _left(answers),
        between=agreement.between(answers, names),
        within=agreement.within(answers, names),
        icc=agreement.correlation(answers, names),
    )


def _reader(answers: Sequence[Answer], name: str) -> Reader:
    theirs = [one for one in answers if one.reader == name]
    given = [one for one in theirs if one.answer != SKIPPED]
    repeats = sum(one.repeat for one in given)
    seconds = float(np.median([one.seconds for one in given])) if given else None
    return Reader(name, len(given) - repeats, repeats, len(theirs) - len(given), seconds)


def _by_preference(
    answers: Sequence[Answer], names: list[str], seed: int
) -> tuple[Comparison, ...]:
    found = []
    for first, second in sorted({item_of(one)[1:] for one in answers}):
        compared = [one for one in answers if item_of(one)[1:] == (first, second)]
        cases = _cases(compared)
        votes = table(compared, names, cases)
        by_reader = {name: _votes(row) for name, row in zip(names, votes, strict=True)}
        share = bootstrap((1 + votes) / 2, seed=seed)
        found.append(Comparison(first, second, len(cases), _votes(votes), by_reader, None, share))
    return tuple(found)


def _by_score(answers: Sequence[Answer], names: list[str], seed: int) -> tuple[Comparison, ...]:
    cases = _cases(answers)
    given = {m: _scored(answers, names, cases, m) for m in _methods(answers)}
    found = []
    for first, second in combinations(given, 2):
        difference = given[first] - given[second]
        both = np.isfinite(difference).any(axis=0)
        paired = [
            _case_means(np.where(np.isfinite(difference), given[m], np.nan)[:, both])
            for m in (first, second)
        ]
        found.append(
            Comparison(
                first,
                second,
                int(both.sum()),
                None,
                {},
                paired_p_value(*paired),
                bootstrap(difference[:, both], seed=seed),
            )
        )
    return tuple(found)


def _scores(answers: Sequence[Answer], names: list[str], seed: int) -> dict[str, Scores]:
    cases = _cases(answers)
    found = {}
    for method in _methods(answers):
        given = _scored(answers, names, cases, method)
        seen = np.isfinite(given).any(axis=0)
        if seen.any():
            found[method] = scores(given[:, seen], seed)
    return found


def _scored(
    answers: Sequence[Answer], names: list[str], cases: list[str], method: str
) -> NDArray[np.float64]:
    return table([one for one in answers if one.left == method], names, cases)


def _left(answers: Sequence[Answer]) -> Preference:
    """Return votes for the left picture: far from half, a reader judged sides."""
    given = [one.answer for one in answers]
    return preference(given.count("left"), given.count("right"), given.count("tie"))


def _votes(votes: NDArray[np.float64]) -> Preference:
    wins, losses, ties = (int((votes == value).sum()) for value in (1, -1, 0))
    return preference(wins, losses, ties)


def _case_means(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means over readers, shape (cases,)."""
    return np.asarray(np.nanmean(table, axis=0)) if table.size else np.empty(0)


def _cases(answers: Sequence[Answer]) -> list[str]:
    return sorted({one.case for one in answers if one.answer != SKIPPED})


def _methods(answers: Sequence[Answer]) -> list[str]:
    return sorted({one.left for one in answers})
