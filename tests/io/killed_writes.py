"""Writes that end badly, each in a process of its own; prints one line of JSON per end.

``python killed_writes.py FOLDER kill|full|readonly KIND``: imports once, then forks.
"""

import builtins
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_seeds import STORED, encoded, mosaic

from medrestore import io
from medrestore.errors import OutputError
from medrestore.volume import Geometry, Volume

NAMES = {"nifti": "scan.nii.gz", "nrrd": "scan.nrrd", "mhd": "scan.mhd", "dicom": "series"}
SHAPE = (6, 60, 70)


def volume_of(kind: str, source: Path, value: float) -> Volume:
    """Noise about a value, so that nothing packs small; for DICOM on the grid of a source."""
    if kind == "dicom":
        scan = io.read(source)
        return scan.with_array(np.full(scan.array.shape, value))
    array = np.random.default_rng(0).normal(value, 1, SHAPE)
    return Volume(array, Geometry(SHAPE, np.eye(4)), "MR")


def end_of(child: Callable[[], None]) -> int:
    """Wait status of a forked process."""
    pid = os.fork()
    if pid == 0:
        try:
            child()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


def dying(path: Path, volume: Volume, point: int) -> None:
    """Write; killed when a file is synced, moved or made for the ``point``-th time."""
    calls = 0
    if point < 0:  # in the middle of the voxels: the kernel ends what writes beyond a limit
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **keywords)

        return call

    for name in ("replace", "rename", "fsync", "mkdir", "close"):
        setattr(os, name, deadly(getattr(os, name)))
    builtins.open = deadly(builtins.open)
    io.write(volume, path, overwrite=True)


def state(path: Path, old: Volume, new: Volume) -> str:
    if not path.exists():
        return "nothing"
    array = io.read(path, modality="MR").array
    for name, volume in (("old", old), ("new", new)):
        if array.shape == volume.array.shape and np.allclose(array, volume.array, rtol=1e-3):
            return name
    return "broken"


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join(f.read_bytes() for f in sorted(folder.iterdir()))).hexdigest()


def kill(folder: Path, kind: str, source: Path) -> None:
    old, new = volume_of(kind, source, 100), volume_of(kind, source, 200)
    before = digest(source)
    for existing in (False, True):
        for point in (-1, *range(1, 400)):
            out = folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            path = out / NAMES[kind]
            if existing:
                io.write(old, path)
            status = end_of(lambda path=path, point=point: dying(path, new, point))
            found = state(path, old, new)
            listed = len(io.find(out))
            for left in out.glob(".medrestore-*"):
                os.utime(left, (0, 0))
            io.write(new, path, overwrite=True)
            fact = {
                "existing": existing,
                "point": point,
                "signal": os.WTERMSIG(status),
                "state": found,
                "listed": listed,
                "source": digest(source) == before,
                "after": state(path, old, new),
                "left": [left.name for left in out.glob(".*")],
            }
            print(json.dumps(fact), flush=True)
            if point > 0 and not os.WTERMSIG(status):
                break


def failing(folder: Path, kind: str, source: Path, prepare: Callable[[Path], None]) -> None:
    """Write where it cannot succeed, over nothing and over a result; say how it ended."""
    old, new = volume_of(kind, source, 100), volume_of(kind, source, 200)
    for existing in (False, True):
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        path = out / NAMES[kind]
        if existing:
            io.write(old, path)
        before = sorted(out.rglob("*"))

        def child(path: Path = path, out: Path = out, existing: bool = existing) -> None:
            fact: dict[str, Any] = {"existing": existing, "error": "none"}
            prepare(out)
            try:
                io.write(new, path, overwrite=True)
            except OutputError as error:
                fact["error"] = str(error)
            print(json.dumps(fact), flush=True)

        end_of(child)
        out.chmod(0o755)
        fact = {"same": sorted(out.rglob("*")) == before, "state": state(path, old, new)}
        print(json.dumps(fact), flush=True)


def fill(out: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))


def lock(out: Path) -> None:
    out.chmod(0o555)
    if os.getuid() == 0:
        for folder in (*out.parents, out):
            if folder != Path("/") and folder.stat().st_mode & 0o001 == 0:
                folder.chmod(folder.stat().st_mode | 0o055)
        os.setgid(65534)
        os.setuid(65534)


def main() -> None:
    folder, mode, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    source = folder / "source"
    source.mkdir()
    (source / "scan.dcm").write_bytes(encoded(mosaic()))
    assert len(STORED) == len(io.read(source).array)
    if mode == "kill":
        kill(folder, kind, source)
    else:
        failing(folder, kind, source, fill if mode == "full" else lock)


if __name__ == "__main__":
    main()
