"""A batch on a Dask cluster is the batch without one: the same files, log, page and failures."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster, Security
from same_results import assert_same

import medrestore as mr
from medrestore.batch.cluster import connect, split
from medrestore.batch.cluster.connect import WorkerPool, connected
from medrestore.cli import main
from medrestore.errors import Cancelled, ClusterError, ResourceError, SettingsError
from medrestore.restorer import RESTORER
from scans import ct_array, mr_array, write_ct, write_nifti
from tiny import write_tiny_stack_model

pytestmark = pytest.mark.usefixtures("tiny_models", "one_thread")
IN_PROCESS: dict[str, Any] = {
    "processes": False,
    "protocol": "tcp://",
    "host": "127.0.0.1",
    "worker_dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    "memory_limit": None,
}
FAST: dict[str, Any] = {"samples": 1, "fallback": "MR", "noise": 0.05}


@pytest.fixture(scope="module")
def scheduler() -> Iterator[LocalCluster]:
    """Two workers, in threads of this process: torch is loaded already."""
    with LocalCluster(n_workers=2, threads_per_worker=1, **IN_PROCESS) as cluster:
        yield cluster


@pytest.fixture
def address(scheduler: LocalCluster) -> str:
    return str(scheduler.scheduler_address)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Scans of two formats, two that share a stem, and failures of every kind."""
    root = tmp_path / "in"
    for number, name in enumerate(("a.nii.gz", "b/head.nii.gz", "b/head.nii")):
        write_nifti(root / name, mr_array() + number)
    write_ct(root / "series", ct_array())
    write_ct(root / "gap", ct_array(), skip=(2,))
    write_nifti(root / "flat.nii.gz", np.full((3, 40, 48), np.nan))
    (root / "bad.nii").write_text("no scan")
    (root / "notes.txt").write_text("notes")
    return root


