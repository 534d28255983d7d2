"""Tasks on a Dask worker: torch's threads, and a check whether the client still waits."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, cast

from distributed import WorkerPlugin, get_worker

from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from distributed import Worker

    from medrestore.restorer import Restorer

__all__ = ["CancelCheck", "RestoringWorker", "restorer"]


class RestoringWorker(WorkerPlugin):
    """Gives torch the worker's threads; the first task there loads it, and the model it needs."""

    name = "medrestore"
    idempotent = True  # the next client finds the models loaded

    def setup(self, worker: Worker) -> None:
        """Note the worker's threads; called on every worker, also on those that come later."""
        self._threads, self._lock, self._ready = worker.state.nthreads, Lock(), False

    @property
    def restorer(self) -> Restorer:
        """The process's restorer. torch computes with as many threads as the worker has."""
        import torch

        from medrestore.restorer import RESTORER

        with self._lock:
            if not self._ready:
                torch.set_num_threads(self._threads)
                self._ready = True
        return RESTORER


class CancelCheck:
    """A meter that stops a task once its client has cancelled it, or is gone."""

    def __init__(self) -> None:
        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    def start(self, total: int, label: str) -> None:
        """Nothing is shown."""

    def tick(self, n: int = 1) -> None:
        """Raise ``Cancelled`` if nobody waits for the task any more."""
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled":
            raise Cancelled("stopped")


def restorer() -> Restorer:
    """The restorer of the worker that runs the task at hand."""
    return cast("RestoringWorker", get_worker().plugins[RestoringWorker.name]).restorer
