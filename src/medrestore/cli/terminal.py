"""Terminal output of commands: plans in words, tables, JSON; a progress bar that Ctrl-C stops."""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from medrestore.engine.plan_text import grid_in_words, memory, noise_in_words
from medrestore.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from rich.progress import Progress, TaskID

    from medrestore.engine.plan import Plan
    from medrestore.volume import Volume

__all__ = ["Bar", "as_json", "duration", "plan_in_words", "table"]

LONG = 24
"""Characters of a cell whose column may fold."""

MODES = {"slice": "slice by slice", "patch3d": "in 3-D stacks"}

ESTIMATES = {
    "mean": "the expected image",
    "sample": "one posterior sample",
    "posterior-mean": "the mean of the samples",
}


def plan_in_words(plan: Plan, volume: Volume) -> str:
    """A plan as a few aligned lines, ending with what deserves attention."""
    settings = plan.settings
    grid = _grid(plan.shape, plan.times)
    spacing = _millimetres(volume.geometry.spacing_mm)
    slices = len(plan.chosen) * plan.times
    if settings.samples:
        sampling = settings.sampler
        if settings.schedule != "cosine":
            sampling += f", {settings.schedule} schedule"
        if settings.guided:
            sampling += f", guidance {settings.guidance:g}, measurement {settings.measurement:g}"
        work = f"{settings.samples} samples × {settings.steps} steps ({sampling})"
    else:
        work = "no samples, one evaluation"
    rows = {
        "scan": f"{volume.source.name}: {plan.modality}, {grid}, {spacing}",
        "model": f"{plan.model}, {MODES[plan.mode]}, on {plan.device} in {plan.precision}",
        "noise": noise_in_words(plan),
        "grid": grid_in_words(plan),
        "work": f"{slices} slice{'' if slices == 1 else 's'}, {work}, seed {settings.seed}",
        "result": f"{ESTIMATES[settings.estimate]}, its expected error, and bounds "
        f"{'to cover' if plan.calibrated else 'meant for'} {100 * settings.level:.4g} % of the "
        f"voxels{'' if plan.calibrated else ', not calibrated'}",
    }
    if plan.seconds is not None and plan.memory_bytes is not None:
        rows["forecast"] = f"{duration(plan.seconds)}, {memory(plan.memory_bytes)} of memory"
    lines = [f"{name:<9} {text}" for name, text in rows.items() if text]
    notes = dict.fromkeys([*volume.warnings, *plan.warnings])
    return "\n".join([*lines, *(f"note      {text}" for text in notes)])


def _grid(shape: Sequence[int], times: int = 1) -> str:
    """Voxels along (z, y, x), time points first."""
    text = " × ".join(str(n) for n in shape)
    return f"{times} time points of {text}" if times > 1 else text


def _millimetres(spacing_mm: Sequence[float]) -> str:
    """Spacing along (z, y, x)."""
    return " × ".join(f"{s:.3g}" for s in spacing_mm) + " mm"


def duration(seconds: float) -> str:
    """A forecast, no more exact than it is."""
    if seconds < 2:
        return "about a second"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: in a terminal as wide as that is, columns of long cells folded; else whole."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    cells = list(rows)
    for i, title in enumerate(titles):
        long = max((len(row[i]) for row in cells), default=0) > LONG
        drawn.add_column(title, overflow="fold", no_wrap=not long)
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))  # Text: brackets in paths are no markup
    with console.capture() as text:
        console.print(drawn)
    print("\n".join(line.rstrip() for line in text.get().rstrip().splitlines()))


def as_json(facts: Mapping[str, Any] | Sequence[Any]) -> str:
    """JSON for machines, readable for people."""
    return json.dumps(facts, indent=1, ensure_ascii=False)


class Bar:
    """Shows progress while it is entered; where stderr is not a terminal, in lines or not at all.

    The first Ctrl-C makes the next ``tick`` raise `Cancelled`, so that what was computed can be
    kept; a second one is a `KeyboardInterrupt` at once.

    Parameters
    ----------
    farewell : str
        Text of ``Cancelled`` where nobody catches it.
    line_s : float
        Seconds between lines where there is no terminal; none by default.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self,
        farewell: str,
        line_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.farewell, self._line_s, self._clock = farewell, line_s, clock
        self._label, self._done, self._total = "", 0, 0
        self._began = self._said = 0.0
        self.stopped = False
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._before: Any = None

    def start(self, total: int, label: str) -> None:
        """Begin a stage; it takes the place of the one before."""
        if not sys.stderr.isatty():
            self._label, self._done, self._total = label, 0, total
            self._began = self._said = self._clock()
            if math.isfinite(self._line_s):
                print(label, file=sys.stderr, flush=True)
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
        self._done += n
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, n)
        elif self._clock() - self._said >= self._line_s:
            self._line(self._clock())

    def _line(self, now: float) -> None:
        """Say how far it is, and how fast it has been."""
        self._said, rate = now, self._done / max(now - self._began, 1e-9)
        of = f" of {self._total}" if self._total else ""
        text = f"{self._label}: {self._done}{of}, {rate:.3g} a second"
        print(text, file=sys.stderr, flush=True)

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
