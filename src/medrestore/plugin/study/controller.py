"""Decisions of the study dock, without Qt or napari.

The widget shows what `StudyView` says and passes on what the reader does. Whatever may take time
goes through ``StudyActions.work``: begin, load, write, conclude; the next question's pictures are
loaded while the reader looks at the present ones. Nothing here raises towards the viewer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from medrestore.evaluation.reader_study.answers import SCORES, SKIPPED
from medrestore.plugin.messages import NO_MEMORY_FOR_PICTURES, sentence
from medrestore.plugin.study import session, stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.plugin.study.session import FromFolders, FromPlan, Session
    from medrestore.plugin.study.stage import Pictures


__all__ = ["StudyActions", "StudyController", "StudyPage", "StudyView"]


class StudyPage(Enum):
    """Page of the dock."""

    START = "start"
    QUESTION = "question"
    SUMMARY = "summary"


@dataclass(frozen=True)
class StudyView:
    """State of the widget.

    Parameters
    ----------
    page : StudyPage
    status : str
        A sentence; ``problem`` marks one that asks for something.
    busy : bool
        Something is being loaded or written: nothing can be answered.
    stuck : bool
        The pictures cannot be shown: try again, or skip them.
    question, choices, anchors
        The question; what may be answered, in the order of the buttons; what 1 and 5 mean.
    chosen : str
        The answer picked and not yet confirmed.
    number, total : int
        Number of this question, and of all.
    summary : tuple of str
        Sentences of the last page.
    """

    page: StudyPage = StudyPage.START
    status: str = ""
    problem: bool = False
    busy: bool = False
    stuck: bool = False
    question: str = ""
    choices: tuple[str, ...] = ()
    anchors: tuple[str, str] = ("", "")
    chosen: str = ""
    number: int = 0
    total: int = 0
    summary: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        """True while the reader may answer."""
        return self.page is StudyPage.QUESTION and not self.busy and not self.stuck

    @property
    def waiting(self) -> bool:
        """True while a question waits for its pictures."""
        return self.page is StudyPage.QUESTION and self.busy


@dataclass(frozen=True)
class StudyActions:
    """Requests of the controller to the widget.

    Parameters
    ----------
    work : callable
        Run the first argument in another thread; hand what it returns to the second, or what it
        raises to the third, in the thread that draws.
    display : callable
        Show pictures in the viewer.
    clear : callable
        Put the viewer back as it was.
    show : callable
        Show a view.
    """

    work: Callable[
        [Callable[[], Any], Callable[[Any], object], Callable[[Exception], object]], object
    ]
    display: Callable[[Pictures], object]
    clear: Callable[[], object]
    show: Callable[[StudyView], object]


_reason = partial(sentence, subject="This", no_memory=NO_MEMORY_FOR_PICTURES)


class StudyController:
    """One reader's study, from the first page to the summary.

    Parameters
    ----------
    actions : StudyActions
    clock : callable
        Seconds, monotonic.
    """

    def __init__(self, actions: StudyActions, clock: Callable[[], float] = time.monotonic) -> None:
        self._actions, self._clock = actions, clock
        self._session: Session | None = None
        self._done = self._attempt = 0
        self._ready: dict[int, Pictures] = {}
        self._loading: set[int] = set()
        self._appeared = 0.0
        self.view = StudyView()

    def start(self, source: FromFolders | FromPlan, reader: str) -> None:
        """Begin a study or take it up again."""
        if self.view.page is StudyPage.QUESTION or self.view.busy:
            return
        self._show(StudyView(status="Looking for the scans…", busy=True))
        self._attempt += 1
        self._actions.work(
            partial(session.begin, source, reader),
            partial(self._began, self._attempt),
            lambda error: self._show(StudyView(status=_reason(error), problem=True)),
        )

    def choose(self, answer: str) -> None:
        """Pick an answer; it counts once confirmed."""
        if self.view.answerable and answer in self.view.choices:
            self._show(replace(self.view, chosen=answer))

    def confirm(self) -> None:
        """Keep the picked answer, then go on."""
        if self.view.answerable and self.view.chosen:
            self._save(self.view.chosen, self._clock() - self._appeared)

    def skip(self) -> None:
        """Go on without pictures that cannot be shown; the answers say so."""
        if self.view.stuck and not self.view.busy:
            self._save(SKIPPED, 0.0)

    def retry(self) -> None:
        """Try again to show the pictures."""
        if self.view.stuck and not self.view.busy:
            self._ask()

    def stop(self) -> None:
        """Leave for now: all answers are kept, the viewer is put back."""
        study, self._session = self._session, None
        self._attempt += 1
        self._ready.clear()
        if study is not None:
            self._actions.clear()
            done = f"{self._done} of {len(study.order)} answers are kept"
            status = f"Stopped: {done}. Start goes on from there."
            self._show(StudyView(status=status))
        elif self.view.page is StudyPage.START:
            self._show(StudyView())

    def back(self) -> None:
        """From the summary to the first page."""
        if self.view.page is StudyPage.SUMMARY:
            self._show(StudyView())

    def abandon(self) -> None:
        """Tell nobody any more: the widget is gone."""
        self._session = None
        self._ready.clear()
        self._actions = StudyActions(*(lambda *_: None,) * 4)

    def _began(self, attempt: int, study: Session) -> None:
        if attempt == self._attempt:  # not stopped meanwhile
            self._session, self._done = study, len(study.log.answers)
            self._ask()

    def _ask(self) -> None:
        """Show the first question without an answer, as soon as its pictures are there."""
        study = self._session
        if study is None:
            return
        if self._done == len(study.order):
            self._conclude(study)
            return
        if self._done in self._ready:
            self._present(study, self._ready.pop(self._done))
            return
        self._show(replace(self._question(study), status="Loading…", busy=True))
        self._load(study, self._done)

    def _present(self, study: Session, found: Pictures) -> None:
        self._ready.clear()
        try:
            self._actions.display(found)
        except Exception as error:  # whatever it is, the reader can go on
            self._stuck(study, error)
            return
        self._appeared = self._clock()
        self._show(self._question(study))
        if self._done + 1 < len(study.order) and stage.room_for(found):
            self._load(study, self._done + 1)

    def _question(self, study: Session) -> StudyView:
        plan = study.plan
        sides = ("left", "tie", "right") if plan.ties else ("left", "right")
        notes = study.notes if not self._done else ()
        return StudyView(
            StudyPage.QUESTION,
            status=" ".join(f"{note[:1].upper()}{note[1:]}." for note in notes),
            question=plan.question,
            choices=SCORES if plan.kind == "score" else sides,
            anchors=plan.anchors,
            number=self._done + 1,
            total=len(study.order),
        )

    def _load(self, study: Session, index: int) -> None:
        if index in self._loading:
            return
        self._loading.add(index)
        self._actions.work(
            partial(stage.load, study.order[index], study.base, study.plan.window),
            partial(self._loaded, study, index),
            partial(self._not_loaded, study, index),
        )

    def _loaded(self, study: Session, index: int, found: Pictures) -> None:
        self._loading.discard(index)
        if study is not self._session or index < self._done:
            return
        self._ready[index] = found
        if index == self._done and self.view.waiting:
            self._ask()

    def _not_loaded(self, study: Session, index: int, error: Exception) -> None:
        self._loading.discard(index)
        if study is self._session and index == self._done and self.view.waiting:
            self._stuck(study, error)

    def _stuck(self, study: Session, error: Exception) -> None:
        self._show(replace(self._question(study), status=_reason(error), problem=True, stuck=True))

    def _save(self, answer: str, seconds: float) -> None:
        study = self._session
        if study is None:
            return
        before = self.view
        question = study.order[self._done]
        self._show(replace(before, busy=True, status="", problem=False))
        self._actions.work(
            partial(study.log.append, question, answer, seconds),
            partial(self._saved, study),
            partial(self._not_saved, study, before),
        )

    def _saved(self, study: Session, _: object) -> None:
        if study is self._session:
            self._done += 1
            self._ask()

    def _not_saved(self, study: Session, before: StudyView, error: Exception) -> None:
        if study is self._session:
            self._show(replace(before, status=_reason(error), problem=True))

    def _conclude(self, study: Session) -> None:
        self._ready.clear()
        self._actions.clear()
        self._session = None
        self._show(StudyView(StudyPage.SUMMARY, status="Computing the summary…", busy=True))
        where = f"All {len(study.order)} answers are in {study.log.path.name}."
        self._actions.work(
            partial(session.conclude, study),
            lambda found: self._show(StudyView(StudyPage.SUMMARY, status=where, summary=found)),
            lambda error: self._show(
                StudyView(StudyPage.SUMMARY, f"{where} {_reason(error)}", problem=True)
            ),
        )

    def _show(self, view: StudyView) -> None:
        self.view = view
        self._actions.show(view)
