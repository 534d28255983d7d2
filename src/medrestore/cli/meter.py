"""A `Meter` for a terminal: a bar on stderr, and Ctrl-C as a polite request to stop."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

__all__ = ["Bar"]


class Bar:
    """Shows progress while it is entered; quiet where stderr is not a terminal.

    The first Ctrl-C makes the next ``tick`` raise `Cancelled`, so that what was computed can be
    kept; a second one is a `KeyboardInterrupt` at once.

    Parameters
    ----------
    farewell : str
        What ``Cancelled`` says where nobody catches it.
    """

    def __init__(self, farewell: str) -> None:
        self.farewell = farewell
        self.stopped = False
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._before: Any = None

    def start(self, total: int, label: str) -> None:
        """Begin a stage; it takes the place of the one before."""
        if not sys.stderr.isatty():
            return
        if self._progress is None:
            self._progress = _progress()
            self._progress.start()
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(label, total=total)

    def tick(self, n: int = 1) -> None:
        """Advance; raises `Cancelled` after Ctrl-C."""
        if self.stopped:
            raise Cancelled(self.farewell)
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, n)

    def _stop(self, *_: object) -> None:
        self.stopped = True
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def __enter__(self) -> Bar:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()
        if self._progress is not None:
            self._progress.stop()


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
