"""Scans on their way through a cluster: never many at once, and a lost worker loses none."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster
from same_results import assert_same
from stub_scans import KILLER, quick, tasks

import medrestore as mr
from medrestore.batch.cluster import executor as module
from medrestore.batch.cluster.connect import on_this_machine
from medrestore.batch.cluster.executor import AT_ONCE, ClusterExecutor
from medrestore.batch.task import Done, Failed
from medrestore.core.meter import SILENT
from medrestore.errors import ClusterError
from scans import mr_array, write_nifti

IN_PROCESS = {
    "processes": False,
    "protocol": "tcp://",
    "host": "127.0.0.1",
    "worker_dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    "memory_limit": None,
}


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "restore_task", quick)


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=3, threads_per_worker=1, **IN_PROCESS) as cluster:
        yield cluster


@pytest.mark.usefixtures("stubbed")
def test_the_scheduler_never_holds_many(cluster: LocalCluster) -> None:
    asked, held = 0, []

    def counted() -> Iterator[Any]:
        nonlocal asked
        for asked, task in enumerate(tasks(120), 1):  # noqa: B007
            yield task

    with Client(cluster, set_as_default=False) as client:
        flow, done = ClusterExecutor(client, SILENT), []
        for task, outcome in flow.outcomes(counted(), 120):
            assert isinstance(outcome, Done) and outcome.key == str(task.number)
            done.append(task.number)
            held.append((len(cluster.scheduler.tasks), asked - len(done)))
        assert sorted(done) == list(range(1, 121)) and flow.in_flight == 0
    bound = AT_ONCE * 3
    assert max(waiting for _, waiting in held) == bound - 1
    assert max(count for count, _ in held) <= 2 * bound  # released ones are on their way out


@pytest.mark.usefixtures("stubbed")
def test_workers_that_come_are_given_scans(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medrestore.batch.cluster.connect.EVERY_S", 0.05)
    with Client(cluster, set_as_default=False) as client:
        flow, most = ClusterExecutor(client, SILENT), []
        for number, _ in enumerate(flow.outcomes(iter(tasks(400)), 400)):
            if number == 20:
                cluster.scale(5)
                client.wait_for_workers(5)
            most.append(flow.in_flight)
    assert max(most[:20]) < AT_ONCE * 3 <= AT_ONCE * 5 - 1 == max(most)


@pytest.mark.usefixtures("stubbed")
def test_a_scheduler_that_is_lost_is_said() -> None:
    with LocalCluster(n_workers=1, threads_per_worker=1, **IN_PROCESS) as cluster:
        client = Client(cluster.scheduler_address, timeout=2, set_as_default=False)
        results = ClusterExecutor(client, SILENT).outcomes(iter(tasks(500)), 500)
        next(results)
        cluster.close()
        with pytest.raises(ClusterError, match="--resume"):
            list(results)
        client.close()


@pytest.mark.usefixtures("stubbed")
def test_patience_without_workers_ends() -> None:
    with (
        LocalCluster(n_workers=0, **IN_PROCESS) as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(ClusterError, match="no worker for 0 s"),
    ):
        list(ClusterExecutor(client, SILENT, patience_s=0.3).outcomes(iter(tasks(2)), 2))


@pytest.mark.slow
@pytest.mark.usefixtures("stubbed")
def test_a_scan_that_kills_its_workers_fails_alone() -> None:
    with on_this_machine(2) as client:
        outcomes = ClusterExecutor(client, SILENT).outcomes(iter(tasks(12, killers=(3,))), 12)
        found = {task.name: outcome for task, outcome in outcomes}
    failed = found.pop(KILLER)
    assert isinstance(failed, Failed) and failed.again and failed.key == "3"
    assert "worker was lost 8 times" in failed.reason
    assert len(found) == 11 and all(isinstance(one, Done) for one in found.values())


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_a_worker_killed_half_way_loses_nothing(tiny_models: Path, tmp_path: Path) -> None:
    names = [f"{n}.nii.gz" for n in range(8)]
    for number, name in enumerate(names):
        write_nifti(tmp_path / "in" / name, mr_array() + number)
    asked: dict[str, Any] = {"samples": 2, "modality": "MR", "noise": 0.05}
    mr.denoise_folder(tmp_path / "in", tmp_path / "whole", **asked)
    with on_this_machine(2) as client:
        address, killed = client.cluster.scheduler_address, []

        def kill(step: Any) -> None:
            if step.state == "restored" and not killed:
                killed.extend(client.run(os.getpid).values())
                os.kill(killed[0], signal.SIGKILL)

        summary = mr.denoise_folder(
            tmp_path / "in", tmp_path / "out", cluster=address, on_step=kill, **asked
        )
        assert killed[0] not in client.run(os.getpid).values()
    assert set(summary.restored) == set(names) and not summary.failed
    assert_same(tmp_path / "whole", tmp_path / "out")
