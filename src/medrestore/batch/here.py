"""Scans restored in this process, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.batch.work import restore

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from medrestore.batch.task import Outcome, Task
    from medrestore.core.meter import Meter

__all__ = ["Here"]


class Here:
    """A `task.Place` whose meter follows each scan; a cancel comes out of it."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def outcomes(
        self, tasks: Iterable[Task], total: int
    ) -> Generator[tuple[Task, Outcome], None, None]:
        """What became of each, in their order."""
        for task in tasks:
            yield task, restore(task, _Labelled(self._meter, task.label))


class _Labelled:
    """A meter that says which scan it is at."""

    def __init__(self, meter: Meter, label: str) -> None:
        self.meter, self.label = meter, label

    def start(self, total: int, label: str) -> None:
        self.meter.start(total, self.label)

    def tick(self, n: int = 1) -> None:
        self.meter.tick(n)
