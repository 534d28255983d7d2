"""One scan restored on a cluster for a client that waits: a laptop and a server with GPUs."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from distributed import Event, KilledWorker

from medrestore.batch.cluster.connect import WorkerPool, connected
from medrestore.batch.cluster.single import RestoredScan, ScanRequest, restore_scan
from medrestore.errors import Cancelled, ClusterError
from medrestore.results.result import Result
from medrestore.volume import Source

if TYPE_CHECKING:
    from distributed import Client, Future

    from medrestore.core.meter import Meter
    from medrestore.engine.plan import Plan
    from medrestore.settings.settings import Settings
    from medrestore.volume import Volume

__all__ = ["restore_remotely"]

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
