"""What a worker keeps between scans, and how a task there learns that nobody waits for it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, cast

from distributed import WorkerPlugin, get_worker

from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from distributed import Worker

    from medrestore.batch.kept import Models

__all__ = ["Kept", "Unwanted", "kept_models"]


class Kept(WorkerPlugin):
    """The models of a worker process; the first task there loads torch, and the model it needs."""

    name = "medrestore"
    idempotent = True  # the next client finds the models loaded

    def setup(self, worker: Worker) -> None:
        """Begin with nothing; called on every worker, also on those that come later."""
        self._threads, self._lock = worker.state.nthreads, Lock()
        self._models: Models | None = None

    @property
    def models(self) -> Models:
        """For all tasks of the process. torch computes with as many threads as the worker has."""
        import torch

        from medrestore.batch.kept import Models

        with self._lock:
            if self._models is None:
                torch.set_num_threads(self._threads)
                self._models = Models()
            return self._models


class Unwanted:
    """A meter that stops a task once its client has cancelled it, or is gone."""

    def __init__(self) -> None:
        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    def start(self, total: int, label: str) -> None:
        """Nothing is shown."""

    def tick(self, n: int = 1) -> None:
        """Raise ``Cancelled`` if the task is unwanted."""
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled":
            raise Cancelled("stopped")


def kept_models() -> Models:
    """The models of the worker that runs the task at hand."""
    return cast("Kept", get_worker().plugins[Kept.name]).models
