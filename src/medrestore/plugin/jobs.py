"""One piece of work at a time in a thread of its own, its progress, and what is shown meanwhile.

A panel shows what `StatusView` says and passes on what the user does; a worker reports back through
`progressed`, `finished` and `failed`. Nothing here raises towards the viewer: a problem is a
sentence that says what to do. No Qt.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from threading import Event
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

from medrestore.errors import Cancelled
from medrestore.plugin.messages import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from medrestore.engine.forecast import Course

    Task = Callable[["RunMeter"], Any]
    Turns = Generator[None, None, "StatusView"]
    Then = Callable[[Any], "StatusView | Turns | PanelJob"]

__all__ = ["Jobs", "PanelJob", "Progress", "RunMeter", "State", "StatusView"]

EVERY_S = 0.5
"""Reports come no faster: each is work for the thread that draws, and without a GPU for others."""

WARM_UP_S = 1.5
"""Younger stages say nothing about the time they still need, unless there is a forecast."""

TRUST_S = 2.0
"""Seconds of the forecast that weigh as much as those that were measured since the start."""


@dataclass(frozen=True)
class Progress:
    """One report: ``done`` of ``total`` steps (0: unknown), seconds left where they can be told."""

    label: str
    done: int = 0
    total: int = 0
    seconds_left: float | None = None

    @property
    def text(self) -> str:
        """One line for a person."""
        if not self.total:
            return f"{self.label}…"
        percent = f"{100 * self.done // self.total} %"
        return percent if self.seconds_left is None else f"{percent}, {_left(self.seconds_left)}"


class RunMeter:
    """A `core.meter.Meter` for another thread to watch.

    Parameters
    ----------
    report : callable
        Told about progress, at most twice a second within a stage, and what ``tell`` is given.
    stopped : callable
        Asked at every tick; once it says True, the tick raises ``Cancelled``.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self,
        report: Callable[[Any], object],
        stopped: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report, self._stopped, self._clock = report, stopped, clock
        self._label, self._done, self._total = "", 0, 0
        self._began = self._reported = clock()
        self._course: Course | None = None

    def expect(self, course: Course | None) -> None:
        """Take a forecast of the next stage, for the time that it still needs."""
        self._course = course

    def start(self, total: int, label: str) -> None:
        """Begin a stage; ``total`` 0 where its length is not known."""
        self._label, self._done, self._total = label, 0, total
        self._began = self._reported = self._clock()
        left = self._course.seconds if self._course and total else None
        self._report(Progress(label, 0, total, left))

    def tick(self, n: int = 1) -> None:
        """Count ``n`` steps; raises ``Cancelled`` once the run is to stop."""
        if self._stopped():
            raise Cancelled("stopped by the user")
        self._done += n
        now = self._clock()
        if now - self._reported >= EVERY_S or self._done >= self._total:
            self._reported = now
            self._report(Progress(self._label, self._done, self._total, self._seconds_left(now)))

    def tell(self, news: object) -> None:
        """Hand something other than progress to whoever watches, at once."""
        self._report(news)

    def _seconds_left(self, now: float) -> float | None:
        """By the forecast, corrected by how fast the run has been; or by that alone."""
        spent = now - self._began
        if self._course is not None:
            reached = self._course.reached(self._done)
            slower = (spent + TRUST_S) / (reached + TRUST_S)
            return slower * (self._course.seconds - reached)
        if spent < WARM_UP_S or not 0 < self._done < self._total:
            return None
        return spent / self._done * (self._total - self._done)


def _left(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"


class State(Enum):
    """Stage of a panel's job."""

    IDLE = "idle"
    RUNNING = "running"
    CANCELLING = "cancelling"


@dataclass(frozen=True)
class StatusView:
    """State of a panel; ``problem`` marks a status that asks for something."""

    state: State = State.IDLE
    status: str = "Ready."
    problem: bool = False
    progress: Progress | None = None


class PanelJob(NamedTuple):
    """A piece of work.

    Parameters
    ----------
    status : str
        Sentence shown while it runs.
    task : callable
        Runs in the worker's thread, with a meter.
    then : callable
        Takes what the task returned, in the thread that draws, and says what to show. What takes
        long there is a generator that returns the view: the window lives between its parts. Or it
        gives another job, to go on with.
    on_news : callable
        Takes what the task tells by its meter before it returns, in the thread that draws; a
        generator where that takes long.
    """

    status: str
    task: Task
    then: Then
    on_news: Callable[[Any], object] = lambda _: None


NO_JOB = PanelJob("", lambda _: None, lambda _: StatusView())


class Jobs:
    """Starts work, follows it, and hands what it found to whoever asked.

    Parameters
    ----------
    launch : callable
        Start a worker on a task, which takes a `RunMeter`; the event tells it to stop.
    show : callable
        Show a view.
    later : callable
        Call a function when the window has had its turn.
    """

    def __init__(
        self,
        launch: Callable[[Task, Event], object],
        show: Callable[[StatusView], object],
        later: Callable[[Callable[[], object]], object] = lambda call: call(),
    ) -> None:
        self._launch, self._show, self._later = launch, show, later
        self._stop, self._abandoned = Event(), False
        self._job = NO_JOB
        self.view = StatusView()

    @property
    def cancelled(self) -> bool:
        """True if the last job was asked to stop."""
        return self._stop.is_set()

    def begin(self, prepare: Callable[[], PanelJob]) -> None:
        """Start what ``prepare`` decides, unless something is running, or say why not."""
        if self.view.state is not State.IDLE:
            return
        self._attempt(lambda: self._start(prepare()))

    def _start(self, job: PanelJob) -> None:
        self._stop, self._job = Event(), job
        self.show(StatusView(State.RUNNING, job.status))
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
        self._show, self._job, self._abandoned = (lambda _: None), NO_JOB, True

    def progressed(self, news: Any) -> None:
        """A report from the task: how far it is, or what it tells besides."""
        if self.view.state is State.IDLE:
            return
        if isinstance(news, Progress):
            self.show(replace(self.view, progress=news))
        else:
            self._attempt(lambda: self._heard(self._job.on_news(news)))

    def _heard(self, parts: object) -> None:
        if isinstance(parts, GeneratorType):
            self._take(parts)

    def finished(self, found: Any) -> None:
        """The task is done."""
        self._attempt(lambda: self._go_on(self._job.then(found)))

    def _go_on(self, outcome: StatusView | Turns | PanelJob) -> None:
        if isinstance(outcome, PanelJob):
            self._start(outcome)
        elif isinstance(outcome, StatusView):
            self.show(outcome)
        else:
            self._take(outcome)

    def _take(self, turns: Turns) -> None:
        """Do the next part of what takes long."""
        if self._abandoned:
            return
        try:
            next(turns)
        except StopIteration as end:
            if end.value is not None:  # of news there is no view to show
                self.show(end.value)
        else:
            self._later(lambda: self._attempt(partial(self._take, turns)))

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # whatever it is, the buttons come back
            self.failed(error)

    def failed(self, error: BaseException) -> None:
        """Say what went wrong; ready for the next job."""
        self.show(StatusView(status=sentence(error), problem=not isinstance(error, Cancelled)))

    def show(self, view: StatusView) -> None:
        """Show a view, and remember it."""
        self.view = view
        self._show(view)
