"""Study plans as JSON files, which a person can write: the fields of `plan.StudyPlan`."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from medrestore.errors import InputError, MedrestoreError
from medrestore.io.staging import staged_file
from medrestore.plugin.study.plan import QUESTIONS, Case, StudyPlan

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load", "save"]

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


def save(plan: StudyPlan, path: Path) -> None:
    """Write a plan; raises `OutputError` if the file exists or cannot be written."""
    text = json.dumps({"format": FORMAT, **plan.facts()}, indent=1)
    with staged_file(path, overwrite=False) as staged:
        staged.write_text(text + "\n", encoding="utf-8")


def load(path: Path) -> StudyPlan:
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


def _case(facts: Any) -> Case:
    if not isinstance(facts, dict) or not isinstance(facts.get("images"), dict):
        raise InputError('a case is {"id": "…", "images": {"method": "path", …}}')
    images = facts["images"]
    if not all(isinstance(path, str) and path for path in images.values()):
        raise InputError(f"case {facts.get('id')!r}: an image is given by its path, as text")
    return Case(str(facts.get("id", "")), dict(images))


def _two(key: str, given: list[Any], kind: type) -> tuple[Any, Any]:
    try:
        one, two = map(kind, given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{key!r} is {given!r}; give two values") from error
    return one, two
