"""Plan of a study: cases, methods, question; fixed before the first answer; a JSON file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError, MedrestoreError, SettingsError
from medrestore.evaluation.reader_study.answers import KINDS
from medrestore.io.staging import staged_file

if TYPE_CHECKING:
    from pathlib import Path

    from medrestore.evaluation.reader_study.answers import Kind


__all__ = ["QUESTIONS", "StudyCase", "StudyPlan", "read_plan", "write_plan"]

QUESTIONS: dict[Kind, str] = {
    "preference": "Which picture would you rather read?",
    "score": "How good is this picture to read?",
}
HASH_DIGITS = 12


@dataclass(frozen=True)
class StudyCase:
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
    cases : tuple of StudyCase
    seed : int
        With the reader's name it fixes order and sides.
    repeats : float
        Share of questions asked a second time, 0 to 1, sides exchanged.
    ties : bool
        True if "no difference" may be answered.
    readers : tuple of str
        Names of those who may answer; anybody if empty.
    window : tuple of float, optional
        Lower and upper grey value of every picture; found for each case if absent.
    anchors : tuple of str
        Meaning of the scores 1 and 5.

    Raises
    ------
    SettingsError
        If the plan makes no sense; the message says what to change.
    """

    name: str
    kind: Kind
    question: str
    cases: tuple[StudyCase, ...]
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


FORMAT = "medrestore reader study 1"
KNOWN = {field.name for field in fields(StudyPlan)} | {"format"}
TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "kind": (str,),
    "question": (str,),
    "cases": (list,),
    "seed": (int,),
    "repeats": (int, float),
    "ties": (bool,),
    "readers": (list,),
    "window": (list, type(None)),
    "anchors": (list,),
}


def write_plan(plan: StudyPlan, path: Path) -> None:
    """Write a plan; raises `OutputError` if the file exists or cannot be written."""
    text = json.dumps({"format": FORMAT, **plan.facts()}, indent=1)
    with staged_file(path, overwrite=False) as staged:
        staged.write_text(text + "\n", encoding="utf-8")


def read_plan(path: Path) -> StudyPlan:
    """Read a plan.

    Only ``kind`` and ``cases`` are needed; the name is the file's if absent.

    Raises
    ------
    InputError
        If the file is no plan; the message says what to change.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path.name} is no JSON: {error}; mend it or choose another") from error
    try:
        return _plan(facts, path)
    except MedrestoreError as error:
        raise InputError(f"{path.name}: {error}") from error


def _plan(facts: Any, path: Path) -> StudyPlan:
    if not isinstance(facts, dict) or facts.get("format", FORMAT) != FORMAT:
        raise InputError(f"this is no study plan; its format is to be {FORMAT!r}")
    strange = sorted(facts.keys() - KNOWN)
    if strange:
        raise InputError(f"{strange[0]!r} is unknown; a plan has {', '.join(sorted(KNOWN))}")
    for key in ("kind", "cases"):
        if key not in facts:
            raise InputError(f"{key!r} is missing")
    for key, types in TYPES.items():
        wrong = key in facts and not isinstance(facts[key], types)
        if wrong or (key == "seed" and isinstance(facts.get(key), bool)):
            raise InputError(f"{key!r} is {facts[key]!r}, which is no {types[0].__name__}")
    given = {key: value for key, value in facts.items() if key != "format"}
    given.setdefault("name", path.stem)
    given.setdefault("question", QUESTIONS.get(facts["kind"], ""))
    given["cases"] = tuple(_case(one) for one in facts["cases"])
    given["readers"] = tuple(map(str, facts.get("readers", ())))
    for key in ("window", "anchors"):
        if given.get(key) is not None:
            given[key] = _two(key, given[key], float if key == "window" else str)
    return StudyPlan(**given)


def _case(facts: Any) -> StudyCase:
    if not isinstance(facts, dict) or not isinstance(facts.get("images"), dict):
        raise InputError('a case is {"id": "…", "images": {"method": "path", …}}')
    images = facts["images"]
    if not all(isinstance(path, str) and path for path in images.values()):
        raise InputError(f"case {facts.get('id')!r}: an image is given by its path, as text")
    return StudyCase(str(facts.get("id", "")), dict(images))


def _two(key: str, given: list[Any], kind: type) -> tuple[Any, Any]:
    try:
        one, two = map(kind, given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{key!r} is {given!r}; give two values") from error
    return one, two
