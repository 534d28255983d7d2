"""Peers' images, kept under ignored ``runs/benchmark_cache``: they take hours and never change.

The key is the SHA-256 of the noisy voxels with the method's name, parameters and version, so that a
new noise simulation or a new release of a peer is computed anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("MEDRESTORE_BENCH_CACHE", ROOT / "runs" / "benchmark_cache"))
PYTHON = os.environ.get("MEDRESTORE_BENCH_PYTHON", sys.executable)
"""Interpreter of the environment that holds BM4D and DIPY (``benchmarks/requirements.txt``)."""


def digest(array: NDArray[Any]) -> str:
    """SHA-256 of an array's values and shape, 16 hex digits."""
    state = hashlib.sha256(np.ascontiguousarray(array).tobytes())
    state.update(repr(array.shape).encode())
    return state.hexdigest()[:16]


@lru_cache
def external_version(package: str) -> str | None:
    """Version of a package in the external environment; None where it is not installed."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    found = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def cached(
    noisy: NDArray[np.float32],
    method: str,
    parameters: dict[str, Any],
    version: str,
    compute: Callable[[], NDArray[np.float32]],
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """An image and its facts (method, version, parameters, CPU seconds), computed at most once."""
    facts = {"method": method, "version": version, "parameters": parameters}
    text = json.dumps([digest(noisy), facts], sort_keys=True)
    path = FOLDER / f"{method}_{hashlib.sha256(text.encode()).hexdigest()[:20]}.npy"
    about = path.with_suffix(".json")
    if about.is_file():
        return np.load(path), json.loads(about.read_text())
    FOLDER.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    own_clock = os.times()
    image = np.asarray(compute(), dtype=np.float32)
    spent = os.times()
    facts["cpu_seconds"] = round(
        time.process_time()
        - started
        + (spent.children_user + spent.children_system)
        - (own_clock.children_user + own_clock.children_system),
        2,
    )
    with tempfile.NamedTemporaryFile(dir=FOLDER, suffix=".npy", delete=False) as file:
        np.save(file, image)
    os.replace(file.name, path)
    about.write_text(json.dumps(facts))
    return image, facts


def external(
    noisy: NDArray[np.float32],
    method: str,
    parameters: dict[str, Any],
    arrays: dict[str, NDArray[Any]] | None = None,
) -> tuple[NDArray[np.float32], dict[str, Any]] | None:
    """A peer run in the external environment; None where its package is not installed there.

    ``arrays`` are parameters too large for JSON: they travel as files and enter the key by hash.
    """
    version = external_version(method)
    if version is None:
        return None
    arrays = arrays or {}
    hashes = {f"{name}_sha256": digest(array) for name, array in arrays.items()}

    def compute() -> NDArray[np.float32]:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            np.save(folder / "input.npy", noisy)
            files = {f"{name}_file": str(folder / f"{name}.npy") for name in arrays}
            for name, array in arrays.items():
                np.save(folder / f"{name}.npy", array)
            job = {
                "method": method,
                "parameters": parameters | files,
                "input": str(folder / "input.npy"),
                "output": str(folder / "output.npy"),
            }
            (folder / "job.json").write_text(json.dumps(job))
            script = Path(__file__).with_name("external.py")
            subprocess.run([PYTHON, str(script), str(folder / "job.json")], check=True)
            image: NDArray[np.float32] = np.load(folder / "output.npy")
            return image

    return cached(noisy, method, parameters | hashes, f"{method} {version}", compute)
