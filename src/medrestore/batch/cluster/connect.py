"""Connection to a Dask scheduler: its address, security, versions and workers."""

from __future__ import annotations

import logging
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, LocalCluster

from medrestore.batch.cluster.worker import RestoringWorker
from medrestore.errors import ClusterError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CONNECT_S", "GPU", "WorkerPool", "connected", "on_this_machine"]

CONNECT_S = 10
"""A scheduler that is there answers sooner."""
LOOPBACK = "127.0.0.1"
"""Nothing of a cluster on this machine listens beyond it."""
MESSAGES_KEPT = 10
"""Dask's schedulers remember 1,000 of each worker, which nobody will look at."""
GPU = "GPU"
"""The resource that a worker declares which has a GPU to itself: ``--resources GPU=1``."""
EVERY_S = 2.0
"""The scheduler is asked for its workers no more often."""
SAME = ("medrestore", "dask", "distributed", "python")
"""Packages that pickle on this machine and unpickle on others."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at an address, which must run the same versions.

    Security is Dask's own: the files named in its configuration under ``distributed.comm.tls``.

    Parameters
    ----------
    address : str
        ``"tcp://host:8786"``, or ``"tls://host:8786"``.

    Raises
    ------
    ClusterError
        If no scheduler answers there, or other versions of medrestore or Dask do.
    """
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterError(
            f"no Dask scheduler can be reached at {address} ({_reason(error)}); start one with "
            "`dask scheduler` and give the address that it prints, such as tcp://host:8786; for "
            "tls:// name the certificates in Dask's configuration, distributed.comm.tls"
        ) from error
    with client:
        _check_versions(client.get_versions(packages=["medrestore"]))
        client.register_plugin(RestoringWorker())
        yield client


@contextmanager
def on_this_machine(jobs: int) -> Iterator[Client]:
    """A client of so many worker processes, which end with it and share the cores.

    Raises
    ------
    SettingsError
        If ``jobs`` is not a number above 0.
    """
    if not isinstance(jobs, int) or jobs < 1:
        raise SettingsError(f"jobs is a whole number above 0, got {jobs!r}")
    threads = max(1, _cores() // jobs)
    with (
        dask.config.set({"distributed.admin.low-level-log-length": MESSAGES_KEPT}),
        LocalCluster(
            n_workers=jobs,
            threads_per_worker=threads,
            processes=True,
            host=LOOPBACK,
            worker_dashboard_address=f"{LOOPBACK}:0",
            scheduler_kwargs={"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"},
            memory_limit=None,  # a run plans with what is free; Dask would kill it half-way
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(RestoringWorker())
        yield client


class WorkerPool:
    """The workers that take part: they come and go.

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
        self._looked = -EVERY_S
        self._size, self._gpus = 0, 0

    @property
    def size(self) -> int:
        """Number of scans that can be restored at once; 0 while there are no workers."""
        self._look()
        return self._gpus or self._size

    @property
    def resources(self) -> dict[str, float]:
        """Resources that a task needs of a worker, as Dask writes them."""
        self._look()
        return {GPU: 1} if self._gpus else {}

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < EVERY_S:
            return
        self._looked = now
        workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        self._size = len(workers)
        self._gpus = sum(int(worker["resources"].get(GPU, 0)) for worker in workers.values())


def _check_versions(versions: Any) -> None:
    local = versions["client"]["packages"]
    remote = {"the scheduler": versions["scheduler"], **versions["workers"]}
    for machine, found in remote.items():
        packages = found.get("packages", {}) if isinstance(found, dict) else {}
        for name in SAME:
            one, other = _version(local.get(name)), _version(packages.get(name))
            if one != other:
                raise ClusterError(
                    f"{machine} has {name} {other or 'not at all'}, this machine {one}; install "
                    "the same version on the scheduler and on all workers"
                )


def _version(text: str | None) -> str | None:
    """Of Python, minor versions go together: 3.11.7.final.0 and 3.11.9.final.0 do."""
    return None if text is None else ".".join(text.split(".")[: 2 if ".final" in text else None])


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
