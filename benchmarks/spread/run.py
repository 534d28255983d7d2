"""Is the spread of samples that of the error? Voxels and regions, before and after.

    python benchmarks/spread/run.py mr_slice [--crop 144] [--slices 5] [--samples 8] [--seed 0]

Before: one spectrum for all scans, as the first card had it (kept in `single.json`). After: the
family over mean s²/σ² and the gains, measured here on the training people that the model's
train.json names. Scored on the validation scans, Rician 3 and 9 %, the middle slices of the third
stored axis, cut to the middle; regions are disjoint boxes inside the foreground. For each size:
sampled std over true error (both root mean square) and the share of true means inside the 90 %
interval (Student t, no region factor). Writes `benchmarks/spread/<model>.csv`.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

import medrestore as mr
from medrestore.core.intensity import foreground_scale
from medrestore.core.region import sampled_std
from medrestore.core.spectra import Spectra
from medrestore.models import find_card, load
from medrestore.settings import Settings
from medrestore.training.gains import measure_gains
from medrestore.training.probe import Case, restored
from medrestore.training.regions import boxes
from medrestore.training.texture import measure_spectra

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
LEVELS = (0.03, 0.09)
SCANS = (
    "mr_niivue_t2w",
    "mr_pyradiomics_brain1",
    "mr_pyradiomics_brain2",
    "mr_torchio_t2",
    "mr_uih_t1_b",
)
SHAPES = ((1, 1, 1), (1, 4, 4), (1, 10, 10), (1, 16, 16), (1, 32, 32), (5, 14, 14), (5, 45, 45))
ANGLES = (math.pi / 4, math.pi / 2)
"""Those of two steps."""


def case(path: Path, person: str, slices: int, crop: int) -> Case:
    """The middle of a scan, in units of its foreground scale."""
    volume = mr.read(path, "MR")
    array = volume.array / np.float32(foreground_scale(volume.array))
    cut = [
        slice(max(0, (n - size) // 2), max(0, (n - size) // 2) + size)
        for n, size in zip(array.shape, (slices + 6, crop, crop), strict=True)
    ]
    return Case(person, np.ascontiguousarray(array[tuple(cut)]), 1.0)


def rows_of(probe, level: float) -> list[dict[str, float]]:
    """Ratio and coverage at every size."""
    arrays, found = probe.arrays, []
    for shape in SHAPES:
        if shape == (1, 1, 1):
            error = (arrays.mu - probe.truth)[probe.inside]
            means = arrays.samples[:, probe.inside]
        else:
            there = list(boxes(probe, shape))
            if not there:
                continue
            error = np.array([(arrays.mu[at] - probe.truth[at]).mean() for at in there])
            means = np.array([arrays.samples[:, *at].mean(axis=(1, 2, 3)) for at in there]).T
        half = sampled_std(means[:, 0], level)[0] / max(means[:, 0].std(ddof=1), 1e-12)
        std = means.std(axis=0, ddof=1)
        found.append(
            {
                "voxels": int(np.prod(shape)),
                "deep": int(shape[0] > 1),
                "regions": error.size,
                "std_ratio": float(np.sqrt((std**2).mean() / (error**2).mean())),
                "cover90": float((np.abs(error) <= half * std).mean()),
            }
        )
    return found


def main() -> None:
    """Measure, draw, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--crop", type=int, default=144)
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--train-samples", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scans", nargs="*", default=SCANS)
    asked = parser.parse_args()
    model = load(find_card(asked.model, "MR"))
    config = json.loads((model.card.folder / "configs" / "train.json").read_text())
    people = [
        case(DATA / "train" / scan["file"], scan["person"], asked.slices, asked.crop)
        for scan in config["scans"]
    ]
    settings = Settings(samples=asked.samples, steps=2, seed=asked.seed)
    before = Spectra.from_facts(json.loads((HERE / "single.json").read_text()))
    after = model.spectra = measure_spectra(
        lambda person: model, people, LEVELS, ANGLES, asked.slices, asked.seed
    )
    fewer = replace(settings, samples=asked.train_samples)
    found = measure_gains(lambda person: model, people, LEVELS, fewer, 2)
    after = replace(after, gains={"moment-matched:2": found})
    (HERE / f"{asked.model}.json").write_text(json.dumps(after.facts(), indent=1) + "\n")
    table = []
    for name in asked.scans:
        one = case(DATA / "validation" / f"{name}.nii.gz", name, asked.slices, asked.crop)
        for level in LEVELS:
            for variant, spectra in (("before", before), ("after", after)):
                model.spectra = spectra
                kept = replace(settings, keep_samples=True)
                probe = restored(model, one, level, kept, asked.slices)
                head = {"scan": name, "noise": level, "spectra": variant}
                head["ratio"] = round(float(probe.arrays.ratio.mean()), 4)
                for row in rows_of(probe, settings.level):
                    table.append(head | {k: round(v, 4) for k, v in row.items()})
                    print(json.dumps(table[-1]), flush=True)
    with (HERE / f"{asked.model}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()
