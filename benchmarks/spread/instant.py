"""How long do regions take after a run, and those of a saved run?

    python -m benchmarks.spread.instant [--regions 20] [--samples 8] [--slices 16] [--seed 0]

The middle slices of validation scans of both modalities with added noise, restored by the default
model; disjoint boxes of 10×10 voxels, each read out by a call of `Result.region`. ``saved``: the
same without what the run left, as of a run that was opened again; one region. Writes
`benchmarks/spread/instant.csv`.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import medrestore as mr
from benchmarks.quality.cases import DATA

HERE = Path(__file__).resolve().parent
SCANS = {"mr_niivue_t2w": ("MR", 0.05), "ct_totalseg_abdomen": ("CT", 20.0)}
SIDE = 10


def boxes(shape: tuple[int, ...], count: int) -> list[np.ndarray[Any, Any]]:
    """Masks of boxes spread over the middle of a scan."""
    found = []
    for i in range(count):
        mask = np.zeros(shape, bool)
        y, x = (n // 4 + (i * step) % (n // 2) for n, step in zip(shape[1:], (17, 29), strict=True))
        mask[i % shape[0], y : y + SIDE, x : x + SIDE] = True
        found.append(mask)
    return found


def timed(result: mr.Result, masks: list[np.ndarray[Any, Any]]) -> float:
    """Seconds that reading out the regions takes."""
    started = time.perf_counter()
    for mask in masks:
        result.region(mask)
    return time.perf_counter() - started


def row_of(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """One scan's figures."""
    modality, noise = SCANS[name]
    volume = mr.read(DATA / "validation" / f"{name}.nii.gz", modality)
    first = max((volume.geometry.shape[0] - asked.slices) // 2, 0)
    part = volume.slices(tuple(range(first, min(first + asked.slices, volume.geometry.shape[0]))))
    started = time.perf_counter()
    result = mr.denoise(part, noise=noise, samples=asked.samples, seed=asked.seed, device="cpu")
    ran = time.perf_counter() - started
    masks = boxes(result.plan.shape, asked.regions)
    saved = replace(result, _arrays=None)
    return {
        "scan": name,
        "shape": "×".join(map(str, result.plan.shape)),
        "samples": result.drawn,
        "run_s": round(ran, 1),
        "regions": len(masks),
        "regions_s": round(timed(result, masks), 3),
        "again_s": round(timed(result, masks), 3),
        "saved_one_region_s": round(timed(saved, masks[:1]), 2),
        "load": round(os.getloadavg()[0], 1),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} core(s)",
        "date": date.today().isoformat(),
    }


def main() -> None:
    """Run, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=20)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--slices", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", nargs="*", default=list(SCANS))
    asked = parser.parse_args()
    rows = [row_of(name, asked) for name in asked.scans]
    for row in rows:
        print(row)
    with (HERE / "instant.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
