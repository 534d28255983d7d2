"""Zero-filled MR restored as it is shown, and on the grid that it was acquired on.

    python -m benchmarks.own_grid.run [--model mr_slice] [--slices 1] [--samples 0]

A scan is taken for the image of an acquired grid: complex white noise of σ is added there (seed 0),
k-space is filled with zeros and the magnitude taken, which is what a scanner shows; the truth is
the same without noise, and has the noise of the scan itself. *shown*: restored as it is, σ told.
*acquired*: on the acquired grid with the same σ, and zero-filled again (`engine.own_grid`).
*found*: likewise on the grid that the edge in k-space tells. RMSE over σ, RMS std over RMSE,
coverage of the 90 % interval, in the foreground (above 6 %) of the shown grid; CPU seconds of the
networks. Writes `benchmarks/own_grid/<model>.csv`.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import medrestore as mr
from medrestore.core.acquired_grid import acquired_grid
from medrestore.core.intensity import foreground_scale, noise_free_scale
from medrestore.core.zero_filling import resampled
from medrestore.engine.noise import Noise
from medrestore.engine.own_grid import acquired, shown
from medrestore.engine.pipeline import run
from medrestore.engine.resolve import resolve
from medrestore.models.model import find_card

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
NEIGHBOURS = 3
MAPS = ("restored", "std", "lower", "upper")


class Scan(NamedTuple):
    """A file; its k-space is first cut to a share, which noise is added on; then zero-filled."""

    file: str
    cut: tuple[float, float]
    filling: tuple[float, float]


SCANS = {
    "brain 1, 2:1": Scan("validation/mr_pyradiomics_brain1", (1, 1), (2, 2)),
    "thigh T1, one axis 2:1": Scan("train/mr/sts001_thigh_t1", (0.5, 1), (2, 1)),
    "FLAIR, one axis 1.5:1": Scan("train/mr/ms01_brain_flair", (1, 0.67), (1, 1.5)),
    "brain 2, 2:1": Scan("validation/mr_pyradiomics_brain2", (1, 1), (2, 2)),
    "FLAIR, 2:1": Scan("train/mr/ms01_brain_flair", (0.94, 0.67), (2, 2)),
}
LEVELS = (0.03, 0.09)


def even(n: float) -> int:
    """The even number next to it."""
    return 2 * round(n / 2)


def clean_image(scan: Scan, slices: int) -> np.ndarray[Any, Any]:
    """Magnitudes on the acquired grid: the middle slices and their neighbours."""
    array = mr.read(DATA / f"{scan.file}.nii.gz", modality="MR").array
    first = (len(array) - slices) // 2 - NEIGHBOURS
    part = array[first : first + slices + 2 * NEIGHBOURS]
    rows, columns = (even(n * cut) for n, cut in zip(part.shape[1:], scan.cut, strict=True))
    part = part[:, : 2 * (part.shape[1] // 2), : 2 * (part.shape[2] // 2)]
    return np.abs(resampled(part, (rows, columns)))


def restored(
    volume: mr.Volume, grid: tuple[int, int], sigma: float, asked: argparse.Namespace
) -> dict[str, Any]:
    """Maps of the middle slices as shown, restored on a grid, and the CPU seconds that took."""
    settings = mr.Settings(model=asked.model, samples=asked.samples)
    scale, card = noise_free_scale(volume.array, sigma), find_card(asked.model, "MR")
    plan = resolve(settings, volume, card, Noise(sigma), scale, "cpu")
    plan = plan.for_slices(tuple(range(NEIGHBOURS, len(volume.array) - NEIGHBOURS)))
    engine, here = plan.load_model(), acquired(plan, volume, grid)
    began = time.process_time()
    arrays = run(*here, engine)
    seconds = time.process_time() - began
    maps = shown(arrays, plan, volume)
    return {k: getattr(maps, k) for k in MAPS} | {"seconds": seconds}


def scored(maps: dict[str, Any], truth: np.ndarray[Any, Any], sigma: float) -> dict[str, Any]:
    """What the table says of maps on the shown grid."""
    inside = truth > 0.06 * foreground_scale(truth)
    error = (maps["restored"] - truth)[inside].astype(np.float64)
    rmse = float(np.sqrt(np.mean(error**2)))
    std = float(np.sqrt(np.mean(maps["std"][inside].astype(np.float64) ** 2)))
    covered = (maps["lower"] <= truth) & (truth <= maps["upper"])
    return {
        "rmse_sigma": round(rmse / sigma, 4),
        "std_error": round(std / rmse, 3),
        "coverage": round(float(covered[inside].mean()), 3),
        "seconds": round(maps["seconds"], 2),
    }


def measured(name: str, level: float, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each grid."""
    clean = clean_image(SCANS[name], asked.slices)
    grid = clean.shape[1:]
    wide = tuple(even(n * f) for n, f in zip(grid, SCANS[name].filling, strict=True))
    middle = slice(NEIGHBOURS, -NEIGHBOURS)
    sigma = level * foreground_scale(clean)
    rng = np.random.default_rng(0)
    noise = (sigma * rng.standard_normal((2, *clean.shape))).astype(np.float32)
    array = np.hypot(resampled(clean + noise[0], wide), resampled(noise[1], wide))
    truth = np.abs(resampled(clean[middle], wide))
    volume = mr.Volume(array, mr.Geometry(array.shape, np.diag([1.0, 1, 4, 1])), "MR")
    grids = {"shown": wide, "acquired": grid}
    found = acquired_grid(array, foreground_scale(array))
    if found is not None:
        grids["found"] = found
    head = {"scan": name, "noise": level, "samples": asked.samples}
    return [
        head
        | {"grid": kind, "rows": rows, "columns": columns}
        | scored(restored(volume, (rows, columns), sigma, asked), truth, sigma)
        for kind, (rows, columns) in grids.items()
    ]


def main() -> None:
    """Restore both ways, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="mr_slice")
    parser.add_argument("--slices", type=int, default=1)
    parser.add_argument("--samples", type=int, default=0)
    asked, table = parser.parse_args(), []
    for name in SCANS:
        for level in LEVELS:
            rows = measured(name, level, asked)
            table += rows
            for row in rows:
                print(*row.values(), flush=True)
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()
