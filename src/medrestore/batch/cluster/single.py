"""One scan on a worker for a client that waits: it reports its progress, and stops on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from distributed import Event, get_worker

from medrestore.batch.cluster.worker import CancelCheck, restorer
from medrestore.errors import Cancelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medrestore.engine.checks import Guards
    from medrestore.engine.plan import Plan
    from medrestore.settings.settings import Settings
    from medrestore.volume import Volume

__all__ = ["RestoredScan", "ScanRequest", "restore_scan"]

EVERY_S = 0.3
"""Progress is reported, and a request to stop looked for, no more often."""


@dataclass(frozen=True, eq=False, repr=False)
class ScanRequest:
    """A run as it is sent. It has no ``repr``: logs of a cluster are to name no scan.

    Parameters
    ----------
    volume : Volume
        The scan, without what its file says of the patient.
    settings : Settings
        Settings of the run.
    slices : tuple of int, optional
        Slices to restore; all by default.
    channel : str
        Name of the topic of its progress, and of the event that stops the run.
    """

    volume: Volume
    settings: Settings
    slices: tuple[int, ...] | None
    channel: str


@dataclass(frozen=True, eq=False, repr=False)
class RestoredScan:
    """A result as it is sent back: arrays by the names of its layers, and the plan as it was run.

    ``whole`` is the plan for the whole scan that ``plan`` is a part or all of.
    """

    layers: dict[str, NDArray[np.float32]]
    samples: NDArray[np.float32] | None
    plan: Plan
    whole: Plan
    drawn: int
    guards: Guards | None


def restore_scan(request: ScanRequest) -> RestoredScan:
    """Plan and run a request on this worker, with its own device and memory.

    Raises
    ------
    Cancelled
        If stopped before anything was worth keeping; later, the result holds fewer samples.
    MedrestoreError
        With one line that says what was wrong and what to do.
    """
    meter, run = RemoteProgress(request.channel), restorer()
    with run.turn(meter):
        meter.start(0, "Measuring the noise")
        whole = run.plan(request.volume, request.settings)
        meter.tick(0)
        plan = whole if request.slices is None else whole.for_slices(request.slices)
        result = run.run(plan, request.volume, meter)
    layers = {name: volume.array for name, volume in result.layers().items()}
    return RestoredScan(layers, result.samples, result.plan, whole, result.drawn, result.guards)


class RemoteProgress:
    """A meter that its client follows: Dask hands events on, under the name of the channel.

    Raises ``Cancelled`` once the event of that name is set, or the client is gone.
    """

    def __init__(self, channel: str) -> None:
        self._channel, self._worker = channel, get_worker()
        self._stop, self._check = Event(channel), CancelCheck()
        self._label, self._total, self._done, self._reported = "", 0, 0, 0.0

    def start(self, total: int, label: str) -> None:
        """Report a new stage."""
        self._label, self._total, self._done = label, total, 0
        self._report()

    def tick(self, n: int = 1) -> None:
        """Count ``n`` steps; raises ``Cancelled`` once the run is to stop."""
        self._done += n
        self._check.tick()
        if n and time.monotonic() - self._reported < EVERY_S and self._done < self._total:
            return
        self._report()
        if self._stop.is_set():
            raise Cancelled("stopped by the user")

    def _report(self) -> None:
        self._reported = time.monotonic()
        message = {"label": self._label, "total": int(self._total), "done": int(self._done)}
        self._worker.log_event(self._channel, message)
