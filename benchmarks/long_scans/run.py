"""Memory and time against the length of a CT: both must follow from the slab, not from the scan.

    python -m benchmarks.long_scans.run [--slices 200 500 1000] [--repeats 3] [--model ct_slice]

A made-up body of 512 × 512 × n voxels (noise of 25 HU, int16 NIfTI as scanners write it, 2 mm) is
read, restored (``samples=0``) and saved as Zarr, in a process of its own with one thread. Memory is
what the process holds for itself, and with the mapped pages of its files; seconds are CPU seconds,
so that other work on the machine matters little; lengths take turns, and the median of the rounds
counts.
``--model light`` is ct_slice with a small predictor of random weights: minutes instead of hours,
and the same memory but for the network's own.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from medrestore.core.families import networks
from medrestore.models.model import find_card
from medrestore.training.finish import write_bundle

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("long_scans.csv")
SIDE = 512
NOISE_HU = 25
FIELDS = (
    "slices", "side", "model", "samples", "repeats", "own_mb", "resident_mb", "forecast_mb",
    "read_cpu_s", "plan_cpu_s", "run_cpu_s", "save_cpu_s", "run_s", "run_cpu_s_per_slice",
    "machine", "date",
)  # fmt: skip


def main() -> None:
    """Run the lengths and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, nargs="+", default=[200, 500, 1000])
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="ct_slice")
    parser.add_argument("--samples", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        model = light(Path(folder)) if asked.model == "light" else asked.model
        rounds = measured(Path(folder), str(model), asked)
    rows = [row(n, [one[n] for one in rounds], asked) for n in asked.slices]
    keep(rows)
    for name in ("own_mb", "resident_mb"):
        values = [row[name] for row in rows]
        print(f"{name}: largest over smallest {max(values) / min(values):.3f}")
    first = asked.slices[0]
    for n in asked.slices[1:]:
        ratios = [one[n]["run_cpu_s"] / n / (one[first]["run_cpu_s"] / first) for one in rounds]
        print(f"time a slice, {n} over {first}: median {statistics.median(ratios):.3f} of", *ratios)


def light(folder: Path) -> Path:
    """A model like ct_slice with a small predictor; the weights are random, seed 0."""
    torch.manual_seed(0)
    card = find_card("ct_slice", "CT").facts
    facts = {k: v for k, v in card.items() if k not in ("version", "weights_sha256")}
    facts |= {"name": "light", "predictor": {"slices": 3, "widths": [8, 12, 16], "blocks": 1}}
    write_bundle(folder / "light", facts, *networks(facts))
    return folder / "light"


def measured(folder: Path, model: str, asked: argparse.Namespace) -> list[dict[int, dict]]:
    """What each length took, round by round: the machine's moods meet all lengths alike."""
    scans = {n: body(folder / f"body{n}.nii", n, asked.side) for n in asked.slices}
    rounds = []
    for _ in range(asked.repeats):
        rounds.append({})
        for n, scan in scans.items():
            rounds[-1][n] = once(scan, folder / "out", model, asked.samples)
            print(n, rounds[-1][n], flush=True)
    return rounds


def row(slices: int, found: list[dict], asked: argparse.Namespace) -> dict:
    """The median of the rounds."""
    middle = {name: statistics.median(one[name] for one in found) for name in found[0]}
    return {
        **{name: middle[name] for name in FIELDS if name in middle},
        "slices": slices,
        "side": asked.side,
        "model": asked.model,
        "samples": asked.samples,
        "repeats": asked.repeats,
        "run_cpu_s_per_slice": round(middle["run_cpu_s"] / slices, 4),
        "machine": f"{platform.machine()} CPU, 1 thread",
        "date": date.today().isoformat(),
    }


def once(scan: Path, out: Path, model: str, samples: int) -> dict:
    """What one run of the whole story took; its results are removed."""
    command = [sys.executable, "-m", "benchmarks.long_scans.one"]
    command += [str(scan), str(out), model, str(samples)]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    said = subprocess.run(
        command, cwd=ROOT, env=os.environ | one_thread, check=True, capture_output=True, text=True
    )
    subprocess.run(["rm", "-rf", str(out)], check=True)
    return json.loads(said.stdout.splitlines()[-1])


def body(path: Path, slices: int, side: int) -> Path:
    """A CT of an elliptic body with a spine and, in 40 slices of 100, two lungs; seed 0.

    Every length shows as much of them: what is seen decides on what a slice takes.
    """
    y, x = np.mgrid[:side, :side] / side - 0.5
    hu = np.where((x / 0.42) ** 2 + (y / 0.30) ** 2 < 1, 40.0, -1000.0)
    hu[(x**2 + (y - 0.2) ** 2) < 0.05**2] = 400
    lungs = np.minimum((x - 0.2) ** 2, (x + 0.2) ** 2) / 0.11**2 + (y / 0.18) ** 2 < 1
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((side, side, slices))
    header.set_xyzt_units("mm")
    header.set_sform(np.diag([0.8, 0.8, 2.0, 1.0]), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    with path.open("wb") as file:
        header.write_to(file)
        file.write(bytes(352 - file.tell()))
        for z in range(slices):
            noise = np.random.default_rng([0, z]).normal(0, NOISE_HU, hu.shape)
            plane = np.where(lungs & (z % 100 < 40), -800.0, hu) + noise
            file.write(np.maximum(plane, -1024).round().astype("<i2").tobytes())
    return path


def keep(rows: list[dict]) -> None:
    """Write the rows; those of other lengths, models and samples stay."""
    key = ("slices", "side", "model", "samples")
    old = list(csv.DictReader(TABLE.open())) if TABLE.exists() else []
    new = {tuple(str(row[name]) for name in key) for row in rows}
    kept = [row for row in old if tuple(row[name] for name in key) not in new]
    both = sorted([*kept, *rows], key=lambda row: (row["model"], int(row["slices"])))
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(both)


if __name__ == "__main__":
    main()
