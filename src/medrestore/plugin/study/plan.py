"""What a study asks: cases, methods, question; fixed before the first answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from medrestore.errors import SettingsError
from medrestore.evaluation.reader_study.answers import KINDS

if TYPE_CHECKING:
    from medrestore.evaluation.reader_study.answers import Kind

__all__ = ["QUESTIONS", "Case", "StudyPlan"]

QUESTIONS: dict[Kind, str] = {
    "preference": "Which picture would you rather read?",
    "score": "How good is this picture to read?",
}
HASH_DIGITS = 12


@dataclass(frozen=True)
class Case:
    """One scan as several methods give it.

    Parameters
    ----------
    id : str
        Stands in the answers; never a patient's name.
    images : dict of str to str
        File or DICOM folder of each method, relative to the plan's folder, with forward slashes.
    """

    id: str
    images: dict[str, str]


@dataclass(frozen=True)
class StudyPlan:
    """A study.

    Parameters
    ----------
    name : str
        Stands in the answers.
    kind : "preference" or "score"
        Two pictures side by side, every two methods of a case; or each picture alone, from 1 to 5.
    question : str
        Shown with every picture.
    cases : tuple of Case
    seed : int
        With the reader's name it fixes order and sides.
    repeats : float
        Share of questions asked a second time, 0 to 1, sides exchanged.
    ties : bool
        Whether "no difference" may be answered.
    readers : tuple of str
        Who may answer; anybody if empty.
    window : tuple of float, optional
        Lower and upper grey value of every picture; found for each case if absent.
    anchors : tuple of str
        What the scores 1 and 5 mean.

    Raises
    ------
    SettingsError
        If the plan makes no sense; the message says what to change.
    """

    name: str
    kind: Kind
    question: str
    cases: tuple[Case, ...]
    seed: int = 0
    repeats: float = 0.1
    ties: bool = True
    readers: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    anchors: tuple[str, str] = ("not usable", "excellent")

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingsError(f"kind is {self.kind!r}; give one of {', '.join(KINDS)}")
        if not self.cases:
            raise SettingsError("the study has no cases; add at least one")
        if not 0 <= self.repeats <= 1:
            raise SettingsError(f"repeats is {self.repeats:g}; give a share from 0 to 1")
        ids = [case.id for case in self.cases]
        doubled = next((name for name in ids if ids.count(name) > 1), None)
        if doubled is not None:
            raise SettingsError(f"two cases have the id {doubled!r}; give each its own")
        fewest = 2 if self.kind == "preference" else 1
        for case in self.cases:
            if not case.id or not all(case.images) or len(case.images) < fewest:
                raise SettingsError(
                    f"case {case.id!r} names {len(case.images)} methods; a {self.kind} needs an id "
                    f"and at least {fewest}, each with a name"
                )
        object.__setattr__(self, "repeats", float(self.repeats))
        if self.window is not None:  # as floats, however they were given: the hash is of their text
            window = (float(self.window[0]), float(self.window[1]))
            object.__setattr__(self, "window", window)
        if self.window is not None and not self.window[0] < self.window[1]:
            raise SettingsError(f"the window {self.window} is empty; give the lower value first")

    def facts(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @property
    def hash(self) -> str:
        """Of everything that a reader meets; who may read can be changed later."""
        facts = {key: value for key, value in self.facts().items() if key != "readers"}
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
