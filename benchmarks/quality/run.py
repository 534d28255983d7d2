"""Quality of a slice model on held-out scans, beside peers, as `evaluation.md` scores them.

    python benchmarks/quality/run.py mr_slice [--update-card] [--samples 8] [--every 4]

Protocol: 24 slices around the middle of the third stored axis, noise added with seed 0, the
inner 16 scored (samples on every fourth of them). MR: intensities divided by the foreground
scale, Rician 1, 3 and 9 %, voxels above 6 %, PSNR with data range 1. CT: noise through filtered
back-projection, soft tissue (-50 to 150 HU of the reference), RMSE in HU. Every method is given
the added σ. Writes `benchmarks/quality/<model>.csv`; BM4D is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch
from skimage.restoration import denoise_nl_means

import medrestore as mr
from medrestore.api import run_plan
from medrestore.core.intensity import foreground_scale
from medrestore.evaluation.figures import coverage, psnr, rmse, std_ratio
from medrestore.models import find_card, load
from medrestore.physics.simulate import noisier
from medrestore.plan import Noise, Settings, resolve
from medrestore.training.export import write_card

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "validation"
LEVELS = {"MR": (0.01, 0.03, 0.09), "CT": (15.0, 30.0)}
SCANS = {
    "MR": (
        "mr_niivue_t2w",
        "mr_pyradiomics_brain1",
        "mr_pyradiomics_brain2",
        "mr_torchio_t2",
        "mr_uih_t1_b",
    ),
    "CT": ("ct_totalseg_abdomen", "ct_cptacpda_abdomen_sharp"),
}
SEED = 0


def case(name: str, modality: str, level: float):
    """Noisy and clean volumes of one scan, its noise, mask and data range."""
    volume = mr.read(DATA / f"{name}.nii.gz", modality)
    middle = len(volume.array) // 2
    array = volume.array[max(0, middle - 12) : middle + 12]
    pixel = volume.geometry.spacing_mm[1]
    if modality == "MR":
        array = array / np.float32(foreground_scale(volume.array))
        rng = np.random.default_rng(SEED)
        real, imaginary = rng.standard_normal(array.shape), rng.standard_normal(array.shape)
        noisy = np.hypot(array + level * real, level * imaginary).astype(np.float32)
        noise, mask = Noise(level, None, "added"), array > 0.06
    else:
        noisy, std = noisier(array, "CT", pixel, hu=level, seed=SEED)
        noise, mask = Noise(level, std, "added"), (array > -50) & (array < 150)
    margin = min(4, (len(array) - 1) // 3)
    mask[:margin], mask[len(array) - margin :] = False, False
    geometry = mr.Geometry(array.shape, np.eye(4))
    return mr.Volume(noisy, geometry, modality), array, noise, mask


def nlm(noisy: np.ndarray, sigma: float, modality: str) -> np.ndarray:
    """scikit-image's non-local means in 3-D.

    h was chosen on a part of mr_uih_t1_a (training) at 3 and 9 % among 0.4, 0.6, 0.8, 1.0 and
    1.3 σ, the search radius among 3 and 5 voxels.
    """
    squared = noisy.astype(np.float64)
    out = denoise_nl_means(
        squared, patch_size=3, patch_distance=3, h=0.4 * sigma, sigma=sigma, fast_mode=True
    )
    if modality == "MR":  # remove the Rician bias: E[m²] = x² + 2σ²
        out = np.sqrt(np.maximum(out**2 - sigma**2, 0))
    return out.astype(np.float32)


def bm4d(noisy: np.ndarray, sigma: float) -> np.ndarray | None:
    """BM4D where the user has installed it (non-commercial licence)."""
    try:
        from bm4d import bm4d as run
    except ImportError:
        return None
    return np.sqrt(np.maximum(run(noisy, sigma) ** 2 - sigma**2, 0)).astype(np.float32)


def fidelity(image, clean, mask, modality):
    """PSNR (MR) or RMSE in HU (CT)."""
    return psnr(image, clean, mask, 1.0) if modality == "MR" else rmse(image, clean, mask)


def score(model, name: str, level: float, samples: int, every: int) -> dict[str, object]:
    """One row of the table."""
    modality = model.card.modality
    volume, clean, noise, mask = case(name, modality, level)
    inner = tuple(int(z) for z in np.flatnonzero(mask.any(axis=(1, 2))))
    row: dict[str, object] = {"scan": name, "noise": level}
    row["noisy"] = fidelity(volume.array, clean, mask, modality)
    started = time.perf_counter()
    row["nlm"] = fidelity(nlm(volume.array, level, modality), clean, mask, modality)
    row["nlm_s_per_slice"] = (time.perf_counter() - started) / len(clean)
    if modality == "MR" and (image := bm4d(volume.array, level)) is not None:
        row["bm4d"] = fidelity(image, clean, mask, modality)
    scale = foreground_scale(volume.array) if modality == "MR" else 1000.0
    for kind, count, chosen in (("predictor", 0, inner), ("samples", samples, inner[::every])):
        if kind == "samples" and not samples:
            break
        settings = Settings(samples=count, steps=2, seed=SEED)
        plan = resolve(settings, volume, model.card, noise, scale, model.device)
        started = time.perf_counter()
        result = run_plan(plan.for_slices(chosen), volume, model=model)
        seconds = time.perf_counter() - started
        image, std, bounds = result.restored.array, result.std.array, (result.lower, result.upper)
        truth, inside = clean[list(chosen)], mask[list(chosen)]
        row[kind] = fidelity(image, truth, inside, modality)
        row[f"{kind}_std_ratio"] = std_ratio(std, image, truth, inside)
        row[f"{kind}_cover90"] = coverage(*(bound.array for bound in bounds), truth, inside)
        row[f"{kind}_gauss90"] = coverage(image - 1.645 * std, image + 1.645 * std, truth, inside)
        row[f"{kind}_s_per_slice"] = seconds / len(chosen)
    return row


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--every", type=int, default=4, help="samples on every n-th slice only")
    parser.add_argument("--scans", nargs="*")
    parser.add_argument("--update-card", action="store_true")
    asked = parser.parse_args()
    modality = "MR" if asked.model.startswith("mr") else "CT"
    model = load(find_card(asked.model, modality))
    rows = []
    for name in asked.scans or SCANS[modality]:
        for level in LEVELS[modality]:
            row = score(model, name, level, asked.samples, asked.every)
            rows.append({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
            print(json.dumps(rows[-1]), flush=True)
    path = Path(__file__).parent / f"{asked.model}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    if asked.update_card:
        facts = dict(model.card.facts)
        facts["evaluation"] = {
            "command": f"python benchmarks/quality/run.py {asked.model} --every {asked.every}",
            "date": date.today().isoformat(),
            "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
            "seed": SEED,
            "measure": "foreground PSNR, dB" if modality == "MR" else "soft-tissue RMSE, HU",
            "rows": rows,
        }
        write_card(model.card.folder, facts)


if __name__ == "__main__":
    main()
