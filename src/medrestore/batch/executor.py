"""Executors of a batch's tasks: the protocol, and the one of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from medrestore.batch.work import restore

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from medrestore.batch.task import Outcome, Task
    from medrestore.core.meter import Meter

__all__ = ["Executor", "LocalExecutor"]


class Executor(Protocol):
    """Restores scans: in this process, or on a cluster."""

    def outcomes(
        self, tasks: Iterable[Task], total: int
    ) -> Generator[tuple[Task, Outcome], None, None]:
        """Outcome of each of at most ``total`` tasks, as soon as it is known."""


class LocalExecutor:
    """One scan after the other, in this process; a cancel of the meter comes out of it."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def outcomes(
        self, tasks: Iterable[Task], total: int
    ) -> Generator[tuple[Task, Outcome], None, None]:
        """Outcomes in the order of the tasks."""
        for task in tasks:
            yield task, restore(task, _LabelledMeter(self._meter, task.label))


class _LabelledMeter:
    """A meter whose label is always that of the scan."""

    def __init__(self, meter: Meter, label: str) -> None:
        self.meter, self.label = meter, label

    def start(self, total: int, label: str) -> None:
        self.meter.start(total, self.label)

    def tick(self, n: int = 1) -> None:
        self.meter.tick(n)
