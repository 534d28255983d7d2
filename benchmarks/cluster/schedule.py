"""10,000 scans on 100 workers, without their work: what a batch asks of the scheduler's memory.

The scheduler is a process of its own, so that its memory is nobody else's; the workers are 100
Dask workers in this process, and a scan is a worker that sleeps for the seconds that were drawn for
it. Everything in between is what a batch uses: `batch.cluster.executor.ClusterExecutor`.

    python -m benchmarks.cluster.schedule [--scans N --workers N --messages-kept N --at-once]

``--messages-kept`` is the scheduler's ``distributed.admin.low-level-log-length``, for each worker.
``--at-once`` hands all scans over before the first is done, as one would without `ClusterExecutor`.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import psutil
from distributed import Client, Worker

from medrestore.batch.cluster import executor as module
from medrestore.batch.cluster.executor import ClusterExecutor
from medrestore.batch.page import Article
from medrestore.batch.task import Done, FileOptions, Task
from medrestore.core.meter import SILENT
from medrestore.io import Scan
from medrestore.settings.settings import Settings

# 100 workers in one process: each would sample its threads and the GIL a thousand times a second
dask.config.set({"distributed.worker.profile.enabled": False})
dask.config.set({"distributed.admin.system-monitor.gil.enabled": False})
SEED = 0
SECONDS = (0.5, 2.0)
"""A scan takes between these; sleeping, so 100 workers fit onto two cores."""
EVERY = 200
"""Scans between two looks at the scheduler."""
NOWHERE = Path("/nowhere")
COLUMNS = ("how", "scans_done", "seconds", "tasks_held", "scheduler_rss_mb")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--at-once", action="store_true")
    parser.add_argument("--messages-kept", type=int, default=10, help="Dask's default is 1000")
    asked = parser.parse_args()
    kept = asked.messages_kept
    name = "schedule_at_once.csv" if asked.at_once else f"schedule_{kept}_messages.csv"
    out = Path(__file__).with_name(name)
    module.restore_task = slept
    how = "all at once" if asked.at_once else "as a batch does"
    with tempfile.TemporaryDirectory() as folder, scheduler(Path(folder), kept) as (address, pid):
        with Client(address, set_as_default=False) as client:
            workers = client.sync(hire, address, asked.workers)
            with out.open("w", newline="") as file:
                table = csv.writer(file)
                table.writerow(COLUMNS)
                begin, watched = time.monotonic(), psutil.Process(pid)
                run = at_once if asked.at_once else flowing
                for done in run(client, asked.scans):
                    if done % EVERY == 0:
                        held = client.run_on_scheduler(tasks_held)
                        rss = watched.memory_info().rss / 1e6
                        row = (how, done, round(time.monotonic() - begin, 1), held, round(rss, 1))
                        table.writerow(row)
                        print(*row, flush=True)
            client.sync(dismiss, workers)


def flowing(client: Client, scans: int) -> Iterator[int]:
    outcomes = ClusterExecutor(client, SILENT).outcomes(tasks(scans), scans)
    for done, _ in enumerate(outcomes, 1):
        yield done


def at_once(client: Client, scans: int) -> Iterator[int]:
    futures = [
        client.submit(slept, task.packed(), key=("scan", task.number)) for task in tasks(scans)
    ]
    yield 0
    for done, future in enumerate(futures, 1):
        future.result()
        yield done


def tasks(scans: int) -> Iterator[Task]:
    """Scans of DICOM series of 100 files each: what travels is as large as it really is."""
    chance, options = random.Random(SEED), FileOptions("CT", None, "error", "source", False)
    for number in range(1, scans + 1):
        name = f"site{number % 30}/patient{number:05d}/series"
        files = tuple(NOWHERE / name / f"image{i:04d}.dcm" for i in range(100))
        shape, spacing = (100, 512, 512), (1.0, 0.7, 0.7)
        scan = Scan(NOWHERE / name, "dicom", "CT", shape, spacing, "SPL", files=files, name="s")
        seconds = chance.uniform(*SECONDS)
        yield Task(
            number=number,
            scan=scan,
            name=name,
            label=name,
            root=NOWHERE,
            folder=NOWHERE / "out" / name,
            out=NOWHERE / "out",
            stem="s",
            settings=Settings(samples=0),
            files=options,
            requested={"seconds": seconds},
            key=f"{number:064d}",
            total=scans,
        )


def slept(packed: bytes) -> Done:
    """Stands for the work: as long as drawn, and a page's article of a usual size."""
    task = Task.unpacked(packed)
    time.sleep(task.requested["seconds"])
    article = Article(task.name, "CT", 1.0, 0, False, "x" * 4000)
    return Done(task.key or "", {"outputs": [task.name]}, article, 1.0, (f"{task.name}_run.json",))


def tasks_held(dask_scheduler: object) -> int:
    return len(dask_scheduler.tasks)  # type: ignore[attr-defined]


@contextmanager
def scheduler(folder: Path, kept: int) -> Iterator[tuple[str, int]]:
    """A scheduler in a process of its own: its address, and the process's number."""
    file = folder / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    command += ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
    command += ["--dashboard-address", "127.0.0.1:0"]
    quiet = {"PYTHONPATH": path(), "DASK_LOGGING__DISTRIBUTED": "error"}
    quiet["DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH"] = str(kept)
    with subprocess.Popen(command, env={**os.environ, **quiet}) as process:
        while not file.exists() or not file.read_text().endswith("}"):
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], process.pid
        process.terminate()


def path() -> str:
    """The scheduler unpickles what it is sent: it finds these modules too."""
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


async def hire(address: str, count: int) -> list[Worker]:
    options = {"dashboard": False, "dashboard_address": "127.0.0.1:0", "memory_limit": 0}
    options |= {"host": "127.0.0.1", "nthreads": 1, "silence_logs": 40}
    return [await Worker(address, name=str(n), **options) for n in range(count)]


async def dismiss(workers: Iterable[Worker]) -> None:
    for worker in workers:
        await worker.close()


if __name__ == "__main__":
    main()
