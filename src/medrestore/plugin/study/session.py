"""Study begun from the entries of the first page; done in a worker's thread."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medrestore.errors import InputError, OutputError, SettingsError
from medrestore.evaluation.pairing import by_stem, scans_by_place
from medrestore.evaluation.reader_study import answers
from medrestore.evaluation.reader_study.analysis import analyse
from medrestore.evaluation.reader_study.summary import sentences
from medrestore.plugin.study.plan import QUESTIONS, StudyCase, StudyPlan, read_plan, write_plan
from medrestore.plugin.study.questions import AnswerLog, file_name, presentations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medrestore.evaluation.reader_study.answers import Kind
    from medrestore.plugin.study.questions import Presentation


__all__ = [
    "CasePairs",
    "FromFolders",
    "FromPlan",
    "Session",
    "begin",
    "conclude",
    "method_names",
    "missing",
    "pair",
]


class CasePairs(NamedTuple):
    """Cases, and scans that are left out, by their place in their folder."""

    cases: tuple[StudyCase, ...]
    unpaired: tuple[str, ...]

    def notes(self) -> tuple[str, ...]:
        """Notes for a person before starting; names would tell too much."""
        if not self.unpaired:
            return ()
        scans = "1 scan" if len(self.unpaired) == 1 else f"{len(self.unpaired)} scans"
        return (f"{len(self.cases)} pairs; {scans} without a partner left out",)


def pair(first: Path, second: Path, base: Path) -> CasePairs:
    """Find the pairs of two folders; headers are read.

    Parameters
    ----------
    first, second : Path
        A folder per method.
    base : Path
        Folder of the plan to be: paths are relative to it.

    Raises
    ------
    InputError
        If a folder is missing, they are the same, or nothing pairs.
    """
    for folder in (first, second):
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder; choose the folder with the scans of a method")
    if first.resolve() == second.resolve():
        raise InputError("both folders are the same; choose one folder for each method")
    names = method_names(first, second)
    one, other = scans_by_place(first), scans_by_place(second)
    if not one.keys() & other.keys():  # other sub-folders, perhaps
        one, other = by_stem(one), by_stem(other)
    common = sorted(one.keys() & other.keys())
    if not common:
        raise InputError(
            f"no scan of {first.name} has a partner in {second.name}: files belong together by "
            "their names, like a.nii.gz and a.nii.gz or a_restored.nii.gz"
        )
    digits = len(str(len(common)))
    cases = [
        StudyCase(
            f"{number:0{digits}d}",
            {name: _relative(of[key], base) for name, of in zip(names, (one, other), strict=True)},
        )
        for number, key in enumerate(common, 1)
    ]
    return CasePairs(tuple(cases), tuple(sorted(one.keys() ^ other.keys())))


def missing(cases: Iterable[StudyCase], base: Path) -> list[str]:
    """Images of a plan that are not there."""
    paths = [path for case in cases for path in case.images.values()]
    return [path for path in paths if not (base / path).exists()]


def method_names(first: Path, second: Path) -> tuple[str, str]:
    """The folders' names, with those of their parents where they are the same."""
    one, other = first.resolve(), second.resolve()
    if one.name != other.name:
        return one.name, other.name
    return f"{one.parent.name}/{one.name}", f"{other.parent.name}/{other.name}"


def _relative(path: Path, base: Path) -> str:
    try:
        return Path(os.path.relpath(path.resolve(), base.resolve())).as_posix()
    except ValueError as error:  # another drive, on Windows
        raise InputError(
            f"{path} and {base} lie on different drives; keep the answers on the drive of the scans"
        ) from error


PLAN_NAME = "study.json"


@dataclass(frozen=True)
class FromFolders:
    """A new study, or one begun before with the same choices, in the folder ``out``."""

    first: str
    second: str
    out: str
    kind: Kind = "preference"
    question: str = ""
    repeats: float = 0.1
    seed: int = 0
    ties: bool = True


