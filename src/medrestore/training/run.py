"""`medrestore train`: predictor, refiner, spectra, calibration, export; each stage resumes."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning_fabric import Fabric

from medrestore.core.meter import SILENT, Meter
from medrestore.core.networks import networks
from medrestore.models import Card, find_card, load
from medrestore.plan import Settings
from medrestore.training.calibrate import Case, calibrate
from medrestore.training.config import Config
from medrestore.training.export import write_bundle, write_card
from medrestore.training.loop import fit
from medrestore.training.source import Pairs, stacks_by_person
from medrestore.training.stages import MARGIN, predictor_step, refiner_step
from medrestore.training.texture import measure_spectra

if TYPE_CHECKING:
    from medrestore.training.data import Stack

__all__ = ["train"]

SPECTRUM_BATCHES = 24
LEVELS = {"MR": (0.01, 0.03, 0.06, 0.12), "CT": (10.0, 30.0, 80.0)}
"""Noise levels of the calibration."""


def train(
    config_path: Path,
    start_from: str | None = None,
    time_limit: float | None = None,
    meter: Meter = SILENT,
    runs: Path = Path("runs"),
    models: Path = Path("models"),
    devices: int = 1,
) -> Path:
    """Train, or go on training, a model and export it.

    Parameters
    ----------
    config_path : Path
        JSON of a `Config`.
    start_from : str, optional
        Name or folder of a model whose weights are the start (fine-tuning); same architecture.
    time_limit : float, optional
        Minutes for the two training stages together, shared as the config's own limits are.
    meter : Meter
        One tick per step.
    runs, models : Path
        Where checkpoints and the finished bundle go.
    devices : int
        GPUs (or, without any, CPU processes) to train on.

    Returns
    -------
    Path
        The model's folder.
    """
    config = Config.read(config_path)
    if config.threads:
        torch.set_num_threads(config.threads)
    fabric = launch(devices)
    work = runs / config.name
    torch.manual_seed(config.seed)
    predictor, refiner = networks(config.networks)
    if start_from is not None:
        model = load(find_card(start_from, config.modality))
        predictor.load_state_dict(model.predictor.state_dict())
        refiner.load_state_dict(model.refiner.state_dict())
    people = stacks_by_person(config, runs / "noise_banks", meter)
    stacks = [stack for group in people.values() for stack in group]
    limits, device = _limits(config, time_limit), fabric.device

    def pairs(stage: str, shift: int, patch: int) -> Pairs:
        seed = _fresh_seed(config, work / stage) + shift + 500_000_009 * fabric.global_rank
        return Pairs(config, stacks, seed, patch, device)

    predictor = fit(
        predictor.to(memory_format=_layout(config)),  # type: ignore[call-overload]
        predictor_step(pairs("predictor", 0, config.patch)),
        limits["predictor"],
        work / "predictor",
        fabric=fabric,
        compiled=_can_compile() and config.depth == 1,
        meter=meter,
    )
    generator = torch.Generator(device).manual_seed(config.seed + 3 + fabric.global_rank)
    step = refiner_step(
        pairs("refiner", 7, config.patch + 2 * MARGIN), predictor.eval(), generator, config.depth
    )
    refiner = fit(
        refiner, step, limits["refiner"], work / "refiner", fabric=fabric, meter=meter
    )
    folder = models / config.name
    if fabric.is_global_zero:
        nets = predictor.cpu(), refiner.cpu().eval()
        _finish(config, config_path, people, *nets, folder, work, meter)
    fabric.barrier()
    return folder


def launch(devices: int = 1) -> Fabric:
    """Devices and precision: GPUs in bfloat16 where they have it, else the CPU in float32."""
    gpu = torch.cuda.is_available()
    fabric = Fabric(
        accelerator="cuda" if gpu else "cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision="bf16-mixed" if gpu and torch.cuda.is_bf16_supported() else "32-true",
    )
    fabric.launch()
    return fabric


def _layout(config: Config) -> torch.memory_format:
    return torch.channels_last if config.depth == 1 else torch.channels_last_3d


def _limits(config: Config, minutes: float | None) -> dict[str, Any]:
    """The stages' schedules, their time limits scaled to ``minutes`` together."""
    if minutes is None:
        return dict(config.stages)
    total = sum(schedule.time_limit_min for schedule in config.stages.values())
    return {
        name: replace(
            schedule,
            time_limit_min=minutes * schedule.time_limit_min / total
            if math.isfinite(total)
            else minutes / len(config.stages),
        )
        for name, schedule in config.stages.items()
    }


def _fresh_seed(config: Config, folder: Path) -> int:
    """A seed that differs after a resume, so that no patch is drawn twice."""
    state = folder / "state.json"
    done = int(json.loads(state.read_text())["step"]) if state.exists() else 0
    return config.seed + 1000 * done


def _can_compile() -> bool:
    """Inductor needs a compiler: about a quarter faster where there is one."""
    return shutil.which("gcc") is not None or torch.cuda.is_available()


def _finish(
    config: Config,
    config_path: Path,
    people: dict[str, list[Stack]],
    predictor: torch.nn.Module,
    refiner: torch.nn.Module,
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
    found = calibrate(model, _cases(people, max(9, config.depth)), LEVELS[config.modality], settings, meter)
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
