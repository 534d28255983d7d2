"""Who can be given scans now: workers come and go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

__all__ = ["GPU", "Crew"]

GPU = "GPU"
"""The resource that a worker declares which has a GPU to itself: ``--resources GPU=1``."""
EVERY_S = 2.0
"""The scheduler is asked no more often."""


class Crew:
    """The workers that take part.

    Where any worker declares a GPU, those that do are given all the work, a scan for each GPU at a
    time; on a cluster without, every worker takes part.

    Parameters
    ----------
    client : Client
        Of the scheduler.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._asked = -EVERY_S
        self._size, self._gpus = 0, 0

    @property
    def size(self) -> int:
        """How many scans can be worked on at once; 0 while there are no workers."""
        self._look()
        return self._gpus or self._size

    @property
    def resources(self) -> dict[str, float]:
        """What a task needs of a worker, as Dask writes it."""
        self._look()
        return {GPU: 1} if self._gpus else {}

    def _look(self) -> None:
        now = self._clock()
        if now - self._asked < EVERY_S:
            return
        self._asked = now
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        self._size = len(workers)
        self._gpus = sum(int(worker["resources"].get(GPU, 0)) for worker in workers.values())
