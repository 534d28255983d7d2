"""Zero-filled MR restored as it is shown, and on the grid that it was acquired on.

    python -m benchmarks.own_grid.run [--model mr_slice] [--slices 1] [--samples 0] [--mirroring on]
        [--scans …] [--grids shown acquired auto bm4d] [--sigma told estimated]

A scan is taken for the image of an acquired grid: complex white noise of σ is added there (seed 0),
k-space is filled with zeros and the magnitude taken, which is what a scanner shows; the truth is
the same without noise, and has the noise of the scan itself. σ is told, or estimated from the
noisy image (``found_sigma`` is the estimate over the true one). *shown*: restored as it is.
*acquired*: on the acquired grid, which the file is taken to tell. *auto*: as a user gets it, the
file telling nothing; ``chosen`` is the grid that was. *bm4d*: BM4D with the true σ on the acquired
grid, its bias taken off, zero-filled; left out where it is not installed
(`benchmarks/requirements.txt`), kept under `runs/benchmark_cache`. RMSE over σ, RMS std over RMSE,
coverage of the 90 % interval, in the foreground (above 6 %) of the shown grid; decibels gained over
*shown* and over *bm4d*; CPU seconds of the whole run. Writes `benchmarks/own_grid/<model>.csv`, of
which rows of other parts stay, and the table of `docs/mathematics.md`.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import medrestore as mr
from benchmarks.own_grid.page import write_table
from benchmarks.quality.cache import external
from medrestore.api import make_plan
from medrestore.core.intensity import foreground_scale
from medrestore.core.zero_filling import resampled
from medrestore.engine.noise import Level, resolve_levels
from medrestore.restorer import RESTORER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
NEIGHBOURS = 3


class Scan(NamedTuple):
    """A file; its k-space is first cut to a share, which noise is added on; then zero-filled."""

    file: str
    filling: tuple[float, float]
    cut: tuple[float, float] = (1, 1)


BRAIN_1, BRAIN_2 = "validation/mr_pyradiomics_brain1", "validation/mr_pyradiomics_brain2"
HEAD, PROSTATE = "validation/mr_uih_t1_b", "train/mr/px0001_prostate_t2cor"
FLAIR, PHASE = "train/mr/ms19_brain_flair", (0.93, 0.7)
SCANS = {
    "T1+Gd 1, 2:1": Scan(BRAIN_1, (2, 2)),
    "T1+Gd 2, 2:1": Scan(BRAIN_2, (2, 2)),
    "T1 head, 2:1": Scan(HEAD, (2, 2)),
    "prostate T2, 2:1": Scan(PROSTATE, (2, 2)),
    "FLAIR, 2:1": Scan(FLAIR, (2, 2), PHASE),
    "T1+Gd 2, 1.5:1": Scan(BRAIN_2, (1.5, 1.5)),
    "T1 head, 1.5:1": Scan(HEAD, (1.5, 1.5)),
    "prostate T2, 1.5:1": Scan(PROSTATE, (1.5, 1.5)),
    "T1+Gd 2, 1.25:1": Scan(BRAIN_2, (1.25, 1.25)),
    "T1 head, 1.25:1": Scan(HEAD, (1.25, 1.25)),
    "T1+Gd 2, 2:1 and 1.33:1": Scan(BRAIN_2, (2, 1.33)),
    "T1+Gd 1, rows 2:1": Scan(BRAIN_1, (2, 1), (0.5, 1)),
    "prostate T2, rows 2:1": Scan(PROSTATE, (2, 1), (0.5, 1)),
    "FLAIR, columns 1.5:1": Scan(FLAIR, (1, 1.5), PHASE),
    "T1+Gd 1, 128², 2:1": Scan(BRAIN_1, (2, 2), (0.5, 0.5)),
    "T1+Gd 2, 176², 2:1": Scan(BRAIN_2, (2, 2), (0.6875, 0.6875)),
    "T1 head, 128 × 116, 2:1": Scan(HEAD, (2, 2), (0.5, 0.5)),
    "prostate T2, 160², 2:1": Scan(PROSTATE, (2, 2), (0.5, 0.5)),
    "FLAIR, 178 × 198, 2:1": Scan(FLAIR, (2, 2), (0.5, 0.7)),
}
"""People whom no shipped MR model was trained on, nor those in training on 2026-11-30."""
LEVELS = (0.03, 0.09)
GRIDS = ("shown", "acquired", "auto", "bm4d")
SIGMAS = ("told", "estimated")


def even(n: float) -> int:
    """The even number next to it."""
    return 2 * round(n / 2)


def clean_image(scan: Scan, slices: int) -> np.ndarray[Any, Any]:
    """Magnitudes on the acquired grid: the middle slices and their neighbours."""
    array = mr.read(DATA / f"{scan.file}.nii.gz", modality="MR").array
    first = (len(array) - slices) // 2 - NEIGHBOURS
    part = array[first : first + slices + 2 * NEIGHBOURS]
    part = part[:, : 2 * (part.shape[1] // 2), : 2 * (part.shape[2] // 2)]
    rows, columns = (even(n * cut) for n, cut in zip(part.shape[1:], scan.cut, strict=True))
    return np.abs(resampled(part, (rows, columns)))


class Case(NamedTuple):
    """A scan as shown and its truth; as acquired, with its noise; that noise as it is told."""

    volume: mr.Volume
    truth: np.ndarray[Any, Any]
    acquired: np.ndarray[Any, Any]
    sigma: float
    levels: tuple[Level, ...]


def case_of(scan: Scan, level: float, slices: int) -> Case:
    """Noise on the acquired grid, zeros around it, magnitudes."""
    clean = clean_image(scan, slices)
    wide = tuple(even(n * f) for n, f in zip(clean.shape[1:], scan.filling, strict=True))
    sigma = level * foreground_scale(clean)
    rng = np.random.default_rng(0)
    noise = (sigma * rng.standard_normal((2, *clean.shape))).astype(np.float32)
    array = np.hypot(resampled(clean + noise[0], wide), resampled(noise[1], wide))
    truth = np.abs(resampled(clean[NEIGHBOURS:-NEIGHBOURS], wide))
    volume = mr.Volume(array, mr.Geometry(array.shape, np.diag([1.0, 1, 4, 1])), "MR")
    levels = resolve_levels(volume, f"{sigma!r} a.u.")
    return Case(volume, truth, np.hypot(clean + noise[0], noise[1]), sigma, levels)


def restored(case: Case, grid: str, known: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Maps of the middle slices as shown, the grid of the run, its σ, and its CPU seconds."""
    volume = case.volume
    if grid == "acquired":
        rows, columns = case.acquired.shape[1:]
        told = replace(volume.source, acquired=(rows - 1, columns - 1))  # this grid holds them
        volume = replace(volume, source=told)
    noise, levels = (f"{case.sigma!r} a.u.", case.levels) if known == "told" else ("auto", None)
    how = {"samples": asked.samples, "mirroring": asked.mirroring}
    settings = mr.Settings(model=asked.model, noise=noise, grid=grid, **how)
    plan = make_plan(volume, settings, levels=levels)
    model = plan.load_model()
    plan = plan.for_slices(tuple(range(NEIGHBOURS, len(volume.array) - NEIGHBOURS)))
    began = time.process_time()
    result = RESTORER.run(plan, volume, model=model)
    seconds = time.process_time() - began
    rows, columns = plan.grid or plan.shape[1:]
    return {k: one.array for k, one in result.layers().items()} | {
        "grid": grid,
        "chosen": f"{rows}×{columns}",
        "found_sigma": round(plan.noise.sigma / case.sigma, 3),
        "seconds": round(seconds, 2),
    }


