"""Runs one peer that lives in an environment of its own; started by `peers.py`, not by hand.

    BENCH_PYTHON external.py JOB.json

The job names a method, its parameters, an input and an output file (.npy). Imports nothing of
medrestore, so that the environment needs `benchmarks/requirements.txt` only. BM4D's licence is
non-commercial: it is compared with, never depended on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def run_bm4d(noisy, sigma, psd_file=None):
    """BM4D with a standard deviation, or with the noise's power spectrum (z, y, x)."""
    from bm4d import BM4DProfile, bm4d

    if not hasattr(np, "trapz"):  # gone in NumPy 2.4; bm4d 4.2.5 calls it for a spectrum
        np.trapz = np.trapezoid
    profile = BM4DProfile()  # "np", its default
    profile.num_threads = 1  # the same sums in the same order on every machine
    return bm4d(noisy, np.load(psd_file) if psd_file else sigma, profile)


def run_dipy(noisy, sigma, method, rician, factor):
    """DIPY's non-local means, radii as it has them; ``factor`` of σ decides its weights."""
    from dipy.denoise.nlmeans import nlmeans

    return nlmeans(
        noisy.astype(np.float64),
        sigma=factor * sigma,
        rician=rician,
        method=method,
        num_threads=1,
    )


METHODS = {"bm4d": run_bm4d, "dipy": run_dipy}


def main(job_file: str) -> None:
    """Run the job and write the image."""
    job = json.loads(Path(job_file).read_text())
    noisy = np.load(job["input"])
    image = METHODS[job["method"]](noisy, **job["parameters"])
    np.save(job["output"], np.asarray(image, dtype=np.float32))


if __name__ == "__main__":
    main(sys.argv[1])
