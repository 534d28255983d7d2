"""From what was asked on the first page to a study under way; done in a worker's thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medrestore.errors import InputError, OutputError, SettingsError
from medrestore.evaluation.reader_study import answers
from medrestore.evaluation.reader_study.analysis import analyse
from medrestore.evaluation.reader_study.summary import sentences
from medrestore.plugin.study import pairing, plan_file
from medrestore.plugin.study.log import AnswerLog, file_name
from medrestore.plugin.study.order import presentations
from medrestore.plugin.study.plan import QUESTIONS, StudyPlan

if TYPE_CHECKING:
    from medrestore.evaluation.reader_study.answers import Kind
    from medrestore.plugin.study.order import Presentation

__all__ = ["FromFolders", "FromPlan", "Session", "begin", "conclude"]

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
        What a person should know before starting.
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
    lost = pairing.missing(plan.cases, path.parent)
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
    return path, plan_file.load(path), ()


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
    paired = pairing.pair(Path(source.first), Path(source.second), out)
    plan = StudyPlan(
        name=out.resolve().name,
        kind=source.kind,
        question=source.question.strip() or QUESTIONS[source.kind],
        cases=paired.cases,
        seed=source.seed,
        repeats=source.repeats,
        ties=source.ties,
    )
    return _kept(plan, out / PLAN_NAME), plan, paired.notes()


def _kept(plan: StudyPlan, path: Path) -> Path:
    """The plan's file; one that is there already must be the same study."""
    if path.exists():
        there = plan_file.load(path)
        if replace(there, readers=()).hash != plan.hash:
            raise InputError(
                f"{path.parent.name} holds another study ({path.name}); choose another folder for "
                "the answers, or open that plan to go on with it"
            )
        return path
    plan_file.save(plan, path)
    return path
