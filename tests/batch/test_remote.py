"""One scan sent to a cluster: the same voxels, followed and stopped from here."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster

import medrestore as mr
from medrestore import api
from medrestore.batch.cluster import connect
from medrestore.batch.cluster.remote import restore_remotely
from medrestore.core.meter import SILENT
from medrestore.errors import Cancelled, ClusterError, InputError
from medrestore.settings.settings import Settings
from medrestore.volume import Volume
from scans import mr_array, write_nifti

pytestmark = pytest.mark.usefixtures("tiny_models", "one_thread")
SETTINGS = Settings(samples=3, noise=0.05, seed=4, keep_samples=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        worker_dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        memory_limit=None,
    ) as cluster:
        yield cluster


@pytest.fixture
def address(cluster: LocalCluster) -> str:
    return str(cluster.scheduler_address)


@pytest.fixture
def head(tmp_path: Path) -> Volume:
    return mr.read(write_nifti(tmp_path / "head.nii.gz", mr_array((7, 40, 48))), modality="MR")


class Watching:
    """A meter that remembers, and cancels at a place."""

    def __init__(self, stop_at: tuple[str, int] = ("", 0)) -> None:
        self.stages: list[tuple[str, int]] = []
        self.done, self.stop_at = 0, stop_at

    def start(self, total: int, label: str) -> None:
        self.stages.append((label, total))
        self.done = 0

    def tick(self, n: int = 1) -> None:
        self.done += n
        label, least = self.stop_at
        if label and self.stages[-1][0].startswith(label) and self.done >= least:
            raise Cancelled("stopped by the user")


@pytest.mark.parametrize("slices", [None, (2, 3, 4)])
def test_the_voxels_are_those_of_a_run_here(
    head: Volume, address: str, tmp_path: Path, slices: tuple[int, ...] | None
) -> None:
    plan = api.make_plan(head, SETTINGS)
    here = api.run_plan(plan if slices is None else plan.for_slices(slices), head)
    meter = Watching()
    there, whole = restore_remotely(address, head, SETTINGS, meter, slices)
    for name, volume in here.layers().items():
        sent = there.layers()[name]
        np.testing.assert_array_equal(sent.array, volume.array)
        np.testing.assert_array_equal(sent.geometry.affine, volume.geometry.affine)
        assert sent.source == volume.source  # its file is as it was, and was not sent
    assert here.samples is not None and there.samples is not None
    np.testing.assert_array_equal(there.samples, here.samples)
    assert there.guards == here.guards and there.drawn == 3 and whole.slices is None
    labels = [label for label, _ in meter.stages]
    assert labels[:2] == [f"Connecting to {address}", "Sending the scan"]
    assert ("Restoring", there.plan.evaluations) in meter.stages
    assert meter.stages[-1][0] == "Restoring" and meter.done == there.plan.evaluations
    assert there.save(tmp_path / "out")[-1].exists()


def test_the_scheduler_keeps_nothing(head: Volume, address: str, cluster: LocalCluster) -> None:
    restore_remotely(address, head, SETTINGS, SILENT)
    for _ in range(100):  # released a moment after the result came
        if not cluster.scheduler.tasks:
            break
        threading.Event().wait(0.05)
    assert not cluster.scheduler.tasks


def test_a_cancel_keeps_what_is_valid(
    head: Volume, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    plan = api.make_plan(head, SETTINGS)
    first = 6 * len(head.array)  # four predictions, the shared evaluation, a sample of its own
    stopped, _ = restore_remotely(address, head, SETTINGS, Watching(("Restoring", first)))
    assert 1 <= stopped.drawn < 3 < plan.evaluations
    assert stopped.samples is not None and len(stopped.samples) == stopped.drawn
    with pytest.raises(Cancelled, match="stopped"):
        restore_remotely(address, head, SETTINGS, Watching(("Restoring", 0)))


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow enough to be heard of and stopped in between."""
    from medrestore.batch.cluster import remote

    monkeypatch.setattr(remote, "EVERY_S", 0.0)
    tick = remote.RemoteProgress.tick

    def slow(self: Any, n: int = 1) -> None:
        threading.Event().wait(0.25)
        tick(self, n)

    monkeypatch.setattr(remote.RemoteProgress, "tick", slow)


def test_what_goes_wrong_there_is_said_here(head: Volume, address: str) -> None:
    flat = head.with_array(np.full(head.array.shape, np.nan))
    with pytest.raises(InputError) as here:
        api.denoise(flat, samples=0)
    with pytest.raises(InputError) as there:
        restore_remotely(address, flat, Settings(samples=0), SILENT)
    assert str(there.value) == str(here.value)


def test_no_scheduler_and_no_worker(head: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "CONNECT_S", 1)
    with pytest.raises(ClusterError, match="dask scheduler"):
        restore_remotely("tcp://127.0.0.1:1", head, SETTINGS, SILENT)
    with (
        LocalCluster(
            n_workers=0,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        ) as empty,
        pytest.raises(ClusterError, match="no worker; start one"),
    ):
        restore_remotely(empty.scheduler_address, head, SETTINGS, SILENT)


def test_the_widgets_run_goes_to_the_address(head: Volume, address: str) -> None:
    from medrestore.plugin.layers import to_layer
    from medrestore.plugin.requests import Choices, Snapshot, request_for
    from medrestore.plugin.run import restore

    data, meta, _ = to_layer(head)
    settings = Settings(noise=0.05, samples=2, device="cpu")
    scan = Snapshot(data, meta)
    here = restore(request_for(scan, Choices(settings)), SILENT)
    there = restore(request_for(scan, Choices(settings, cluster=address)), SILENT)
    np.testing.assert_array_equal(there.result.restored.array, here.result.restored.array)
    np.testing.assert_array_equal(there.result.std.array, here.result.std.array)
