"""Stands for the work on a scan, where only the way there and back is tested; for workers too."""

import os
import time
from pathlib import Path

from medrestore.batch.page import Article
from medrestore.batch.task import Done, FileOptions, Task
from medrestore.io import Scan
from medrestore.settings.settings import Settings

KILLER = "killer"


def tasks(count: int, killers: tuple[int, ...] = ()) -> list[Task]:
    """Tasks of scans that do not exist."""
    nowhere, files = Path("/nowhere"), FileOptions("MR", None, "error", "source", False)
    made = []
    for number in range(1, count + 1):
        name = KILLER if number in killers else f"scan{number}"
        scan = Scan(nowhere / name, "nifti", "MR", (3, 40, 48), (1.0, 1.0, 1.0), "SPL", name=name)
        common = {"name": name, "label": name, "stem": name, "requested": {}, "key": str(number)}
        folders = {"root": nowhere, "folder": nowhere / "out" / name, "out": nowhere / "out"}
        made.append(
            Task(number, scan, settings=Settings(), files=files, total=1, **common, **folders)
        )
    return made


def done(task: Task) -> Done:
    article = Article(task.name, "MR", 0.0, 0, False, "x" * 1000)
    return Done(task.key or "", {"pid": os.getpid()}, article, 0.0, (f"{task.name}_run.json",))


def quick(packed: bytes) -> Done:
    """Done at once; a killer takes its worker with it."""
    task = Task.unpacked(packed)
    if task.name == KILLER:
        time.sleep(1.5)  # Dask restarts no worker that dies while it starts
        os._exit(1)
    time.sleep(0.002)
    return done(task)