@dataclass(frozen=True)
class FromPlan:
    """A study whose plan is a file; the answers go beside it."""

    path: str


@dataclass(frozen=True)
class Session:
    """One reader's study.

    Parameters
    ----------
    plan : StudyPlan
    base : Path
        The plan's folder: images and answers are found from there.
    order : tuple of Presentation
    log : AnswerLog
        Holds the answers given so far.
    notes : tuple of str
        Sentences to read before starting.
    """

    plan: StudyPlan
    base: Path
    order: tuple[Presentation, ...]
    log: AnswerLog
    notes: tuple[str, ...] = ()


def begin(source: FromFolders | FromPlan, reader: str) -> Session:
    """Find or make the plan, and open the reader's file.

    Raises
    ------
    MedrestoreError
        With one line that says what to do.
    """
    reader = " ".join(reader.split())
    if not reader:
        raise SettingsError("type a name or code under Reader: the answers are kept under it")
    if isinstance(source, FromPlan):
        path, plan, notes = _from_file(source)
    else:
        path, plan, notes = _from_folders(source)
    if plan.readers and reader not in plan.readers:
        raise SettingsError(
            f"{reader} is not among this study's readers: {', '.join(plan.readers)}; type one of "
            "these names"
        )
    lost = missing(plan.cases, path.parent)
    if lost:
        raise InputError(
            f"{len(lost)} of the plan's images are not there, the first is {lost[0]}; put them "
            f"back, or mend the paths in {path.name}: they start from its folder"
        )
    order = presentations(plan, reader)
    log = AnswerLog(path.parent / file_name(path.stem, reader), plan, reader, order)
    return Session(plan, path.parent, order, log, notes)


def conclude(session: Session) -> tuple[str, ...]:
    """The summary over all readers of this plan so far, in sentences."""
    folder, own = session.log.path.parent, session.log.path
    paths = [own]
    for path in sorted(folder.glob("*.csv")):
        if path != own and _is_of(path, session.plan):
            paths.append(path)
    return tuple(sentences(analyse(answers.read(paths))))


def _is_of(path: Path, plan: StudyPlan) -> bool:
    try:
        found = answers.parse(path.read_text(encoding="utf-8"), path.name)
    except (InputError, OSError, UnicodeDecodeError):
        return False
    return bool(found) and all(one.plan == plan.hash for one in found)


def _from_file(source: FromPlan) -> tuple[Path, StudyPlan, tuple[str, ...]]:
    if not source.path:
        raise SettingsError("choose a plan file, or two folders")
    path = Path(source.path)
    return path, read_plan(path), ()


def _from_folders(source: FromFolders) -> tuple[Path, StudyPlan, tuple[str, ...]]:
    for folder, what in (
        (source.first, "the folder with the first method's scans"),
        (source.second, "the folder with the second method's scans"),
        (source.out, "the folder where the answers are to be kept"),
    ):
        if not folder:
            raise SettingsError(f"choose {what}")
    out = Path(source.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be made: {error.strerror or error}") from error
    paired = pair(Path(source.first), Path(source.second), out)
    plan = StudyPlan(
        name=out.resolve().name,
        kind=source.kind,
        question=source.question.strip() or QUESTIONS[source.kind],
        cases=paired.cases,
        seed=source.seed,
        repeats=source.repeats,
        ties=source.ties,
    )
    return _plan_file(plan, out / PLAN_NAME), plan, paired.notes()


def _plan_file(plan: StudyPlan, path: Path) -> Path:
    """The plan's file; one that is there already must be the same study."""
    if path.exists():
        there = read_plan(path)
        if replace(there, readers=()).hash != plan.hash:
            raise InputError(
                f"{path.parent.name} holds another study ({path.name}); choose another folder for "
                "the answers, or open that plan to go on with it"
            )
        return path
    write_plan(plan, path)
    return path
