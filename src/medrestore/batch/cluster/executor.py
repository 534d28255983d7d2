"""Executor on a Dask cluster: a few scans at a time, whatever their number."""

from __future__ import annotations

import math
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from distributed import KilledWorker

from medrestore.batch.cluster import split
from medrestore.batch.cluster.connect import WorkerPool
from medrestore.batch.cluster.worker import TryElsewhere, restore_task
from medrestore.batch.forecast import time_left
from medrestore.batch.task import Failed
from medrestore.batch.work import failure
from medrestore.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from distributed import Client, Future

    from medrestore.batch.task import Outcome, Task
    from medrestore.core.meter import Meter

__all__ = ["AT_ONCE", "ClusterExecutor"]

AT_ONCE = 2
"""Scans that the scheduler holds for each worker: one is restored, the next one waits for it."""
POLL_S = 0.2
"""A cancel is noticed within this."""
ATTEMPTS = 2
"""Chances of a scan whose workers are lost; each is as many workers as Dask's own
``distributed.scheduler.allowed-failures`` lets it lose. The second is without neighbours."""
RETRIES = 1


@dataclass(frozen=True, eq=False)
class Job:
    """A task on its way; ``tasks`` is how many Dask knows of it, ``attempt`` counts from 1.

    ``needs`` are the resources that it asks of a worker.
    """

    task: Task
    future: Future[Any]
    tasks: int
    attempt: int
    needs: dict[str, float]


class ClusterExecutor:
    """An `Executor` on the workers of a scheduler, which see the same files as this machine.

    Parameters
    ----------
    client : Client
        Of the scheduler.
    meter : Meter
        Counts scans; may cancel, which stops what runs and takes back what waits.
    patience_s : float
        Time to wait while there is no worker; workers of a queueing system may take hours.
    split : bool
        True to split large scans over workers; those of one machine share its memory, and do not
        gain by it.
    """

    def __init__(
        self, client: Client, meter: Meter, patience_s: float = math.inf, split: bool = True
    ) -> None:
        self._client, self._meter, self._pool = client, meter, WorkerPool(client)
        self._name = f"medrestore-{uuid.uuid4().hex[:12]}"
        self._news = Event()
        self._running: dict[int, Job] = {}
        self._doubtful: list[Task] = []
        self._sent, self._seen, self._done, self._total = 0, 0, 0, 0
        self._began = self._empty_since = time.monotonic()
        self._patience_s, self._split = patience_s, split

    @property
    def in_flight(self) -> int:
        """Tasks that the scheduler holds of this batch."""
        return sum(job.tasks for job in self._running.values())

    def outcomes(
        self, tasks: Iterable[Task], total: int
    ) -> Generator[tuple[Task, Outcome], None, None]:
        """Outcomes as soon as they are known; tasks are taken back when this is closed.

        Raises
        ------
        ClusterError
            If the scheduler is lost, or all workers are and none comes.
        """
        self._total, left = total, iter(tasks)
        self._show_progress()
        try:
            while self._fill(left):
                for job, outcome in self._collected(self._ended()):
                    self._done += 1
                    yield job.task, outcome
                self._show_progress()
        finally:
            self._take_back()

    def _fill(self, left: Iterator[Task]) -> bool:
        """Keep every worker supplied; True if there is anything to wait for."""
        while self.in_flight < AT_ONCE * max(1, self._pool.size):
            task = next(left, None)
            if task is None:
                self._seen = self._total
                break
            self._seen = task.number
            self._send(task, 1)
        if not self._running and self._doubtful:  # one at a time: it is to blame for a lost worker
            self._send(self._doubtful.pop(), ATTEMPTS)
        return bool(self._running)

    def _send(self, task: Task, attempt: int) -> None:
        needs = self._pool.resources
        options = {"resources": needs or None, "retries": RETRIES, "pure": False}
        self._sent += 1
        key, packed = (self._name, self._sent), task.packed()
        workers = self._pool.size if self._split else 1
        parts = split.parts_of(task.scan, task.settings, workers)
        if parts > 1:
            future, count = split.submit(self._client, packed, parts, key, options)
        else:
            future, count = self._client.submit(restore_task, packed, key=key, **options), 1
        self._running[task.number] = Job(task, future, count, attempt, needs)
        future.add_done_callback(lambda _: self._news.set())

    def _ended(self) -> list[Job]:
        """Jobs that ended. One whose result was lost with its worker is under way again."""
        while True:
            self._news.clear()
            ended = [number for number, job in self._running.items() if job.future.done()]
            if ended:
                return [self._running.pop(number) for number in ended]
            if not self._news.wait(POLL_S):
                self._meter.tick(0)
                self._lose_patience()
                self._send_anew()

    def _collected(self, jobs: list[Job]) -> Iterator[tuple[Job, Outcome]]:
        """Outcomes, fetched together; those of jobs to be tried again are left out."""
        good = {job.task.number: job.future for job in jobs if job.future.status == "finished"}
        found = self._client.gather(good, errors="skip") if good else {}
        for job in jobs:
            outcome = found.get(job.task.number) or self._outcome(job)
            job.future.release()
            if outcome is not None:
                yield job, outcome

    def _lose_patience(self) -> None:
        if self._pool.size:
            self._empty_since = time.monotonic()
        elif time.monotonic() - self._empty_since > self._patience_s:
            raise ClusterError(
                f"there has been no worker for {self._patience_s:.0f} s: all were lost; start the "
                "batch again and go on with --resume"
            )

    def _send_anew(self) -> None:
        """Submit jobs again whose kind of worker is gone while others are there."""
        stranded = [job for job in self._running.values() if job.needs and not self._pool.resources]
        if not stranded or not self._pool.size:
            return
        self._client.cancel([job.future for job in stranded], force=True)
        for job in stranded:
            self._send(job.task, job.attempt)

    def _outcome(self, job: Job) -> Outcome | None:
        """Outcome of a scan; None if it is to be tried again."""
        if job.future.cancelled():
            raise ClusterError(
                "the Dask scheduler is gone or has dropped this batch; start it again and go on "
                "with --resume"
            )
        error = job.future.exception()
        if error is None:
            outcome: Outcome = job.future.result()
            return outcome
        if isinstance(error, TryElsewhere):
            return error.failed
        if not isinstance(error, KilledWorker):
            return failure(error, job.task.key)
        if job.attempt < ATTEMPTS:
            self._doubtful.append(job.task)
            return None
        return Failed(_lost(error), again=True, key=job.task.key)

    def _show_progress(self) -> None:
        """Show how far the whole batch is; any other stage that was shown is over."""
        behind = self._seen - len(self._running) - len(self._doubtful)
        left = ""
        if self._done:
            spent = time.monotonic() - self._began
            left = time_left(spent / self._done * (self._total - behind))
        workers = self._pool.size
        on = f"on {workers} worker{'' if workers == 1 else 's'}" if workers else "no worker yet"
        self._meter.start(self._total, f"{behind} of {self._total} scans, {on}{left}")
        self._meter.tick(behind)

    def _take_back(self) -> None:
        """Cancel what is left: what waits is dropped, what runs stops at its next step."""
        futures = [job.future for job in self._running.values()]
        self._running.clear()
        if futures and self._client.status == "running":
            with suppress(OSError, TimeoutError):
                self._client.cancel(futures, force=True)


def _lost(error: KilledWorker) -> str:
    times = ATTEMPTS * (error.allowed_failures + 1)
    return (
        f"its worker was lost {times} times: it ran out of memory or was killed; look at the "
        "workers' logs, give them more memory, or restore this scan alone with --memory-gb"
    )