def bm4d(case: Case) -> dict[str, Any] | None:
    """BM4D on the acquired grid, zero-filled; None where it is not installed."""
    found = external(case.acquired, "bm4d", {"sigma": case.sigma})
    if found is None:
        return None
    image, facts = found
    image = np.sqrt(np.maximum(image**2 - np.float32(case.sigma) ** 2, 0))[NEIGHBOURS:-NEIGHBOURS]
    rows, columns = image.shape[1:]
    return {
        "grid": "bm4d",
        "chosen": f"{rows}×{columns}",
        "restored": np.maximum(resampled(image, case.truth.shape[1:]), 0),
        "seconds": facts["cpu_seconds"],
    }


def scored(maps: dict[str, Any], case: Case) -> dict[str, Any]:
    """What the table says of maps on the shown grid."""
    truth = case.truth
    inside = truth > 0.06 * foreground_scale(truth)
    error = (maps["restored"] - truth)[inside].astype(np.float64)
    rmse = float(np.sqrt(np.mean(error**2)))
    row = {
        "grid": maps["grid"],
        "chosen": maps["chosen"],
        "rmse_sigma": round(rmse / case.sigma, 4),
    }
    if "std" in maps:
        std = float(np.sqrt(np.mean(maps["std"][inside].astype(np.float64) ** 2)))
        covered = (maps["lower"] <= truth) & (truth <= maps["upper"])
        row["std_error"] = round(std / rmse, 3)
        row["coverage"] = round(float(covered[inside].mean()), 3)
    return row | {k: maps[k] for k in ("found_sigma", "seconds") if k in maps}


