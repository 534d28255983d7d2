"""Answers of a reader study: the CSV that the napari widget writes, row by row, and what is in it.

One file per reader, UTF-8, one header line, one line per answer. No patient names, no paths:

=========  ========================================================================================
column     meaning
=========  ========================================================================================
study      name of the study
plan       hash of the study plan (cases, methods, question, kind, seed, repeats)
kind       ``preference``: which of two pictures; ``score``: one picture on a scale of 1 to 5
reader     the name or code that the reader gave
index      place in this reader's random order, from 1
case       case id of the plan
left       method shown on the left; of a score, the method shown
right      method shown on the right; empty for a score
answer     ``left``, ``right`` or ``tie``; of a score ``1`` to ``5``; ``skipped`` where a picture
           could not be opened
seconds    from the pictures' appearance to the answer
repeat     ``1`` where the reader had been asked this before, for agreement with oneself; else ``0``
time_utc   when the answer was given, ISO 8601
=========  ========================================================================================
"""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from medrestore.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "COLUMNS",
    "HEADER",
    "KINDS",
    "SCORES",
    "SKIPPED",
    "Answer",
    "Item",
    "Kind",
    "item_of",
    "parse",
    "read",
    "same_study",
    "table",
    "value_of",
]

Kind = Literal["preference", "score"]
KINDS: tuple[Kind, ...] = ("preference", "score")
SCORES = ("1", "2", "3", "4", "5")
SKIPPED = "skipped"
ALLOWED = {"preference": ("left", "right", "tie", SKIPPED), "score": (*SCORES, SKIPPED)}


@dataclass(frozen=True)
class Answer:
    """One line of the file; the fields are its columns, in order."""

    study: str
    plan: str
    kind: Kind
    reader: str
    index: int
    case: str
    left: str
    right: str
    answer: str
    seconds: float
    repeat: bool
    time_utc: str

    def line(self) -> str:
        """Return the line for the file, with its line end."""
        text = io.StringIO()
        values = [*astuple(self)]
        values[COLUMNS.index("seconds")] = f"{self.seconds:.2f}"
        values[COLUMNS.index("repeat")] = int(self.repeat)
        csv.writer(text, lineterminator="\n").writerow(values)
        return text.getvalue()

    @property
    def chosen(self) -> str:
        """The method preferred; empty for a tie, a score or a skipped picture."""
        return {"left": self.left, "right": self.right}.get(self.answer, "")


COLUMNS = tuple(field.name for field in fields(Answer))
HEADER = ",".join(COLUMNS) + "\n"


def parse(text: str, name: str) -> list[Answer]:
    """Return the answers of one file.

    Parameters
    ----------
    text : str
        The whole file.
    name : str
        Name of the file in a message.

    Raises
    ------
    InputError
        If it is no such file, or a line is damaged; the message names the line.
    """
    lines = csv.reader(io.StringIO(text, newline=""))
    if tuple(next(lines, ())) != COLUMNS:
        raise InputError(
            f"{name} holds no answers of a reader study: its first line is not {HEADER.strip()}"
        )
    found = [_answer(cells, f"{name}, line {lines.line_num}") for cells in lines]
    seen = set()
    for one in found:
        if (one.reader, one.index) in seen:
            raise InputError(
                f"{name} holds two answers number {one.index} of reader {one.reader}; keep one file"
                " per reader, and each line once"
            )
        seen.add((one.reader, one.index))
    return found


def read(paths: Sequence[str | os.PathLike[str]]) -> list[Answer]:
    """Return the answers of several readers' files to one study.

    Raises
    ------
    InputError
        If a file cannot be read, a reader's answer is there twice, or the files belong to
        different plans.
    """
    answers: list[Answer] = []
    seen: dict[tuple[str, int], Path] = {}
    for path in map(Path, paths):
        found = parse(_text(path), path.name)
        for one in found:
            if (one.reader, one.index) in seen:
                raise InputError(
                    f"answer {one.index} of reader {one.reader} is in "
                    f"{seen[one.reader, one.index]} and in {path}; give every file once, and "
                    "every reader a name of their own"
                )
        seen |= {(one.reader, one.index): path for one in found}
        answers += found
    same_study(answers)
    return answers


def same_study(answers: Iterable[Answer]) -> None:
    """Raise `InputError` unless there are answers, and all to one plan."""
    plans = dict.fromkeys(f"{one.plan} ({one.kind})" for one in answers)
    if not plans:
        raise InputError("the files hold no answers yet; let a reader answer first")
    if len(plans) > 1:
        raise InputError(
            f"these answers belong to {len(plans)} different plans ({', '.join(plans)}); analyse "
            "each study by itself"
        )


class Item(NamedTuple):
    """A question: a case with two methods in alphabetical order, or with one and ""."""

    case: str
    first: str
    second: str


def item_of(answer: Answer) -> Item:
    """Return the question, whichever method was on the left."""
    if not answer.right:
        return Item(answer.case, answer.left, "")
    first, second = sorted((answer.left, answer.right))
    return Item(answer.case, first, second)


def value_of(answer: Answer) -> int:
    """Return 1 for a vote for the first method, −1 for the second, 0 for neither; or the score."""
    if answer.kind == "score":
        return int(answer.answer)
    if not answer.chosen:
        return 0
    return 1 if answer.chosen == item_of(answer).first else -1


def table(
    answers: Iterable[Answer], readers: Sequence[str], cases: Sequence[str]
) -> NDArray[np.float64]:
    """Return values by reader and case, shape (readers, cases).

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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets put a byte order mark in front
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8; give the CSV that the widget wrote") from (
            error
        )


def _answer(cells: list[str], where: str) -> Answer:
    row = dict(zip(COLUMNS, cells, strict=False))
    if len(cells) != len(COLUMNS):
        raise InputError(f"{where}: {len(cells)} columns instead of {len(COLUMNS)}; mend the line")
    if row["kind"] not in KINDS:
        raise InputError(f"{where}: kind is {row['kind']!r}, not one of {', '.join(KINDS)}")
    if row["answer"] not in ALLOWED[row["kind"]]:
        allowed = ", ".join(ALLOWED[row["kind"]])
        raise InputError(f"{where}: answer is {row['answer']!r}, not one of {allowed}")
    if bool(row["right"]) is (row["kind"] == "score") or not row["left"]:
        raise InputError(f"{where}: a preference has two methods, a score one; mend the line")
    if row["repeat"] not in ("0", "1"):
        raise InputError(f"{where}: repeat is {row['repeat']!r}, not 0 or 1")
    try:
        index, seconds = int(row["index"]), float(row["seconds"])
    except ValueError as error:
        raise InputError(f"{where}: index or seconds is no number; mend the line") from error
    return Answer(
        **{k: row[k] for k in ("study", "plan", "reader", "case", "left", "right", "answer")},
        kind="score" if row["kind"] == "score" else "preference",
        index=index,
        seconds=seconds,
        repeat=row["repeat"] == "1",
        time_utc=row["time_utc"],
    )
