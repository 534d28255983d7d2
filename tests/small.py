"""Trainings in miniature: scans of two people made of blocks, and a config of little networks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medrestore as mr
from medrestore.training.run import train

PEOPLE = ("a", "b")


def blocks(seed: int) -> np.ndarray:
    """Slices of random rectangles: edges to keep, plains to smooth."""
    rng = np.random.default_rng(seed)
    array = np.full((12, 96, 96), 200.0, np.float32)
    for _ in range(60):
        z, y, x = rng.integers(0, (8, 66, 66))
        array[z : z + 6, y : y + rng.integers(8, 30), x : x + 20] = rng.uniform(50, 1000)
    return array


def scan(seed: int) -> mr.Volume:
    array = blocks(seed)
    return mr.Volume(array, mr.Geometry(array.shape, np.diag([4.0, 1, 1, 1])), "MR")


def write_config(folder: Path, **facts: Any) -> Path:
    """Write the scans of `PEOPLE` and a training config; ``facts`` change or add to it."""
    for seed, name in enumerate(PEOPLE):
        mr.write(scan(seed), folder / "data" / f"{name}.nii.gz")
    common = {
        "name": "small",
        "modality": "MR",
        "summary": "for a test",
        "data": str(folder / "data"),
        "scans": [
            {"file": f"{name}.nii.gz", "person": name, "licence": "made here (CC0)"}
            for name in PEOPLE
        ],
        "noise": [0.02, 0.1],
        "corruption": {"correlated": 0, "several_coils": 0, "with_g_factor": 0},
        "sigma_range": [0.01, 0.12],
        "predictor": {"slices": 3, "widths": [16, 24, 32], "blocks": 1},
        "refiner": {"channels": [16, 16, 32], "blocks": 1, "groups": 8, "window": 48, "stride": 48},
        "patch": 32,
        "batch": 4,
    }
    path = folder / "train.json"
    path.write_text(json.dumps(common | facts))
    return path


def quick(patch: pytest.MonkeyPatch) -> None:
    """No compiler, and calibration at one level."""
    patch.setattr("medrestore.training.trainings.can_compile", lambda depth: False)
    patch.setattr("medrestore.training.finish.calibration_levels", lambda config: (0.05,))


def trained(config: Path, start: Path | None = None, **changes: Any) -> Path:
    """Train beside a config, ``start`` is ``--from`` and ``changes`` are ``--set``: the model."""
    roots = {name: config.parent / name for name in ("runs", "models")}
    return train(config, str(start) if start else None, changes=changes, **roots)
