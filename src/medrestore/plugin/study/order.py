"""Order and sides of a reader's questions: fixed by the plan's seed and the reader's name alone.

Ranks come from SHA-256, not from a random generator: the same on every machine and version, so that
a study can be taken up again years later.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medrestore.plugin.study.plan import StudyCase, StudyPlan

__all__ = ["Presentation", "presentations"]


@dataclass(frozen=True)
class Presentation:
    """One question.

    Parameters
    ----------
    index : int
        Place in the reader's order, from 1.
    case : StudyCase
    left, right : str
        Methods; ``right`` is empty where one picture is scored.
    repeat : bool
        Whether it was asked before, sides exchanged.
    """

    index: int
    case: StudyCase
    left: str
    right: str
    repeat: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods shown, left first."""
        return (self.left, self.right) if self.right else (self.left,)


Question = tuple["StudyCase", str, str]


def presentations(plan: StudyPlan, reader: str) -> tuple[Presentation, ...]:
    """All questions to a reader, in order.

    Within every pair of methods, either is on the left in half of the cases, give or take one.
    Repeats are taken from the first half and come at least half of the questions later.
    """
    draw = _Draw(plan.seed, reader)
    questions = draw.shuffled(
        [question for group in _groups(plan, draw) for question in group], "order"
    )
    again = _repeated(questions, plan.repeats, draw)
    return tuple(
        Presentation(index, *question, repeat)
        for index, (question, repeat) in enumerate(_merged(questions, again, draw), 1)
    )


class _Draw:
    """Ranks that look random and never change."""

    def __init__(self, seed: int, reader: str) -> None:
        self._salt = f"{seed}\x00{reader}"

    def rank(self, question: Question, use: str) -> str:
        case, *methods = question
        text = "\x00".join([self._salt, use, case.id, *sorted(methods)])
        return hashlib.sha256(text.encode()).hexdigest()

    def shuffled(self, questions: Sequence[Question], use: str) -> list[Question]:
        return sorted(questions, key=lambda question: self.rank(question, use))

    def uniform(self, question: Question, use: str) -> float:
        return int(self.rank(question, use)[:13], 16) / 16**13


def _groups(plan: StudyPlan, draw: _Draw) -> list[list[Question]]:
    """Questions of each pair of methods, with sides; or one group of single pictures."""
    if plan.kind == "score":
        return [[(case, method, "") for case in plan.cases for method in case.images]]
    groups: dict[tuple[str, str], list[Question]] = {}
    for case in plan.cases:
        for one, other in combinations(sorted(case.images), 2):
            groups.setdefault((one, other), []).append((case, one, other))
    return [_with_sides(draw.shuffled(group, "side"), draw) for group in groups.values()]


def _with_sides(group: list[Question], draw: _Draw) -> list[Question]:
    """Every second one exchanged; which half gets the odd one is drawn too."""
    odd = draw.uniform(group[0], "odd") < 0.5
    return [
        (case, other, one) if (place + odd) % 2 else (case, one, other)
        for place, (case, one, other) in enumerate(group)
    ]


def _repeated(questions: list[Question], share: float, draw: _Draw) -> list[tuple[int, Question]]:
    """Places in the order, and the questions there with sides exchanged."""
    count = min(len(questions), round(share * len(questions)) or (1 if share > 0 else 0))
    early = questions[: max(count, len(questions) // 2)]
    chosen = draw.shuffled(early, "repeat")[:count]
    positions = [questions.index(question) for question in chosen]
    return [(place, _exchanged(questions[place])) for place in positions]


def _merged(
    questions: list[Question], again: list[tuple[int, Question]], draw: _Draw
) -> list[tuple[Question, bool]]:
    half = len(questions) / 2
    keyed = [(float(place), "", question, False) for place, question in enumerate(questions)]
    for place, question in again:
        later = place + half * (1 + draw.uniform(question, "place"))
        keyed.append((later, draw.rank(question, "place"), question, True))
    keyed.sort(key=lambda one: one[:2])
    return [(question, repeat) for _, _, question, repeat in keyed]


def _exchanged(question: Question) -> Question:
    case, left, right = question
    return (case, right, left) if right else question
