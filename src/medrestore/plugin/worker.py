"""Threads of jobs and tasks, as napari knows threads; their outcome in the thread that draws."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

from napari.qt.threading import WorkerBase, WorkerBaseSignals
from qtpy.QtCore import QObject, QTimer, Signal

from medrestore.engine.threads import wait_asleep
from medrestore.plugin.jobs import Jobs, RunMeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from medrestore.plugin.jobs import StatusView, Task

__all__ = ["TaskWorker", "Threads", "jobs_of"]

TURN_MS = 10
"""Time for the window itself. With 0, Qt would go on before it draws or reads the mouse."""


class TaskSignals(WorkerBaseSignals):
    """Adds to what every worker tells: a `jobs.Progress`, or a task's own news."""

    progressed = Signal(object)


class TaskWorker(WorkerBase):
    """Runs a task; returns what it found or reports what went wrong through ``errored``.

    Two ways to stop it at the next step: ``stop`` (the Cancel button) still returns the valid part
    of a result; ``quit()`` (napari is closing) returns nothing.
    """

    def __init__(self, task: Task, stop: Event) -> None:
        super().__init__(SignalsClass=TaskSignals)
        self._task, self._stop = task, stop

    def work(self) -> Any:
        """Run; called in the worker's thread."""
        wait_asleep()
        return self._task(RunMeter(self.progressed.emit, self._stopped))

    def _stopped(self) -> bool:
        return self._stop.is_set() or bool(self.abort_requested)


class Threads(QObject):
    """Runs tasks at once; what they tell, return or raise arrives in the thread that draws."""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[Callbacks] = set()

    def work(
        self,
        task: Task,
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
        on_news: Callable[[Any], object] = lambda _: None,
        stop: Event | None = None,
    ) -> None:
        """Start a task; ``on_news`` gets its news, and one of the two others how it ended."""
        callbacks = Callbacks(done, failed, on_news, self._running.discard)
        self._running.add(callbacks)
        worker = callbacks.worker = TaskWorker(task, stop or Event())
        worker.progressed.connect(callbacks.progressed)
        worker.returned.connect(callbacks.returned)
        worker.errored.connect(callbacks.errored)
        worker.start()


class Callbacks(QObject):
    """Those of one task; a QObject, so that Qt calls it in the thread that made it."""

    def __init__(
        self,
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
        on_news: Callable[[Any], object],
        forget: Callable[[Callbacks], object],
    ) -> None:
        super().__init__()
        self._done, self._failed, self._on_news, self._forget = done, failed, on_news, forget
        self.worker: TaskWorker | None = None

    def progressed(self, news: Any) -> None:
        """Hand over what the task tells."""
        self._on_news(news)

    def returned(self, value: Any) -> None:
        """Hand over what the task returned."""
        self._forget(self)
        self._done(value)

    def errored(self, error: Exception) -> None:
        """Hand over what the task raised."""
        self._forget(self)
        self._failed(error)


def jobs_of(panel: QWidget, show: Callable[[StatusView], object]) -> Jobs:
    """Return the runner of a panel's jobs in threads, one at a time, until the panel is gone.

    Parameters
    ----------
    panel : QWidget
    show : callable
        Show a `jobs.StatusView`.
    """
    threads = Threads()

    def launch(task: Task, stop: Event) -> None:
        threads.work(task, jobs.finished, jobs.failed, jobs.progressed, stop)

    jobs = Jobs(launch, show, partial(QTimer.singleShot, TURN_MS))
    panel.destroyed.connect(lambda *_: jobs.abandon())  # must not hold on to the panel
    return jobs
