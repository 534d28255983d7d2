"""From trained networks to a finished model: spectra, calibration, card, weights."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from medrestore.models import Card, load
from medrestore.settings import Settings
from medrestore.training.calibrate import Case, calibrate
from medrestore.training.export import write_bundle, write_card
from medrestore.training.pairs import Pairs
from medrestore.training.stages import MARGIN
from medrestore.training.texture import measure_spectra

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from medrestore.core.meter import Meter
    from medrestore.training.config import Config
    from medrestore.training.data import Stack

__all__ = ["finish"]

SPECTRUM_BATCHES = 24
LEVELS = {"MR": (0.01, 0.03, 0.06, 0.12), "CT": (10.0, 30.0, 80.0)}
"""Noise levels of the calibration."""


def finish(
    config: Config,
    config_path: Path,
    people: dict[str, list[Stack]],
    predictor: nn.Module,
    refiner: nn.Module,
    folder: Path,
    work: Path,
    meter: Meter,
) -> None:
    """Spectra, calibration, card and weights."""
    stacks = [stack for group in people.values() for stack in group]
    pairs = Pairs(config, stacks, config.seed + 11, config.patch + 2 * MARGIN)
    spectra = measure_spectra(pairs, predictor, refiner, SPECTRUM_BATCHES, config.seed)
    facts = _facts(config, work)
    facts["spectra"] = {
        "angles": [round(t, 6) for t in spectra.angles],
        "spectra": [
            {"variance": round(s.variance, 5), "density": list(s.density), "along_z": 0.0}
            for s in spectra.spectra
        ],
    }
    facts["intervals"] = {"relative_sigma": [1.0], "people": 0, "factors": {}}
    write_bundle(folder, facts, predictor, refiner)
    settings = Settings(samples=8, steps=2, seed=config.seed)
    model = load(Card.read(folder))
    found = calibrate(
        model, _cases(people, max(9, config.depth)), LEVELS[config.modality], settings, meter
    )
    along_z = found.pop("along_z")
    for row in facts["spectra"]["spectra"]:
        row["along_z"] = along_z
    write_card(folder, {**facts, **found, "weights_sha256": model.card.sha256})
    (folder / "configs" / "train.json").write_text(config_path.read_text())


def _facts(config: Config, work: Path) -> dict[str, Any]:
    stages = {}
    for name in config.stages:
        state = json.loads((work / name / "state.json").read_text())
        table = work / name / "curve.csv"
        curve = table.read_text().splitlines() if table.exists() else []
        stages[name] = {
            "steps": state["step"],
            "minutes": round(state["seconds"] / 60, 1),
            "curve": _thinned(curve),
        }
    return {
        "name": config.name,
        "modality": config.modality,
        "mode": "slice" if config.depth == 1 else "patch3d",
        "depth": config.depth,
        "depth_stride": config.depth_stride,
        "summary": config.summary,
        "predictor": config.predictor,
        "refiner": config.refiner,
        "sigma_range": list(config.sigma_range),
        "limits": list(config.limits),
        "training": {
            "command": f"medrestore train models/{config.name}/configs/train.json",
            "seed": config.seed,
            "scans": [scan.file for scan in config.scans],
            "people": sorted({scan.person for scan in config.scans}),
            "licences": list(config.licences),
            "notes": list(config.notes),
            "stages": stages,
        },
    }


def _thinned(curve: list[str], most: int = 40) -> list[list[float]]:
    """Step and loss of at most ``most`` rows of a loss table."""
    rows = [line.split(",") for line in curve[1:]]
    every = max(1, math.ceil(len(rows) / most))
    return [[float(row[0]), float(row[2])] for row in rows[::every]]


def _cases(people: dict[str, list[Stack]], slices: int) -> list[Case]:
    """For each person the middle of their first stack, in its own plane."""
    cases = []
    for person, stacks in people.items():
        stack = stacks[0]
        middle = len(stack.array) // 2
        first = max(0, min(middle - slices // 2, len(stack.array) - slices))
        array = np.ascontiguousarray(stack.array[first : first + slices])
        cases.append(Case(person, array, stack.pixel_mm))
    return cases
