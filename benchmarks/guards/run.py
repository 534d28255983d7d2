"""What the guards flag on honest restorations, and which erased lesions they find.

    python benchmarks/guards/run.py [--slices 6] [--models mr_slice ct_slice]

Validation scans with noise added as in `benchmarks/quality` (seed 0), the middle slices restored
with samples=0. Then a disc of a radius (pixels) and a contrast (in units of σ there) is added to
the clean scan of one slice before the noise, while the restoration stays that of the scan without
it: a lesion that the model took away whole, under the very same noise. Twelve discs for each radius
and contrast, in the foreground (MR) or in soft tissue (CT), drawn with seed 0, at most two a slice.
A disc counts as found if a voxel in it is flagged with the disc's sign; `false_places` is the share
of the same places where the scan without discs is flagged. Writes `benchmarks/guards/guards.csv`.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np

import medrestore as mr
from medrestore.core.intensity import foreground_scale
from medrestore.guards import check
from medrestore.models import find_card, load
from medrestore.physics.simulate import noisier
from medrestore.pipeline import run
from medrestore.plan import Noise, Settings, resolve

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "validation"
CASES = {
    "mr_slice": [
        (name, level)
        for name in ("mr_uih_t1_b", "mr_niivue_t2w", "mr_pyradiomics_brain1")
        for level in (0.03, 0.09)
    ],
    "ct_slice": [("ct_totalseg_abdomen", 30.0), ("ct_cptacpda_abdomen_sharp", 30.0)],
}
RADII = (2, 4, 8)
CONTRASTS = (0.5, 1.0, 2.0)
PLACES = 12
SEED = 0


class Case:
    """Some slices of a scan, and the noise they are given."""

    def __init__(self, name: str, level: float, slices: int) -> None:
        self.modality = "CT" if name.startswith("ct") else "MR"
        volume = mr.read(DATA / f"{name}.nii.gz", self.modality)
        first = (len(volume.array) - slices) // 2
        self.clean = volume.array[first : first + slices]
        shape = self.clean.shape
        if self.modality == "MR":
            self.clean = self.clean / np.float32(foreground_scale(volume.array))
            self.sigma = np.full(shape, level, np.float32)
            self.parts = level * np.random.default_rng(SEED).standard_normal((2, *shape))
            self.mask, self.noise = self.clean > 0.06, Noise(level, None, "added")
        else:
            pixel = volume.geometry.spacing_mm[1]
            noisy, self.sigma = noisier(self.clean, "CT", pixel, hu=level, seed=SEED)
            self.parts = (noisy - self.clean)[None]
            self.mask = (self.clean > -50) & (self.clean < 150)
            self.noise = Noise(level, self.sigma, "added")
        self.geometry = volume.geometry

    def scan(self, lesions: np.ndarray | float = 0.0) -> mr.Volume:
        """The noisy scan, with discs in the clean one."""
        y = self.clean + lesions + self.parts[0]
        if self.modality == "MR":
            y = np.hypot(y, self.parts[1])
        between, *within = self.geometry.spacing_mm
        affine = np.array([[0, 0, within[1], 0], [0, within[0], 0, 0], [between, 0, 0, 0]])
        grid = mr.Geometry(y.shape, np.vstack([affine, [0, 0, 0, 1]]))
        return mr.Volume(y.astype(np.float32), grid, self.modality)

    def places(self, radius: float, rng: np.random.Generator) -> list[tuple[int, np.ndarray]]:
        """Discs that lie in the mask, far from each other."""
        height, width = self.clean.shape[1:]
        found: list[tuple[int, int, int]] = []
        rows, columns = np.ogrid[:height, :width]
        for z, y, x in rng.permutation(np.argwhere(self.mask))[:20_000]:
            near = [p for p in found if p[0] == z]
            clear = all(np.hypot(y - p[1], x - p[2]) > 6 * radius + 12 for p in near)
            inside = np.hypot(rows - y, columns - x) <= radius
            if len(near) < 2 and clear and self.mask[z][inside].all():
                found.append((int(z), int(y), int(x)))
            if len(found) == PLACES:
                break
        return [(z, np.hypot(rows - y, columns - x) <= radius) for z, y, x in found]


def rows_of(model: mr.models.Model, name: str, level: float, slices: int) -> list[dict]:
    """Rows of one scan and noise level."""
    case = Case(name, level, slices)
    scan = case.scan()
    scale = foreground_scale(scan.array) if case.modality == "MR" else 1000.0
    plan = resolve(Settings(samples=0), scan, model.card, case.noise, scale, model.device)
    times = [time.process_time()]
    arrays = run(plan, scan, model)
    times.append(time.process_time())
    floor = model.sigma_range[0] * scale
    removed, _, guards = check(plan, scan, arrays, floor)
    times.append(time.process_time())
    voxels = guards.facts()["voxels"]
    honest = {
        "removed_share": guards.share("removed"),
        "inconsistent_share": guards.share("inconsistent"),
        "outside_90": guards.share("outside"),
        "residual_ratio": guards.residual_ratio,
        "guard_ns_per_voxel": 1e9 * (times[2] - times[1]) / voxels,
        "guard_part_of_predictor": (times[2] - times[1]) / (times[1] - times[0]),
    }
    rng, rows = np.random.default_rng(SEED), []
    for radius in RADII:
        places = case.places(radius, rng)
        false = np.mean([bool(removed[z][inside].any()) for z, inside in places])
        for contrast in CONTRASTS:
            lesions = np.zeros_like(case.clean)
            for z, inside in places:
                lesions[z][inside] = contrast * case.sigma[z][inside]
            found, _, _ = check(plan, case.scan(lesions), arrays, floor)
            recall = np.mean([bool((found[z][inside] > 0).any()) for z, inside in places])
            facts = {"radius": radius, "contrast": contrast, "discs": len(places)}
            facts |= {"recall": recall, "false_places": false}
            rows.append({"scan": name, "noise": level, **facts, **honest})
    return rows


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=6)
    parser.add_argument("--models", nargs="*", default=list(CASES))
    asked = parser.parse_args()
    rows = []
    for name in asked.models:
        model = load(find_card(name, "CT" if name.startswith("ct") else "MR"))
        for scan, level in CASES[name]:
            for row in rows_of(model, scan, level, asked.slices):
                rows.append({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()})
                print(json.dumps(rows[-1]), flush=True)
    with (Path(__file__).parent / "guards.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
