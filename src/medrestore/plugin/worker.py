"""The thread of a job, as napari knows threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.qt.threading import WorkerBase, WorkerBaseSignals
from qtpy.QtCore import QObject, QTimer, Signal

from medrestore.engine.threads import wait_asleep
from medrestore.plugin.jobs import Jobs
from medrestore.plugin.progress import RunMeter

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from medrestore.plugin.jobs import Task, View

__all__ = ["Launcher", "TaskWorker"]

TURN_MS = 10
"""What the window gets for itself. With 0, Qt would go on before it draws or reads the mouse."""


class TaskSignals(WorkerBaseSignals):
    """Adds to what every worker tells: a `plugin.progress.Progress`, or a task's own news."""

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


class Launcher(QObject):
    """Runs a panel's jobs in threads and hands over what they report in the thread that draws.

    Parameters
    ----------
    show : callable
        Show a `jobs.View`.
    """

    def __init__(self, show: Callable[[View], object]) -> None:
        super().__init__()
        self.jobs = Jobs(self._launch, show, self._later)
        self._worker: TaskWorker | None = None

    def _launch(self, task: Task, stop: Event) -> None:
        worker = self._worker = TaskWorker(task, stop)
        worker.progressed.connect(self._progressed)
        worker.returned.connect(self._returned)
        worker.errored.connect(self._errored)
        worker.start()

    def _later(self, call: Callable[[], object]) -> None:
        QTimer.singleShot(TURN_MS, call)

    # Methods of a QObject, so that Qt calls them in the thread that draws.
    def _progressed(self, news: Any) -> None:
        self.jobs.progressed(news)

    def _returned(self, found: Any) -> None:
        self._worker = None
        self.jobs.finished(found)

    def _errored(self, error: Exception) -> None:
        self._worker = None
        self.jobs.failed(error)
