"""The thread of a run, as napari knows threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.qt.threading import WorkerBase, WorkerBaseSignals
from qtpy.QtCore import Signal

from medrestore.plugin.progress import RunMeter
from medrestore.plugin.run import restore

if TYPE_CHECKING:
    from threading import Event

    from medrestore.plugin.run import Request
    from medrestore.result import Result

__all__ = ["RunWorker"]


class RunSignals(WorkerBaseSignals):
    """Adds progress, a `plugin.progress.Progress`, to what every worker tells."""

    progressed = Signal(object)


class RunWorker(WorkerBase):
    """Runs a request; returns a `Result` or reports what went wrong through ``errored``.

    Two ways to stop it at the next step: ``stop`` (the Cancel button) still returns the valid part
    of a result; ``quit()`` (napari is closing) returns nothing.
    """

    def __init__(self, request: Request, stop: Event) -> None:
        super().__init__(SignalsClass=RunSignals)
        self._request, self._stop = request, stop

    def work(self) -> Result:
        """Run; called in the worker's thread."""
        meter = RunMeter(self.progressed.emit, self._stopped)
        return restore(self._request, meter)

    def _stopped(self) -> bool:
        return self._stop.is_set() or bool(self.abort_requested)
