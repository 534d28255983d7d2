"""Scans per minute of one worker process with one thread, and of two.

    python -m benchmarks.cluster.throughput [--scans N --rounds N]

Generated scans (a noisy sphere of 8 slices of 96 × 96), `mr_slice`, two samples. The workers
have loaded torch and the model before the clock starts. Rounds alternate between one worker and
two, so that what else the machine does meets both. ``cpu_seconds`` is what the workers computed for
a scan: it hardly depends on how much of the cores others take, and on cores of their own two
workers would do ``2 / cpu_seconds`` scans a second where one does ``1 / cpu_seconds``.
"""

import argparse
import csv
import os
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np
import psutil
from distributed import Client, LocalCluster
from numpy.typing import NDArray

import medrestore as mr
from medrestore.batch.cluster.worker import RestoringWorker

SEED = 0
SETTINGS = {"modality": "MR", "model": "mr_slice", "noise": 0.05, "samples": 2, "device": "cpu"}
COLUMNS = ("round", "workers", "scans", "seconds", "scans_per_minute", "cpu_seconds", "load")
HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root / "in", asked.scans)
        make(root / "warm", 4)
        clusters = {n: LocalCluster(n_workers=n, threads_per_worker=1, **QUIET) for n in (1, 2)}
        for workers, cluster in clusters.items():
            with Client(cluster, set_as_default=False) as client:
                client.register_plugin(RestoringWorker())
            restore(root / "warm", root / f"warm{workers}", cluster)
        for number in range(asked.rounds):
            for workers, cluster in clusters.items():
                before, begin = computed(cluster), time.monotonic()
                restore(root / "in", root / f"out{number}_{workers}", cluster)
                seconds = time.monotonic() - begin
                per_minute = 60 * asked.scans / seconds
                cpu = (computed(cluster) - before) / asked.scans
                row = (number, workers, asked.scans, round(seconds, 2), round(per_minute, 2))
                rows.append((*row, round(cpu, 3), round(os.getloadavg()[0], 2)))
                print(*rows[-1], flush=True)
        for cluster in clusters.values():
            cluster.close()
    with (HERE / "throughput.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    rate, cpu = ({n: column_of(rows, n, column) for n in (1, 2)} for column in (4, 5))
    print(f"two workers over one, median of rounds: {np.median(rate[2] / rate[1]):.2f}")
    print(f"with a core for each: {2 * np.median(cpu[1]) / np.median(cpu[2]):.2f}")


def column_of(rows: list[tuple[float, ...]], workers: int, column: int) -> NDArray[np.float64]:
    """Of all rounds with so many workers, in their order."""
    return np.array([row[column] for row in rows if row[1] == workers])


def computed(cluster: LocalCluster) -> float:
    """Seconds of processor time that the workers have had."""
    with Client(cluster, set_as_default=False) as client:
        times = client.run(lambda: sum(psutil.Process().cpu_times()[:2]))
    return float(sum(times.values()))


QUIET = {
    "host": "127.0.0.1",
    "worker_dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    "memory_limit": None,
    "silence_logs": 40,
}


def restore(root: Path, out: Path, cluster: LocalCluster) -> None:
    mr.denoise_folder(root, out, cluster=cluster.scheduler_address, **SETTINGS)


def make(root: Path, count: int) -> None:
    chance = np.random.default_rng(SEED)
    z, y, x = np.mgrid[-1:1:8j, -1:1:96j, -1:1:96j]
    sphere = np.where(z**2 + y**2 + x**2 < 0.7, 400 + 100 * np.sin(8 * x), 0)
    root.mkdir()
    for number in range(count):
        real, imaginary = chance.normal(0, 20, (2, *sphere.shape))
        noisy = np.hypot(sphere + real, imaginary).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(noisy.T, np.eye(4)), root / f"scan{number}.nii.gz")


if __name__ == "__main__":
    main()