def measured(name: str, level: float, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each way of restoring that was asked for."""
    case = case_of(SCANS[name], level, asked.slices)
    head = {"scan": name, "noise": level, "samples": asked.samples, "mirroring": asked.mirroring}
    for known, grid in itertools.product(asked.sigma, asked.grids):
        if grid == "bm4d":
            maps = bm4d(case) if known == "told" else None
        else:
            maps = restored(case, grid, known, asked)
        if maps is not None:
            yield head | {"sigma": known} | scored(maps, case)


KEY = ("scan", "noise", "samples", "mirroring", "sigma")
COLUMNS = (
    *(*KEY, "grid", "chosen", "rmse_sigma", "over_shown_db", "over_bm4d_db"),
    *("std_error", "coverage", "found_sigma", "seconds"),
)


def write(path: Path, new: list[dict[str, Any]]) -> None:
    """Write rows in the order of `SCANS`; those of other parts stay."""
    rows = {}
    if path.exists():
        with path.open(newline="") as file:
            rows = {(*(row[k] for k in KEY), row["grid"]): row for row in csv.DictReader(file)}
    for row in new:
        text = {name: str(value) for name, value in row.items()}
        rows[(*(text[k] for k in KEY), text["grid"])] = text
    for row in rows.values():
        for other in ("shown", "bm4d"):
            known = row["sigma"] if other == "shown" else "told"
            beside = rows.get((*(row[k] for k in KEY[:-1]), known, other))
            row[f"over_{other}_db"] = "" if beside is None else _gain(beside, row)
    order = {name: i for i, name in enumerate(SCANS)}
    known = [row for row in rows.values() if row["scan"] in order]
    known.sort(
        key=lambda row: (
            *(order[row["scan"]], row["noise"], row["samples"], row["mirroring"]),
            *(SIGMAS.index(row["sigma"]), GRIDS.index(row["grid"])),
        )
    )
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(known)


def _gain(beside: Mapping[str, str], row: Mapping[str, str]) -> str:
    """Decibels that a row's error is below another's."""
    return f"{20 * math.log10(float(beside['rmse_sigma']) / float(row['rmse_sigma'])):.2f}"


def main() -> None:
    """Restore every way, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="mr_slice")
    parser.add_argument("--slices", type=int, default=1)
    parser.add_argument("--samples", type=int, default=0)
    parser.add_argument("--mirroring", default="on", help="on, as in the default run, or off")
    parser.add_argument("--scans", nargs="+", choices=SCANS, default=list(SCANS))
    parser.add_argument("--grids", nargs="+", choices=GRIDS, default=list(GRIDS))
    parser.add_argument("--sigma", nargs="+", choices=SIGMAS, default=list(SIGMAS))
    asked = parser.parse_args()
    path = HERE / f"{asked.model}.csv"
    for name in asked.scans:
        for level in LEVELS:
            rows = list(measured(name, level, asked))
            for row in rows:
                print(*row.values(), flush=True)
            write(path, rows)
    if asked.model == "mr_slice":
        write_table(path)


if __name__ == "__main__":
    main()