def test_all_is_as_without_a_cluster(archive: Path, tmp_path: Path, address: str) -> None:
    here = mr.denoise_folder(archive, tmp_path / "here", **FAST)
    steps: list[Any] = []
    there = mr.denoise_folder(
        archive, tmp_path / "there", cluster=address, on_step=steps.append, **FAST
    )
    assert set(there.restored) == set(here.restored) and len(there.restored) == 4
    assert there.failed == here.failed and len(there.failed) == 3
    assert there.skipped == here.skipped
    assert_same(tmp_path / "here", tmp_path / "there")
    states = [step.state for step in steps]
    assert [states.count(state) for state in ("begun", "restored", "failed")] == [6, 4, 2]


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every scan is large; how many parts each was joined of."""
    counts: list[int] = []
    join = split.join
    monkeypatch.setattr(split, "join", lambda parts: counts.append(len(parts)) or join(parts))
    monkeypatch.setattr(split, "LARGE", 1)
    return counts


def test_a_scan_in_slabs_has_the_same_voxels(
    tmp_path: Path, address: str, joined: list[int]
) -> None:
    series = np.stack([mr_array((11, 40, 48)), mr_array((11, 40, 48), noise=0.1)])
    write_nifti(tmp_path / "in" / "long.nii.gz", series[0])
    write_nifti(tmp_path / "in" / "times.nii.gz", series)
    asked = {**FAST, "samples": 2, "keep_samples": True, "estimate": "sample"}
    mr.denoise_folder(tmp_path / "in", tmp_path / "whole", **asked)
    mr.denoise_folder(tmp_path / "in", tmp_path / "split", cluster=address, **asked)
    assert joined == [2, 2]
    assert_same(tmp_path / "whole", tmp_path / "split")


def test_a_model_of_stacks_in_slabs(tmp_path: Path, address: str, joined: list[int]) -> None:
    model = write_tiny_stack_model(tmp_path / "models") / "mr_tiny3d"
    write_nifti(tmp_path / "in" / "long.nii.gz", mr_array((30, 20, 24)))
    asked = {**FAST, "samples": 2, "model": str(model)}
    mr.denoise_folder(tmp_path / "in", tmp_path / "whole", **asked)
    mr.denoise_folder(tmp_path / "in", tmp_path / "split", cluster=address, **asked)
    assert joined == [2]
    assert_same(tmp_path / "whole", tmp_path / "split")


def test_what_a_slab_cannot_do_is_what_the_scan_cannot(
    archive: Path, tmp_path: Path, address: str, joined: list[int]
) -> None:
    here = mr.denoise_folder(archive, tmp_path / "here", **FAST)
    there = mr.denoise_folder(archive, tmp_path / "there", cluster=address, **FAST)
    assert there.failed == here.failed and joined
    assert_same(tmp_path / "here", tmp_path / "there")


def test_parts_are_whole_slabs() -> None:
    plan: Any = SimpleNamespace(shape=(37, 40, 48), slab=4)
    for parts in (1, 2, 3, 10, 12):
        cuts = [split.cut(plan, part, parts) for part in range(parts)]
        assert [z for part in cuts for z in part] == list(range(37))
        assert all(len(part) % 4 == 0 for part in cuts[:-1])
    assert max(map(len, cuts)) == 4 and () in cuts


def test_a_failure_of_the_machine_is_tried_again_elsewhere(
    archive: Path, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, failed = RESTORER.run, []

    def fails_once(plan: Any, volume: Any, *others: Any) -> Any:
        if volume.source.name == "a" and not failed:
            failed.append(volume)
            raise ResourceError("no memory")
        if volume.source.name == "series":
            raise MemoryError("never enough")
        return run(plan, volume, *others)

    monkeypatch.setattr(RESTORER, "run", fails_once)
    summary = mr.denoise_folder(archive, tmp_path / "out", cluster=address, **FAST)
    assert failed and set(summary.restored) == {"a.nii.gz", "b/head.nii", "b/head.nii.gz"}
    assert summary.failed["series"] == "unexpected MemoryError: never enough"


class Stopping:
    """A meter that cancels once a scan is done."""

    def __init__(self) -> None:
        self.done = 0
        self.labels: list[str] = []

    def start(self, total: int, label: str) -> None:
        self.labels.append(label)
        self.done = 0

    def tick(self, n: int = 1) -> None:
        self.done += n
        if "on 2 workers" in self.labels[-1] and self.done == 1:
            raise Cancelled("enough")


def test_a_cancel_stops_what_runs_and_the_rest_is_resumed(
    tmp_path: Path, address: str, scheduler: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        write_nifti(tmp_path / "in" / f"{number}.nii.gz", mr_array() + number)
    run, stopped, first = RESTORER.run, threading.Event(), threading.Event()

    def endless(plan: Any, volume: Any, meter: Any) -> Any:
        if not first.is_set():
            first.set()
            return run(plan, volume, meter)
        try:
            while True:
                meter.tick()
                threading.Event().wait(0.01)
        except Cancelled:
            stopped.set()
            raise

    with monkeypatch.context() as patch:
        patch.setattr(RESTORER, "run", endless)
        with pytest.raises(Cancelled, match="1 of 6 scans"):
            mr.denoise_folder(
                tmp_path / "in", tmp_path / "out", cluster=address, progress=Stopping(), **FAST
            )
        assert stopped.wait(10)
    summary = mr.denoise_folder(
        tmp_path / "in", tmp_path / "out", cluster=address, resume=True, **FAST
    )
    assert summary.kept == 1 and len(summary.restored) == 6
    mr.denoise_folder(tmp_path / "in", tmp_path / "whole", **FAST)
    assert_same(tmp_path / "whole", tmp_path / "out")
    assert not scheduler.scheduler.tasks


def test_without_the_extra(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    command = ["batch", str(archive), str(tmp_path / "out")]
    assert main([*command, "--cluster", "tcp://127.0.0.1:1"]) == 2
    assert 'pip install "medrestore[cluster]"' in capsys.readouterr().err
    assert main([*command, "--jobs", "2"]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "tls://127.0.0.1:1"])
def test_nobody_at_the_address(
    archive: Path, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_S", 1)
    with pytest.raises(ClusterError, match=f"reached at {address} .*dask scheduler"):
        mr.denoise_folder(archive, tmp_path / "out", cluster=address)
    assert not (tmp_path / "out").exists()


def test_what_is_refused_at_once(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="one of them"):
        mr.denoise_folder(archive, tmp_path / "out", cluster="tcp://a:1", jobs=2)
    with pytest.raises(SettingsError, match="above 0, got 0"):
        mr.denoise_folder(archive, tmp_path / "out", jobs=0)


def test_other_versions_are_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = Client.get_versions

    def older(self: Client, **options: Any) -> Any:
        found = versions(self, **options)
        worker = next(iter(found["workers"].values()))
        worker["packages"] = {**worker["packages"], "medrestore": None}
        return found

    monkeypatch.setattr(Client, "get_versions", older)
    with pytest.raises(ClusterError, match=r"has medrestore not at all, this machine"):
        with connected(address):
            pass


def test_patches_of_python_go_together() -> None:
    assert connect._version("3.11.7.final.0") == connect._version("3.11.9.final.0") == "3.11"
    assert connect._version("2026.8.0") != connect._version("2026.8.1")


def test_the_pool_follows_its_workers_and_their_gpus() -> None:
    workers: dict[str, Any] = {}
    client: Any = SimpleNamespace(scheduler_info=lambda n_workers: {"workers": workers})
    now = [0.0]
    pool = WorkerPool(client, lambda: now[0])
    assert pool.size == 0 and pool.resources == {}
    workers |= {"a": {"resources": {}}, "b": {"resources": {}}}
    assert pool.size == 0  # asked a moment ago
    now[0] = 5
    assert pool.size == 2 and pool.resources == {}
    workers["c"] = {"resources": {"GPU": 2.0}}
    now[0] = 10
    assert pool.size == 2 and pool.resources == {"GPU": 1}


def test_by_certificates(archive: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make certificates")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=medrestore", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, *files], check=True, capture_output=True)
    pair = {"cert": str(certificate), "key": str(key)}
    tls = {**dask.config.get("distributed.comm.tls"), "ca-file": str(certificate)}
    tls |= dict.fromkeys(("scheduler", "worker", "client"), pair)
    threads = torch.get_num_threads()
    with dask.config.set({"distributed.comm.tls": tls}):
        local = {**IN_PROCESS, "protocol": "tls://", "security": Security()}
        with LocalCluster(n_workers=1, threads_per_worker=1, **local) as cluster:
            address = cluster.scheduler_address
            assert address.startswith("tls://")
            summary = mr.denoise_folder(archive, tmp_path / "out", cluster=address, **FAST)
            with (
                dask.config.set(
                    {"distributed.comm.tls": {**tls, "client": {"cert": None, "key": None}}}
                ),
                pytest.raises(ClusterError, match=r"distributed\.comm\.tls"),
            ):
                mr.denoise_folder(archive, tmp_path / "no", cluster=address, **FAST)
    torch.set_num_threads(threads)
    assert len(summary.restored) == 4
