"""`medrestore train`: predictor, folds, refiner, spectra, calibration, export; all resume."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from medrestore.core.meter import SILENT, Meter
from medrestore.errors import SettingsError
from medrestore.models.model import find_card
from medrestore.training.config import Config
from medrestore.training.finish import Trained, finish, people_of
from medrestore.training.recipes import RECIPES
from medrestore.training.session import launch
from medrestore.training.source import stacks_by_person
from medrestore.training.trainings import FOLDS, Trainings, networks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medrestore.models.card import Card
    from medrestore.training.loop import Schedule

__all__ = ["train"]


def train(
    config_path: Path,
    start_from: str | None = None,
    time_limit: float | None = None,
    meter: Meter = SILENT,
    runs: Path = Path("runs"),
    models: Path = Path("models"),
    devices: int = 1,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Train, or go on training, a model and export it.

    Parameters
    ----------
    config_path : Path
        JSON of a `Config`.
    start_from : str, optional
        Name or folder of a model whose weights are the start (fine-tuning); same architecture. A
        3-D model may start from a slice model: its predictor as that one's, its refiner anew. Folds
        start from that model's folds of the same people if they are in ``runs``.
    time_limit : float, optional
        Minutes for all training stages together, shared as the config's own limits are.
    meter : Meter
        One tick per step.
    runs, models : Path
        Folders of checkpoints and of the finished bundle.
    devices : int
        GPUs (or, without any, CPU processes) to train on.
    changes : mapping, optional
        Fields of the config to replace for this run; the model's record keeps them.

    Returns
    -------
    Path
        The model's folder.
    """
    config = Config.read(config_path, changes)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    fabric, work = launch(devices), runs / config.name
    people = stacks_by_person(config, runs / "noise_banks", meter)
    start_from = config.teacher or config.behind or start_from
    start = None if start_from is None else find_card(start_from, config.modality)
    if config.teacher and start is not None and start.known.family != "residual":
        raise SettingsError(
            f"{start.name} is of family {start.known.family}; only refiners behind a predictor, "
            "of family residual, can be distilled"
        )
    _check_held_out(config, start)
    trainings = Trainings(config, people, work, _limits(config, time_limit), start, fabric, meter)
    recipe = RECIPES["consistency" if config.teacher else config.family]
    predictor, refiner, held_out = recipe(trainings, *networks_of(config, start))
    folder = models / config.name
    if fabric.is_global_zero:
        trained = Trained(predictor.cpu(), refiner.cpu(), held_out, tuple(trainings.done), start)
        finish(config, people, trained, folder, work, meter)
    fabric.barrier()
    return folder


def _check_held_out(config: Config, start: Card | None) -> None:
    if start is None:
        return
    if known := {*people_of(start)} & {scan.person for scan in config.held_out}:
        raise SettingsError(
            f"{', '.join(sorted(known))} cannot be held out: {start.name}, which the "
            "training starts from, knows them"
        )


def _limits(config: Config, minutes: float | None) -> dict[str, Schedule]:
    """The stages' schedules, their time limits scaled to ``minutes`` together, folds included."""
    if minutes is None:
        return dict(config.stages)
    times = {name: FOLDS if name == "fold" else 1 for name in config.stages}
    total = sum(schedule.time_limit_min * times[name] for name, schedule in config.stages.items())
    return {
        name: replace(
            schedule,
            time_limit_min=minutes * schedule.time_limit_min / total
            if math.isfinite(total)
            else minutes / sum(times.values()),
        )
        for name, schedule in config.stages.items()
    }
