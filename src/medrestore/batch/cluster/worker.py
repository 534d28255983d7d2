"""Tasks on a Dask worker, with its threads, until its client waits no more.

The scheduler loads this module too: torch comes in later.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, cast

from distributed import WorkerPlugin, get_worker

from medrestore.batch.task import Failed, Task
from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from distributed import Worker

    from medrestore.batch.task import Outcome
    from medrestore.restorer import Restorer

__all__ = ["CancelCheck", "RestoringWorker", "TryElsewhere", "final", "restore_task", "restorer"]


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


class TryElsewhere(Exception):
    """A scan failed by no fault of its own: Dask is to try it again, if it can with another worker.

    Parameters
    ----------
    failed : Failed
        Outcome if it fails there too.
    """

    def __init__(self, failed: Failed) -> None:
        super().__init__()  # workers log what is raised, and are to name no scan
        self.failed = failed

    def __reduce__(self) -> tuple[type[TryElsewhere], tuple[Failed]]:
        return TryElsewhere, (self.failed,)


def restore_task(packed: bytes) -> Outcome:
    """Restore a scan (`Task.packed`) and write its results, on the worker this is called on."""
    from medrestore.batch.work import restore

    restorer()
    outcome = restore(Task.unpacked(packed), CancelCheck())
    return final(outcome) if isinstance(outcome, Failed) else outcome


def final(failed: Failed) -> Failed:
    """A failure that the scan itself caused; any other is raised, and Dask tries the scan again."""
    if failed.again:
        raise TryElsewhere(failed)
    return failed
