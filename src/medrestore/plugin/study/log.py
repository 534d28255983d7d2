"""A reader's answers on the disk, each one there before the next question is asked.

The columns are told in `evaluation.reader_study.answers`. A line that was cut by a crash is dropped
when the file is opened again; its question is then asked once more.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from medrestore.errors import InputError, OutputError
from medrestore.evaluation.reader_study.answers import HEADER, Answer, parse
from medrestore.io.staging import settle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from medrestore.plugin.study.order import Presentation
    from medrestore.plugin.study.plan import StudyPlan

__all__ = ["AnswerLog", "file_name"]


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
        What the reader is asked.

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
    """Drop a last line without its end; whether anything is left."""
    with path.open("r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            file.truncate(whole)
            os.fsync(file.fileno())
    return whole > 0
