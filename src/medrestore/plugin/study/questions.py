"""Questions to a reader in their order, and the answers on the disk.

Order and sides are fixed by the plan's seed and the reader's name alone. Ranks come from SHA-256,
not from a random generator: the same on every machine and version, so that a study can be taken up
again years later.

Each answer is on the disk before the next question is asked; `evaluation.reader_study.answers`
describes the columns. A line that was cut by a crash is dropped when the file is opened again; its
question is then asked once more.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING

from medrestore.errors import InputError, OutputError
from medrestore.evaluation.reader_study.answers import HEADER, Answer, parse
from medrestore.io.staging import settle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medrestore.plugin.study.plan import StudyCase, StudyPlan

__all__ = ["AnswerLog", "Presentation", "file_name", "presentations"]


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
        True if it was asked before, sides exchanged.
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


def file_name(plan_stem: str, reader: str) -> str:
    """Name of a reader's file, safe on every system."""
    safe = re.sub(r"[^\w.-]+", "_", reader).strip("._") or "reader"
    return f"{plan_stem}_{safe}.csv"


class AnswerLog:
    """One reader's file.

    Parameters
    ----------
    path : Path
        Made if it is missing.
    plan, reader : StudyPlan, str
    order : sequence of Presentation
        The reader's questions.

    Raises
    ------
    InputError
        If the file is there and belongs to another plan, reader or order.
    OutputError
        If it cannot be written.
    """

    def __init__(
        self, path: Path, plan: StudyPlan, reader: str, order: Sequence[Presentation]
    ) -> None:
        self.path, self.plan, self.reader = path, plan, reader
        self.answers: list[Answer] = []
        """Those found when the file was opened."""
        try:
            if path.exists() and _mended(path):
                self.answers = parse(path.read_text(encoding="utf-8"), path.name)
                self._check(order)
            else:
                self._write(HEADER)
                settle(path.parent, deep=False)
            self._size = path.stat().st_size
        except UnicodeDecodeError as error:
            raise InputError(f"{path.name} is no text in UTF-8; move it away") from error
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, question: Presentation, answer: str, seconds: float) -> Answer:
        """Write an answer and wait until it is on the disk; raises `OutputError` if that fails."""
        row = Answer(
            study=self.plan.name,
            plan=self.plan.hash,
            kind=self.plan.kind,
            reader=self.reader,
            index=question.index,
            case=question.case.id,
            left=question.left,
            right=question.right,
            answer=answer,
            seconds=round(seconds, 2),
            repeat=question.repeat,
            time_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        try:
            _mended(self.path)  # half a line of an attempt that failed
            if self.path.stat().st_size != self._size:
                raise OutputError(
                    f"{self.path.name} was changed by another window or program; close that, then "
                    "stop and start again to go on"
                )
            self._write(row.line())
            self._size = self.path.stat().st_size
        except OSError as error:
            raise self._unwritable(error) from error
        return row

    def _write(self, line: str) -> None:
        before = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError:  # said to be lost, so it must not be there after all
            with suppress(OSError):
                os.truncate(self.path, before)
            raise

    def _check(self, order: Sequence[Presentation]) -> None:
        name = self.path.name
        for one in self.answers:
            if one.plan != self.plan.hash:
                raise InputError(
                    f"{name} holds answers to another plan ({one.plan}; this one is "
                    f"{self.plan.hash}); move it away, or go on with the plan as it was"
                )
            if one.reader != self.reader:
                raise InputError(
                    f"{name} holds the answers of {one.reader}; choose another reader name"
                )
        given = [(one.index, one.case, one.left, one.right, one.repeat) for one in self.answers]
        expected = [(p.index, p.case.id, p.left, p.right, p.repeat) for p in order]
        if given != expected[: len(given)]:
            raise InputError(
                f"{name} does not follow this reader's order; it was edited: move it away and "
                "start again"
            )

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self.path.name} cannot be written: {error.strerror or error}; check the folder, its "
            "permissions and the space left, then try again"
        )


def _mended(path: Path) -> bool:
    """Drop a last line without its end; True if anything is left."""
    with path.open("r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            file.truncate(whole)
            os.fsync(file.fileno())
    return whole > 0
