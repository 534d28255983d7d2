"""`medrestore train`: predictor, refiner, spectra, calibration, export; each stage resumes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from medrestore.core.meter import SILENT, Meter
from medrestore.core.networks import networks, start_predictor
from medrestore.core.precision import weights_last
from medrestore.models import find_card, load
from medrestore.training.config import Config
from medrestore.training.devices import can_compile, launch
from medrestore.training.finish import finish
from medrestore.training.loop import Schedule, fit
from medrestore.training.pairs import Pairs
from medrestore.training.source import stacks_by_person
from medrestore.training.stages import MARGIN, predictor_step, refiner_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightning_fabric import Fabric
    from torch import nn

    from medrestore.training.data import Stack
    from medrestore.training.stages import LossOf

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
        3-D model may start from a slice model: its predictor as that one's, its refiner anew.
    time_limit : float, optional
        Minutes for the two training stages together, shared as the config's own limits are.
    meter : Meter
        One tick per step.
    runs, models : Path
        Where checkpoints and the finished bundle go.
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
    predictor, refiner = _networks(config, start_from)
    stages = _Stages(config, people, work, _limits(config, time_limit), fabric, meter)
    predictor = stages.predictor(predictor)
    refiner = stages.refiner(refiner, predictor)
    folder = models / config.name
    if fabric.is_global_zero:
        finish(config, people, predictor.cpu(), refiner.cpu(), folder, work, meter)
    fabric.barrier()
    return folder


def _networks(config: Config, start_from: str | None) -> tuple[nn.Module, nn.Module]:
    predictor, refiner = networks(config.networks)
    if start_from is not None:
        model = load(find_card(start_from, config.modality))
        start_predictor(predictor, model.predictor.state_dict())
        if config.depth == model.card.depth[0]:
            refiner.load_state_dict(model.refiner.state_dict())
    weights_last(predictor)
    return predictor, refiner


@dataclass(frozen=True, eq=False)
class _Stages:
    """The two trainings of a model, one after the other."""

    config: Config
    people: dict[str, list[Stack]]
    work: Path
    limits: dict[str, Schedule]
    fabric: Fabric
    meter: Meter

    def predictor(self, net: nn.Module) -> nn.Module:
        step = predictor_step(self._pairs("predictor", 0, self.config.patch))
        return self._fit("predictor", net, step, can_compile())

    def refiner(self, net: nn.Module, predictor: nn.Module) -> nn.Module:
        fabric, config = self.fabric, self.config
        pairs = self._pairs("refiner", 7, config.patch + 2 * MARGIN)
        generator = torch.Generator(fabric.device).manual_seed(config.seed + 3 + fabric.global_rank)
        step = refiner_step(pairs, predictor, generator, config.depth)
        return self._fit("refiner", net, step, False)

    def _fit(self, name: str, net: nn.Module, step: LossOf, compiled: bool) -> nn.Module:
        return fit(
            net,
            step,
            self.limits[name],
            self.work / name,
            fabric=self.fabric,
            compiled=compiled,
            meter=self.meter,
        ).eval()

    def _pairs(self, stage: str, shift: int, patch: int) -> Pairs:
        stacks = [stack for group in self.people.values() for stack in group]
        seed = _fresh_seed(self.config, self.work / stage) + shift
        seed += 500_000_009 * self.fabric.global_rank
        return Pairs(self.config, stacks, seed, patch, self.fabric.device)


def _limits(config: Config, minutes: float | None) -> dict[str, Schedule]:
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
