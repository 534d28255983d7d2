"""Work in another thread, its outcome in the thread that draws."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from medrestore.plugin.worker import TaskWorker

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Threads"]


class Threads(QObject):
    """Runs tasks; what they return or raise is handed over in the thread that draws."""

    def __init__(self) -> None:
        super().__init__()
        self._running: set[Errand] = set()

    def work(
        self,
        task: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Start a task, and tell one of the two how it ended."""
        errand = Errand(done, failed, self._running.discard)
        self._running.add(errand)
        worker = TaskWorker(lambda _: task(), Event())
        worker.returned.connect(errand.returned)
        worker.errored.connect(errand.errored)
        worker.start()


class Errand(QObject):
    """One task's end; a QObject, so that Qt calls it in the thread that made it."""

    def __init__(
        self,
        done: Callable[[Any], object],
        failed: Callable[[Exception], object],
        forget: Callable[[Errand], object],
    ) -> None:
        super().__init__()
        self._done, self._failed, self._forget = done, failed, forget

    def returned(self, value: Any) -> None:
        """The task went well."""
        self._forget(self)
        self._done(value)

    def errored(self, error: Exception) -> None:
        """It did not."""
        self._forget(self)
        self._failed(error)
