"""SHA-256 of what medrestore computes on fixed scans, to compare two commits voxel for voxel.

Run it in the checkout of each commit, and compare the two files::

    python -m benchmarks.same_voxels.run before.json
    python -m benchmarks.same_voxels.run after.json && diff before.json after.json

Float32 on the CPU with one thread; every run has seed 0. Only public names are used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import medrestore as mr

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "validation"
MAPS = ("restored", "std", "lower", "upper", "removed", "inconsistent")
TIMES = ("seconds", "memory_bytes", "warnings", "batch", "slab")
"""What a record says of this machine and this moment."""


def digest(array: np.ndarray[Any, Any]) -> str:
    """The first 16 digits of an array's SHA-256."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def slab(volume: mr.Volume, first: int, count: int) -> mr.Volume:
    """Some slices of a scan."""
    return volume.slices(tuple(range(first, first + count)))


def in_time(volume: mr.Volume) -> mr.Volume:
    """A scan as two time points, the second one darker."""
    both = np.stack([volume.array, 0.6 * volume.array]).astype(np.float32)
    return volume.with_array(both)


def runs() -> Iterator[tuple[str, mr.Volume, dict[str, Any]]]:
    """Name, scan and settings of each run."""
    ct = mr.read(ROOT / "sample_data" / "ct_torso_dicom")
    head = mr.read(ROOT / "sample_data" / "mr_head.nii.gz", "MR")
    few, part = slab(head, 8, 4), slab(ct, 8, 4)
    yield "ct", ct, {}
    yield "mr", head, {}
    yield "ct patch3d", part, {"mode": "patch3d", "samples": 2}
    yield "mr patch3d", few, {"mode": "patch3d", "samples": 2}
    yield "mr in time", in_time(few), {"samples": 2, "keep_samples": True}
    yield "mr a sample", few, {"samples": 2, "estimate": "sample"}
    yield "mr posterior mean", few, {"samples": 2, "estimate": "posterior-mean", "level": 0.8}
    yield "mr no samples", few, {"samples": 0, "noise": 0.05}
    yield "mr measurement", few, {"samples": 1, "measurement": 0.5, "steps": 4}
    for sampler in ("ddpm", "ddim", "heun", "predictor-corrector", "ve-sde", "langevin"):
        yield f"mr {sampler}", slab(few, 0, 2), {"samples": 2, "sampler": sampler, "steps": 4}
    for model in ("consistency", "latent", "score", "ddpm"):
        settings = {"model": f"mr_slice_{model}", "samples": 2}
        yield f"mr {model} model", slab(few, 0, 2), settings
    yield "ct consistency model", slab(part, 0, 2), {"model": "ct_slice_consistency", "samples": 2}
    for name in ("ct_totalseg_abdomen", "mr_torchio_t2"):
        path = DATA / f"{name}.nii.gz"
        if path.exists():
            yield name, mr.read(path, name[:2].upper()), {"samples": 1}


def record_of(result: mr.Result) -> str:
    """The record of a run without what is of this machine."""
    with tempfile.TemporaryDirectory() as folder:
        written = result.save(folder, "nifti")
        facts = json.loads(written[-1].read_text())
    for key in TIMES:
        facts["plan"].pop(key, None)
    for key in ("software", "system", "device"):
        facts.pop(key)
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def measured(volume: mr.Volume, settings: dict[str, Any]) -> dict[str, str]:
    """Hashes of a run's maps, samples, region and record."""
    result = mr.denoise(volume, device="cpu", precision="float32", seed=0, **settings)
    found = {name: digest(getattr(result, name).array) for name in MAPS}
    if result.samples is not None:
        found["samples"] = digest(result.samples)
    mask = np.zeros(volume.geometry.shape, bool)
    z, y, x = (n // 2 for n in mask.shape)
    mask[z, y - 4 : y + 4, x - 4 : x + 4] = True
    region = result.region(mask)
    found["region"] = digest(np.array([region.mean, region.lower, region.upper]))
    return {**found, "record": record_of(result)}


def other() -> dict[str, str]:
    """Simulation and evaluation."""
    clean = mr.read(ROOT / "sample_data" / "mr_head_clean.nii.gz", "MR")
    noisy = mr.simulate(slab(clean, 8, 4), noise=0.05, seed=0)
    ct = slab(mr.read(ROOT / "sample_data" / "ct_torso_dicom"), 8, 4)
    found = {"simulated mr": digest(noisy.array)}
    found["simulated ct"] = digest(mr.simulate(ct, dose=0.5, seed=0).array)
    result = mr.denoise(noisy, samples=2, device="cpu", precision="float32")
    report = mr.evaluate(slab(clean, 8, 4), noisy, result)
    text = json.dumps(report.rows(), default=str)
    found["evaluation"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


def main() -> None:
    """Write the hashes of all runs to a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", help="only runs whose name contains this")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, dict[str, str]] = {}
    for name, volume, settings in runs():
        if arguments.only is None or arguments.only in name:
            named = replace(volume, source=replace(volume.source, name=name.replace(" ", "_")))
            found[name] = measured(named, settings)
            arguments.output.write_text(json.dumps(found, indent=1) + "\n")
            print(name, found[name]["restored"], flush=True)
    if arguments.only is None:
        found["other"] = other()
    arguments.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
