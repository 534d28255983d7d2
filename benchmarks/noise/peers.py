"""DIPY's and scikit-image's estimators, run where ``MEDRESTORE_BENCH_PYTHON`` points."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NAMES", "sigmas"]

NAMES = ("DIPY, N = 0", "DIPY, N = 1", "DIPY PIESNO", "scikit-image")


@lru_cache(maxsize=1)
def _worker() -> subprocess.Popen[str]:
    """The process that answers, started once."""
    python = os.environ.get("MEDRESTORE_BENCH_PYTHON")
    if not python:
        raise RuntimeError(
            "DIPY and scikit-image's wavelets need an environment of their own: "
            "see benchmarks/requirements.txt, and set MEDRESTORE_BENCH_PYTHON"
        )
    command = [python, str(Path(__file__).with_name("external.py"))]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def sigmas(array: NDArray[np.float32]) -> dict[str, float]:
    """σ of a scan (z, y, x) by each of `NAMES`; NaN where one gives up."""
    worker = _worker()
    assert worker.stdin is not None
    assert worker.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.npy"
        np.save(path, array)
        worker.stdin.write(f"{path}\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
    if not answer:
        raise RuntimeError("the peers' process ended; its last words are above")
    return dict(json.loads(answer))
