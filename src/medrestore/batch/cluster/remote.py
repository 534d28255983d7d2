"""One scan restored on a cluster for a client that waits: a laptop and a server with GPUs."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from distributed import Event, KilledWorker, get_worker

from medrestore.batch.cluster.connect import WorkerPool, connected
from medrestore.batch.cluster.worker import CancelCheck, restorer
from medrestore.errors import Cancelled, ClusterError
from medrestore.results.result import Result
from medrestore.volume import Source

if TYPE_CHECKING:
    import numpy as np
    from distributed import Client, Future
    from numpy.typing import NDArray

    from medrestore.core.meter import Meter
    from medrestore.engine.checks import Guards
    from medrestore.engine.plan import Plan
    from medrestore.settings.settings import Settings
    from medrestore.volume import Volume

__all__ = ["RestoredScan", "ScanRequest", "restore_remotely", "restore_scan"]

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


POLL_S = 0.2
PLAIN = Source(name="scan")
"""Sent in place of the scan's own: a cluster learns nothing of the file."""


def restore_remotely(
    address: str,
    volume: Volume,
    settings: Settings,
    meter: Meter,
    slices: tuple[int, ...] | None = None,
) -> tuple[Result, Plan]:
    """Restore a scan on the cluster of a scheduler; voxels and settings are all that is sent.

    Parameters
    ----------
    address : str
        Of the scheduler.
    volume : Volume
        The scan.
    settings : Settings
        As for a run on this machine; the device is the worker's.
    meter : Meter
        Follows the run; may cancel.
    slices : tuple of int, optional
        Slices to restore; all by default.

    Returns
    -------
    result : Result
        On the scan's own grid.
    whole : Plan
        For the whole scan.

    Raises
    ------
    ClusterError
        If no scheduler answers, it has no worker, or is lost.
    Cancelled
        If stopped before anything was worth keeping; later, the result holds fewer samples.
    MedrestoreError
        Error of the run on the worker.
    """
    meter.start(0, f"Connecting to {address}")
    with connected(address) as client:
        pool = WorkerPool(client)
        if not pool.size:
            raise ClusterError(
                f"the scheduler at {address} has no worker; start one with `dask worker {address}`"
            )
        channel = f"medrestore-{uuid.uuid4().hex}"
        request = ScanRequest(replace(volume, source=PLAIN, warnings=()), settings, slices, channel)
        messages: SimpleQueue[dict[str, Any]] = SimpleQueue()
        client.subscribe_topic(channel, lambda event: messages.put(event[1]))
        meter.start(0, "Sending the scan")
        sent = client.scatter(request, direct=False, hash=False)
        options = {"resources": pool.resources or None, "pure": False}
        future = client.submit(restore_scan, sent, key=channel, **options)
        found = _wait_for(client, future, messages, channel, meter)
    return _on_grid_of(found, volume), found.whole


def _wait_for(
    client: Client,
    future: Future[RestoredScan],
    messages: SimpleQueue[dict[str, Any]],
    channel: str,
    meter: Meter,
) -> RestoredScan:
    follow, begun, stopping = _Follower(meter), False, False
    while not future.done():
        message = None
        with suppress(Empty):
            message = messages.get(timeout=POLL_S)
            begun = True
        if stopping:
            continue
        try:
            follow(message)
        except Cancelled:
            if not begun:  # no worker would notice the event
                client.cancel([future], force=True)
                raise
            Event(channel, client=client).set()
            stopping = True
    if future.cancelled():
        raise ClusterError("the scheduler was lost, or a worker with the scan; run it again")
    try:
        found: RestoredScan = future.result()
        return found
    except KilledWorker as error:
        raise ClusterError(
            "the worker was lost, and so were others that tried: it ran out of memory or was "
            "killed; look at the workers' logs, give them more memory, or set a memory ceiling"
        ) from error
    finally:
        if stopping:
            Event(channel, client=client).clear()


class _Follower:
    """Shows messages of a worker on a meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter, self._stage, self._done = meter, ("", 0), 0

    def __call__(self, message: dict[str, Any] | None) -> None:
        if message is None:
            self._meter.tick(0)
            return
        stage = (message["label"], message["total"])
        if stage != self._stage or message["done"] < self._done:
            self._meter.start(message["total"], message["label"])
            self._stage, self._done = stage, 0
        self._meter.tick(message["done"] - self._done)
        self._done = message["done"]


def _on_grid_of(found: RestoredScan, volume: Volume) -> Result:
    """The result on the grid of the scan."""
    slices = found.plan.slices
    grid = volume if slices is None else volume.slices(slices)
    volumes = {name: grid.with_array(array) for name, array in found.layers.items()}
    result = Result.reopened(found.plan, volume, volumes, found.samples)
    return replace(result, drawn=found.drawn, guards=found.guards)
