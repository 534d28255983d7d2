"""`medrestore train`: predictor, folds, refiner, spectra, calibration, export; all resume."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from medrestore.core.meter import SILENT, Meter
from medrestore.core.networks import networks, start_predictor
from medrestore.core.precision import weights_last
from medrestore.models import find_card, load
from medrestore.training.config import Config
from medrestore.training.consistency import Widths, consistency_step, reused
from medrestore.training.crossfit import FoldResidual, fit_folds
from medrestore.training.devices import can_compile, launch
from medrestore.training.finish import Trained, finish, people_of
from medrestore.training.loop import Schedule, averaged, fit
from medrestore.training.pairs import Pairs
from medrestore.training.source import SYNTHETIC, stacks_by_person
from medrestore.training.stages import MARGIN, predictor_step, refiner_step, residual

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from lightning_fabric import Fabric
    from torch import Tensor, nn

    from medrestore.card import Card
    from medrestore.training.data import Stack
    from medrestore.training.stages import LossOf

__all__ = ["train"]

FOLDS = 2
"""Groups that people are dealt into for cross-fitting."""

REUSED = 3
"""Steps of a distillation on the same patches: a predictor's pass costs as much as a step."""


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
    start_from = config.teacher or start_from
    start = None if start_from is None else find_card(start_from, config.modality)
    predictor, refiner = _networks(config, start)
    stages = _Stages(config, people, work, _limits(config, time_limit), start, fabric, meter)
    if config.teacher:
        held_out = stages.folds()
        refiner = stages.consistency(refiner, predictor, held_out)
    else:
        predictor = stages.predictor(predictor)
        held_out = stages.folds()
        refiner = stages.refiner(refiner, predictor, held_out)
    folder = models / config.name
    if fabric.is_global_zero:
        trained = Trained(predictor.cpu(), refiner.cpu(), held_out, tuple(stages.done), start)
        finish(config, people, trained, folder, work, meter)
    fabric.barrier()
    return folder


def _networks(
    config: Config, start: Card | None, unseen: Collection[str] = ()
) -> tuple[nn.Module, nn.Module]:
    """Both networks; from a model's weights unless it knows one of the people ``unseen``."""
    predictor, refiner = networks(config.networks)
    if start is not None and not {*people_of(start)} & {*unseen}:
        model = load(start)
        start_predictor(predictor, model.predictor.state_dict())
        if config.depth == model.card.depth[0]:
            refiner.load_state_dict(model.refiner.state_dict())
    weights_last(predictor)
    return predictor, refiner


@dataclass(frozen=True, eq=False)
class _Stages:
    """The trainings of a model, one after the other; ``done`` names their folders."""

    config: Config
    people: dict[str, list[Stack]]
    work: Path
    limits: dict[str, Schedule]
    start: Card | None
    fabric: Fabric
    meter: Meter
    done: list[str] = field(default_factory=list)

    def predictor(self, net: nn.Module) -> nn.Module:
        step = predictor_step(self._pairs("predictor"))
        return self._fit("predictor", "predictor", net, step)

    def folds(self) -> dict[str, nn.Module]:
        """Person → a predictor that has not seen them; none where the config has no such stage."""
        everybody = [person for person in self.people if person != SYNTHETIC]
        if "fold" not in self.limits or len(everybody) < FOLDS:
            return {}

        def without(seen: tuple[str, ...], k: int) -> nn.Module:
            unseen = set(everybody) - set(seen)
            net, _ = _networks(self.config, self.start, unseen)
            name = "fold_" + sha256("\n".join(sorted(seen)).encode()).hexdigest()[:8]
            if self.start is not None:  # its fold of the same people, where its run is at hand
                if kin := averaged(self.work.parent / self.start.name / name):
                    start_predictor(net, kin)
                    if self.config.teacher:  # as the teacher's refiner saw it
                        return net.to(self.fabric.device)
            step = predictor_step(self._pairs(name, shift=11 * (k + 1), of=seen))
            return self._fit("fold", name, net, step)

        return fit_folds(everybody, FOLDS, without)

    def refiner(
        self, net: nn.Module, predictor: nn.Module, held_out: dict[str, nn.Module]
    ) -> nn.Module:
        examples = self._residuals("refiner", predictor, held_out)
        step = refiner_step(examples, self._generator("refiner"), self.config.depth)
        return self._fit("refiner", "refiner", net, step)

    def consistency(
        self, net: nn.Module, predictor: nn.Module, held_out: dict[str, nn.Module]
    ) -> nn.Module:
        """The student of the teacher's refiner; ``net`` holds its weights."""
        teacher = copy.deepcopy(net).eval().requires_grad_(False).to(self.fabric.device)
        examples = self._residuals("consistency", predictor.to(self.fabric.device), held_out)
        step = consistency_step(
            reused(examples, REUSED),
            teacher,
            self._generator("consistency"),
            Widths(_steps_done(self.work / "consistency")),
            self.config.depth,
        )
        return self._fit("consistency", "consistency", net, step)

    def _generator(self, stage: str) -> torch.Generator:
        """Of angles and noise; seeded anew after a resume."""
        seed = _fresh_seed(self.config, self.work / stage) + 3 + self.fabric.global_rank
        return torch.Generator(self.fabric.device).manual_seed(seed)

    def _residuals(
        self, stage: str, predictor: nn.Module, held_out: dict[str, nn.Module]
    ) -> Callable[[], tuple[Tensor, Tensor]]:
        """Draws residuals with their conditions, of predictors held out where there are any."""
        if held_out:
            return self._unseen(stage, held_out)
        pairs = self._pairs(stage, 7, margin=MARGIN)
        return lambda: residual(pairs.draw(), predictor)

    def _unseen(self, stage: str, held_out: dict[str, nn.Module]) -> FoldResidual:
        least = self.config.patch + 2 * MARGIN
        shares = {
            person: sum(s.weight for s in self.people[person] if min(s.array.shape[1:]) >= least)
            for person in held_out
        }
        pairs = {
            person: self._pairs(stage, 7 + 13 * i, margin=MARGIN, of=(person,))
            for i, person in enumerate(held_out)
            if shares[person]
        }
        weights = [shares[person] for person in pairs]
        return FoldResidual(
            held_out, lambda person: pairs[person].draw(), list(pairs), weights, self.config.seed
        )

    def _fit(self, kind: str, name: str, net: nn.Module, step: LossOf) -> nn.Module:
        self.done.append(name)
        return fit(
            net,
            step,
            self.limits[kind],
            self.work / name,
            fabric=self.fabric,
            compiled=kind in ("predictor", "fold") and can_compile(self.config.depth),
            meter=self.meter,
        ).eval()

    def _pairs(
        self, stage: str, shift: int = 0, margin: int = 0, of: Sequence[str] | None = None
    ) -> Pairs:
        """Pairs of some people, all by default, ``margin`` pixels wider on every side."""
        people = self.people if of is None else {p: self.people[p] for p in of if p in self.people}
        stacks = [stack for group in people.values() for stack in group]
        seed = _fresh_seed(self.config, self.work / stage) + shift
        seed += 500_000_009 * self.fabric.global_rank
        patch = self.config.patch + 2 * margin
        return Pairs(self.config, stacks, seed, patch, self.fabric.device)


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


def _fresh_seed(config: Config, folder: Path) -> int:
    """A seed that differs after a resume, so that no patch is drawn twice."""
    return config.seed + 1000 * _steps_done(folder)


def _steps_done(folder: Path) -> int:
    state = folder / "state.json"
    return int(json.loads(state.read_text())["step"]) if state.exists() else 0
