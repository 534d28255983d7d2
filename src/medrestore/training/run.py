"""`medrestore train`: predictor, refiner, spectra, calibration, export; each stage resumes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from medrestore.core.meter import SILENT, Meter
from medrestore.core.predictor import Predictor
from medrestore.core.refiner import Refiner
from medrestore.core.spectra import Spectra
from medrestore.core.spectrum import Spectrum
from medrestore.models import Card, find_card, load
from medrestore.plan import Settings
from medrestore.training.calibrate import Case, calibrate
from medrestore.training.config import Config
from medrestore.training.export import write_bundle, write_card
from medrestore.training.loop import fit
from medrestore.training.source import Pairs, stacks_by_person
from medrestore.training.spread import measure_spread
from medrestore.training.stages import MARGIN, predictor_step, refiner_step

if TYPE_CHECKING:
    from medrestore.training.data import Stack

__all__ = ["train"]

UNKNOWN = Spectra((math.pi / 2,), ((Spectrum.white(),),))
"""What a card says before its spectra are measured."""

LEVELS = {"MR": (0.01, 0.03, 0.06, 0.12), "CT": (10.0, 30.0, 80.0)}
"""Noise levels of the calibration."""


def train(
    config_path: Path,
    start_from: str | None = None,
    time_limit: float | None = None,
    meter: Meter = SILENT,
    runs: Path = Path("runs"),
    models: Path = Path("models"),
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

    Returns
    -------
    Path
        The model's folder.
    """
    config = Config.read(config_path)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    work = runs / config.name
    people = stacks_by_person(config, runs / "noise_banks", meter)
    stacks = [stack for group in people.values() for stack in group]
    predictor, refiner = _networks(config, start_from)
    limits = _limits(config, time_limit)
    predictor = fit(
        predictor,
        predictor_step(Pairs(config, stacks, _fresh_seed(config, work / "predictor"))),
        limits["predictor"],
        work / "predictor",
        forward=_compiled(predictor),
        meter=meter,
    )
    pairs = Pairs(
        config, stacks, 7 + _fresh_seed(config, work / "refiner"), config.patch + 2 * MARGIN
    )
    generator = torch.Generator().manual_seed(config.seed + 3)
    step = refiner_step(pairs, predictor.eval(), generator)
    refiner = fit(refiner, step, limits["refiner"], work / "refiner", meter=meter)
    return _finish(config, config_path, people, predictor, refiner.eval(), models, work, meter)


def _networks(config: Config, start_from: str | None) -> tuple[torch.nn.Module, torch.nn.Module]:
    predictor = Predictor(**config.network("predictor"))
    refiner = Refiner(**config.network("refiner"))
    if start_from is not None:
        model = load(find_card(start_from, config.modality))
        predictor.load_state_dict(model.predictor.state_dict())
        refiner.load_state_dict(model.refiner.state_dict())
    return predictor.to(memory_format=torch.channels_last), refiner  # type: ignore[call-overload]


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


def _compiled(net: torch.nn.Module) -> torch.nn.Module | None:
    """Inductor's form of the network: about a quarter faster, where a compiler is installed."""
    import shutil

    if shutil.which("gcc") is None and not torch.cuda.is_available():
        return None
    return torch.compile(net)  # type: ignore[return-value]


def _finish(
    config: Config,
    config_path: Path,
    people: dict[str, list[Stack]],
    predictor: torch.nn.Module,
    refiner: torch.nn.Module,
    models: Path,
    work: Path,
    meter: Meter,
) -> Path:
    """Spectra, calibration, card and weights."""
    folder = models / config.name
    facts = _facts(config, work)
    facts["spectra"] = UNKNOWN.facts()
    facts["intervals"] = {"relative_sigma": [1.0], "people": 0, "factors": {}}
    write_bundle(folder, facts, predictor, refiner)
    settings = Settings(samples=8, steps=2, seed=config.seed)
    model, cases = load(Card.read(folder)), _cases(people)
    levels = LEVELS[config.modality]
    facts |= measure_spread(model, cases, levels, settings, meter=meter)
    found = calibrate(model, cases, levels, settings, meter)
    facts["intervals"] = found["intervals"]
    write_card(folder, {**facts, "weights_sha256": model.card.sha256})
    (folder / "configs" / "train.json").write_text(config_path.read_text())
    return folder


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
        "mode": "slice",
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


def _cases(people: dict[str, list[Stack]], slices: int = 9) -> list[Case]:
    """For each person the middle of their first stack, in its own plane."""
    cases = []
    for person, stacks in people.items():
        stack = stacks[0]
        middle = len(stack.array) // 2
        first = max(0, min(middle - slices // 2, len(stack.array) - slices))
        array = np.ascontiguousarray(stack.array[first : first + slices])
        cases.append(Case(person, array, stack.pixel_mm))
    return cases
