"""Work on one scan of a batch, from its files to those of its result, and who does it.

The work is the same in whatever process; an executor hands it out.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from medrestore.batch.entry import entry_of
from medrestore.batch.gather import under
from medrestore.batch.log import is_final
from medrestore.batch.page import draw_article
from medrestore.batch.task import Done, Failed, key_of
from medrestore.errors import Cancelled, MedrestoreError
from medrestore.restorer import RESTORER

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from medrestore.api import Result
    from medrestore.batch.task import Outcome, Task
    from medrestore.core.meter import Meter
    from medrestore.engine.plan import Plan
    from medrestore.volume import Volume

__all__ = ["Executor", "LocalExecutor", "failure", "opened", "restore", "saved"]


def restore(task: Task, meter: Meter) -> Outcome:
    """Read a scan, restore it and write the result; whatever happens, return its outcome.

    Raises
    ------
    Cancelled
        If the meter stopped it: then nothing was written.
    """
    before, key = time.monotonic(), task.key
    try:
        key = key or key_of(task.scan, task.root, task.requested)
        volume = opened(task)
        with RESTORER.turn(meter):
            plan = RESTORER.plan(volume, task.settings)
            result = RESTORER.run(plan, volume, meter)
        return saved(task, key, volume, result, before)
    except Cancelled:
        raise
    except Exception as error:  # a bug or a full memory too: the next scan may still be fine
        return failure(error, key)


def opened(task: Task) -> Volume:
    """The scan; its results have the names that the batch gave them, whatever its file says."""
    volume = task.files.read(task.scan)
    return replace(volume, source=replace(volume.source, name=task.stem))


def saved(task: Task, key: str, volume: Volume, result: Result, before: float) -> Done:
    """Write a result, and put into words what was done since ``before`` (monotonic, seconds)."""
    if result.drawn < task.settings.samples:
        raise Cancelled("stopped")
    # what lies there now is ours: the batch has looked, and a worker that was lost may have begun
    written = result.save(task.folder, task.files.format, overwrite=True)
    seconds = time.monotonic() - before
    outputs = tuple(under(path, task.out) for path in written)
    facts = {
        "modality": result.plan.modality,
        "model": result.plan.model,
        "sigma": round(result.plan.noise.sigma, 6),
        **_by_time(result.plan),
        "samples": result.drawn,
        "seconds": round(seconds, 2),
        "warnings": [*volume.warnings, *result.warnings],
        "guards": result.guards.facts() if result.guards is not None else None,
        "outputs": list(outputs),
        "key": key,
        "model_sha256": result.plan.model_sha256,
    }
    article = draw_article(entry_of(volume, result, seconds), task.total)
    return Done(key, facts, article, seconds, outputs)


def _by_time(plan: Plan) -> dict[str, list[float]]:
    """σ of each volume of a 4-D scan."""
    return {"sigmas": [round(one.noise.sigma, 6) for one in plan.levels]} if plan.levels else {}


def failure(error: Exception, key: str | None) -> Failed:
    """An error as a batch reports it."""
    expected = isinstance(error, MedrestoreError)
    reason = str(error) if expected else f"unexpected {type(error).__name__}: {error}"
    return Failed(reason, not is_final(error), key)


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
