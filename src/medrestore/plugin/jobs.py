"""One piece of work at a time in a thread of its own, and what is shown meanwhile. No Qt.

A panel shows what `View` says and passes on what the user does; a worker reports back through
`progressed`, `finished` and `failed`. Nothing here raises towards the viewer: a problem is a
sentence that says what to do.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.errors import Cancelled, MedrestoreError
from medrestore.plugin.progress import Progress
from medrestore.plugin.words import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from medrestore.plugin.progress import RunMeter

    Task = Callable[[RunMeter], Any]
    Turns = Generator[None, None, "View"]

__all__ = ["Job", "Jobs", "State", "View"]

LOG = logging.getLogger(__name__)


class State(Enum):
    """Where a job is."""

    IDLE = "idle"
    RUNNING = "running"
    CANCELLING = "cancelling"


@dataclass(frozen=True)
class View:
    """What a panel shows; ``problem`` marks a status that asks for something."""

    state: State = State.IDLE
    status: str = "Ready."
    problem: bool = False
    progress: Progress | None = None


class Job(NamedTuple):
    """A piece of work.

    Parameters
    ----------
    status : str
        What is shown while it runs.
    task : callable
        Runs in the worker's thread, with a meter.
    then : callable
        Takes what the task returned, in the thread that draws, and says what to show. What takes
        long there is a generator that returns the view: the window lives between its parts. Or it
        gives another job, to go on with.
    heard : callable
        Takes what the task tells by its meter before it returns, in the thread that draws.
    """

    status: str
    task: Task
    then: Callable[[Any], View | Turns | Job]
    heard: Callable[[Any], object] = lambda _: None


class Jobs:
    """Starts work, follows it, and hands what it found to whoever asked.

    Parameters
    ----------
    launch : callable
        Start a worker on a task, which takes a `progress.RunMeter`; the event tells it to stop.
    show : callable
        Show a view.
    later : callable
        Call a function when the window has had its turn.
    """

    def __init__(
        self,
        launch: Callable[[Task, Event], object],
        show: Callable[[View], object],
        later: Callable[[Callable[[], object]], object] = lambda call: call(),
    ) -> None:
        self._launch, self._show, self._later = launch, show, later
        self._stop, self._abandoned = Event(), False
        self._then: Callable[[Any], View | Turns | Job] = lambda _: View()
        self._heard: Callable[[Any], object] = lambda _: None
        self.view = View()

    @property
    def cancelled(self) -> bool:
        """Whether the last job was asked to stop."""
        return self._stop.is_set()

    def begin(self, prepare: Callable[[], Job]) -> None:
        """Start what ``prepare`` decides, unless something is running, or say why not."""
        if self.view.state is not State.IDLE:
            return
        try:
            self._start(prepare())
        except Exception as error:  # whatever it is, the buttons come back
            self.failed(error)

    def _start(self, job: Job) -> None:
        self._stop, self._then, self._heard = Event(), job.then, job.heard
        self.show(View(State.RUNNING, job.status))
        self._launch(job.task, self._stop)

    def cancel(self) -> None:
        """Stop at the next step, keeping what is valid by then."""
        self._stop.set()
        if self.view.state is State.RUNNING:
            status = "Cancelling after this step…"
            self.show(replace(self.view, state=State.CANCELLING, status=status))

    def abandon(self) -> None:
        """Stop and tell nobody: the panel is gone."""
        self._stop.set()
        self._show, self._then, self._heard = (lambda _: None), lambda _: View(), lambda _: None
        self._abandoned = True

    def progressed(self, news: Any) -> None:
        """A report from the task: how far it is, or what it tells besides."""
        if self.view.state is State.IDLE:
            return
        if isinstance(news, Progress):
            self.show(replace(self.view, progress=news))
        else:
            self._heard(news)

    def finished(self, found: Any) -> None:
        """The task is done."""
        try:
            outcome = self._then(found)
            if isinstance(outcome, Job):
                self._start(outcome)
        except Exception as error:
            self.failed(error)
            return
        if isinstance(outcome, View):
            self.show(outcome)
        elif not isinstance(outcome, Job):
            self._take(outcome)

    def _take(self, turns: Turns) -> None:
        """Do the next part of what takes long."""
        if self._abandoned:
            return
        try:
            next(turns)
            self._later(partial(self._take, turns))
        except StopIteration as end:
            self.show(end.value)
        except Exception as error:
            self.failed(error)

    def failed(self, error: BaseException) -> None:
        """Say what went wrong; ready for the next job."""
        if not isinstance(error, MedrestoreError):
            LOG.error("the run failed", exc_info=error)
        self.show(View(status=sentence(error), problem=not isinstance(error, Cancelled)))

    def show(self, view: View) -> None:
        """Show a view, and remember it."""
        self.view = view
        self._show(view)
