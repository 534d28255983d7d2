"""Is the spread of a model's samples that of its error? Voxels and regions, on held-out scans.

    python -m benchmarks.spread.run mr_slice [--slices 5] [--samples 8] [--steps 2] [--seed 0]

Validation scans, MR: Rician noise of 3 and 9 %, CT: 20 and 40 HU through filtered back-projection;
the middle slices of the third stored axis, at most 256² around the foreground. Regions are
disjoint boxes inside it. For each size: std over true error (both root mean square) and the share
of true means inside the 90 % interval, with the card's region factor and (`bare90`) without it;
`samples`: Student t over the samples; `predictor`: in closed form, no sample drawn. Each case's
row, then the mean over the scans. Writes `benchmarks/spread/<model>.csv`.
"""

from __future__ import annotations

import argparse
import csv
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

import medrestore as mr
from benchmarks.quality.cases import DATA, SCANS
from medrestore.core.intensity import foreground_scale
from medrestore.models.model import find_card, load
from medrestore.settings.settings import Settings
from medrestore.training.corrections import SHAPES, region_errors
from medrestore.training.probe import Case, Probe, restored

HERE = Path(__file__).resolve().parent
LEVELS = {"MR": (0.03, 0.09), "CT": (20.0, 40.0)}
LEVEL = 0.9
MOST = 200
"""Regions of one size in a case."""


def middle(name: str, modality: str, slices: int) -> Case:
    """The middle of a scan; MR in units of its foreground scale."""
    volume = mr.read(DATA / "validation" / f"{name}.nii.gz", modality)
    array = volume.array
    if modality == "MR":
        array = array / np.float32(foreground_scale(array))
    first = max((len(array) - slices) // 2, 0)
    return Case(name, np.ascontiguousarray(array[first : first + slices]), spacing(volume))


def spacing(volume: mr.Volume) -> float:
    """Pixel size, mm."""
    return float(volume.geometry.spacing_mm[1])


def rows_of(probe: Probe, model: Any, settings: Settings) -> list[dict[str, Any]]:
    """Ratio and coverage at every size, of samples and in closed form; voxels first."""
    arrays, card, found = probe.arrays, model.card, []
    error = (arrays.mu - probe.truth)[probe.inside]
    for name, std in (("predictor", arrays.s), ("samples", arrays.std)):
        ratio = float(np.sqrt((std[probe.inside] ** 2).mean() / (error**2).mean()))
        found.append({"by": name, "voxels": 1, "regions": error.size, "std_ratio": ratio})
    for shape in SHAPES:
        rows = np.array(region_errors(probe, model.spectra, shape, LEVEL, MOST))
        if not len(rows):
            continue
        size, off = int(np.prod(shape)), np.abs(rows[:, 0])
        drawn = probe.plan.settings.method
        for column, name, key in ((1, "samples", drawn), (2, "predictor", "predictor")):
            half = rows[:, column]
            factor = card.region_factor(key, size)
            nominal = student.ppf(0.95, settings.samples - 1 if column == 1 else np.inf)
            found.append(
                {
                    "by": name,
                    "voxels": size,
                    "regions": len(rows),
                    "std_ratio": float(np.sqrt(((half / nominal) ** 2).mean() / (off**2).mean())),
                    "bare90": float((off <= half).mean()),
                    "cover90": float((off <= factor * half).mean()),
                }
            )
    return found


def means(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each scan counting the same."""

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["noise"], row["by"], row["voxels"]

    found = []
    for (noise, by, voxels), group in groupby(sorted(table, key=key), key):
        rows = list(group)
        row = {"scan": f"mean of {len(rows)}", "noise": noise, "by": by, "voxels": voxels}
        row["regions"] = sum(one["regions"] for one in rows)
        for name in ("std_ratio", "bare90", "cover90"):
            if name in rows[0]:
                row[name] = float(np.mean([one[name] for one in rows]))
        found.append(row)
    return found


def main() -> None:
    """Restore, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", nargs="*")
    asked = parser.parse_args()
    modality = asked.model.partition("_")[0].upper()
    model = load(find_card(asked.model, modality))
    drawn = {"samples": asked.samples, "steps": asked.steps, "keep_samples": True}
    settings = Settings(**drawn, seed=asked.seed)
    slices = max(asked.slices + 6, model.card.depth[0])
    table = []
    for name in asked.scans or SCANS[modality]:
        one = middle(name, modality, slices)
        for level in LEVELS[modality]:
            probe = restored(model, one, level, settings, asked.slices)
            head = {"scan": name, "noise": level}
            table += [head | row for row in rows_of(probe, model, settings)]
    table += means(table)
    for row in table:
        print(*(f"{v:.3f}" if isinstance(v, float) else v for v in row.values()))
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        names = ("scan", "noise", "by", "voxels", "regions", "std_ratio", "bare90", "cover90")
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in table
        )


if __name__ == "__main__":
    main()
