"""How far a run is: a meter that reports now and then, and stops when asked to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from medrestore.engine.forecast import Course

__all__ = ["Progress", "RunMeter"]

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
        self._began = self._told = clock()
        self._course: Course | None = None

    def expect(self, course: Course | None) -> None:
        """Take a forecast of the next stage, for the time that it still needs."""
        self._course = course

    def start(self, total: int, label: str) -> None:
        """Begin a stage; ``total`` 0 where its length is not known."""
        self._label, self._done, self._total = label, 0, total
        self._began = self._told = self._clock()
        left = self._course.seconds if self._course and total else None
        self._report(Progress(label, 0, total, left))

    def tick(self, n: int = 1) -> None:
        """Count ``n`` steps; raises ``Cancelled`` once the run is to stop."""
        if self._stopped():
            raise Cancelled("stopped by the user")
        self._done += n
        now = self._clock()
        if now - self._told >= EVERY_S or self._done >= self._total:
            self._told = now
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
