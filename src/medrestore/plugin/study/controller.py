"""What the study dock knows and decides, without Qt or napari.

The widget shows what `View` says and passes on what the reader does. Whatever may take time goes
through ``Actions.work``: begin, load, write, conclude; the next question's pictures are loaded
while the reader looks at the present ones. Nothing here raises towards the viewer.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from medrestore.evaluation.reader_study.answers import SCORES, SKIPPED
from medrestore.plugin.study import pictures, session
from medrestore.plugin.study.view import Actions, Page, View
from medrestore.plugin.study.words import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.plugin.study.order import Presentation
    from medrestore.plugin.study.pictures import Pictures
    from medrestore.plugin.study.session import FromFolders, FromPlan, Session

__all__ = ["StudyController"]


class StudyController:
    """One reader's study, from the first page to the summary.

    Parameters
    ----------
    actions : Actions
    clock : callable
        Seconds, monotonic.
    """

    def __init__(self, actions: Actions, clock: Callable[[], float] = time.monotonic) -> None:
        self._actions, self._clock = actions, clock
        self._session: Session | None = None
        self._done = self._attempt = 0
        self._ready: dict[int, Pictures] = {}
        self._loading: set[int] = set()
        self._appeared = 0.0
        self.view = View()

    def start(self, source: FromFolders | FromPlan, reader: str) -> None:
        """Begin a study or take it up again."""
        if self.view.page is Page.QUESTION or self.view.busy:
            return
        self._show(View(status="Looking for the scans…", busy=True))
        self._attempt += 1
        self._work(
            partial(session.begin, source, reader),
            partial(self._began, self._attempt),
            self._not_begun,
        )

    def choose(self, answer: str) -> None:
        """Pick an answer; it counts once confirmed."""
        if self._answerable and answer in self.view.choices:
            self._show(replace(self.view, chosen=answer))

    def confirm(self) -> None:
        """Keep the picked answer, then go on."""
        if self._answerable and self.view.chosen:
            self._keep(self.view.chosen, self._clock() - self._appeared)

    def skip(self) -> None:
        """Go on without pictures that cannot be shown; the answers say so."""
        if self.view.stuck and not self.view.busy:
            self._keep(SKIPPED, 0.0)

    def retry(self) -> None:
        """Try again to show the pictures."""
        if self.view.stuck and not self.view.busy:
            self._ask()

    def stop(self) -> None:
        """Leave for now: all answers are kept, the viewer is put back."""
        study, self._session = self._session, None
        self._attempt += 1
        self._forget()
        if study is not None:
            self._actions.clear()
            done = f"{self._done} of {len(study.order)} answers are kept"
            status = f"Stopped: {done}. Start goes on from there."
            self._show(View(status=status))
        elif self.view.page is Page.START:
            self._show(View())

    def back(self) -> None:
        """From the summary to the first page."""
        if self.view.page is Page.SUMMARY:
            self._show(View())

    def abandon(self) -> None:
        """Tell nobody any more: the widget is gone."""
        self._session = None
        self._forget()
        nothing = Actions(lambda *_: None, lambda _: None, lambda: None, lambda _: None)
        self._actions = nothing

    @property
    def _answerable(self) -> bool:
        view = self.view
        return view.page is Page.QUESTION and not view.busy and not view.stuck

    # --- beginning

    def _began(self, attempt: int, study: Session) -> None:
        if attempt != self._attempt:  # stopped meanwhile
            return
        self._session, self._done = study, len(study.log.answers)
        self._ask()

    def _not_begun(self, error: Exception) -> None:
        self._show(View(status=sentence(error), problem=True))

    # --- asking

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
        self._forget()
        try:
            self._actions.display(found)
        except Exception as error:  # whatever it is, the reader can go on
            self._stuck(study, error)
            return
        self._appeared = self._clock()
        self._show(self._question(study))
        if self._done + 1 < len(study.order) and pictures.room_for(found):
            self._load(study, self._done + 1)

    def _question(self, study: Session) -> View:
        plan = study.plan
        sides = ("left", "tie", "right") if plan.ties else ("left", "right")
        notes = study.notes if not self._done else ()
        return View(
            Page.QUESTION,
            status=" ".join(f"{note[:1].upper()}{note[1:]}." for note in notes),
            question=plan.question,
            choices=SCORES if plan.kind == "score" else sides,
            anchors=plan.anchors,
            place=self._done + 1,
            total=len(study.order),
        )

    # --- loading

    def _load(self, study: Session, place: int) -> None:
        if place in self._loading:
            return
        self._loading.add(place)
        asked = study.order[place]
        self._work(
            partial(pictures.load, asked, study.base, study.plan.window),
            partial(self._loaded, study, place),
            partial(self._not_loaded, study, place),
        )

    def _loaded(self, study: Session, place: int, found: Pictures) -> None:
        self._loading.discard(place)
        if study is not self._session or place < self._done:
            return
        self._ready[place] = found
        if place == self._done and self._waiting:
            self._ask()

    def _not_loaded(self, study: Session, place: int, error: Exception) -> None:
        self._loading.discard(place)
        if study is self._session and place == self._done and self._waiting:
            self._stuck(study, error)

    @property
    def _waiting(self) -> bool:
        return self.view.page is Page.QUESTION and self.view.busy

    def _stuck(self, study: Session, error: Exception) -> None:
        self._show(replace(self._question(study), status=sentence(error), problem=True, stuck=True))

    # --- keeping

    def _keep(self, answer: str, seconds: float) -> None:
        study = self._session
        if study is None:
            return
        before = self.view
        asked: Presentation = study.order[self._done]
        self._show(replace(before, busy=True, status="", problem=False))
        self._work(
            partial(study.log.append, asked, answer, seconds),
            partial(self._kept, study),
            partial(self._not_kept, study, before),
        )

    def _kept(self, study: Session, _: object) -> None:
        if study is self._session:
            self._done += 1
            self._ask()

    def _not_kept(self, study: Session, before: View, error: Exception) -> None:
        if study is self._session:
            self._show(replace(before, status=sentence(error), problem=True))

    # --- the end

    def _conclude(self, study: Session) -> None:
        self._forget()
        self._actions.clear()
        self._session = None
        self._show(View(Page.SUMMARY, status="Computing the summary…", busy=True))
        where = f"All {len(study.order)} answers are in {study.log.path.name}."
        self._work(
            partial(session.conclude, study),
            lambda said: self._show(View(Page.SUMMARY, status=where, summary=said)),
            lambda error: self._show(
                View(Page.SUMMARY, f"{where} {sentence(error)}", problem=True)
            ),
        )

    def _work(
        self,
        task: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
    ) -> None:
        try:
            self._actions.work(task, done, failed)
        except Exception as error:  # no thread to be had
            failed(error)

    def _forget(self) -> None:
        self._ready.clear()

    def _show(self, view: View) -> None:
        self.view = view
        self._actions.show(view)
