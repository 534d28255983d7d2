"""The trainings that make up a model, on the same data and devices, one after the other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import torch

from medrestore.core.compute import weights_last
from medrestore.core.families import networks
from medrestore.core.predictor import start_predictor
from medrestore.models.model import load
from medrestore.training.crossfit import FoldResidual, fit_folds
from medrestore.training.devices import can_compile
from medrestore.training.finish import people_of
from medrestore.training.loop import Schedule, averaged, fit
from medrestore.training.pairs import Pairs
from medrestore.training.source import SYNTHETIC
from medrestore.training.stages import MARGIN, predictor_step, residual

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from lightning_fabric import Fabric
    from torch import Tensor, nn

    from medrestore.core.meter import Meter
    from medrestore.models.card import Card
    from medrestore.training.config import Config
    from medrestore.training.data import Stack
    from medrestore.training.stages import LossOf

__all__ = ["FOLDS", "Trainings", "networks_of"]

FOLDS = 2
"""Groups that people are dealt into for cross-fitting."""


def networks_of(
    config: Config, start: Card | None, unseen: Collection[str] = ()
) -> tuple[nn.Module, nn.Module]:
    """Both networks; from a model's weights unless it knows one of the people ``unseen``."""
    predictor, refiner = networks(config.networks)
    if start is not None and not {*people_of(start)} & {*unseen}:
        model = load(start)
        start_predictor(predictor, model.predictor.state_dict())
        same = config.family == model.card.known.family
        if same and config.depth == model.card.depth[0]:
            refiner.load_state_dict(model.refiner.state_dict())
    weights_last(predictor)
    return predictor, refiner


@dataclass(frozen=True, eq=False)
class Trainings:
    """The trainings of a model, one after the other; ``done`` names their folders."""

    config: Config
    people: dict[str, list[Stack]]
    work: Path
    limits: dict[str, Schedule]
    start: Card | None
    fabric: Fabric
    meter: Meter
    done: list[str] = field(default_factory=list)

    def folds(self) -> dict[str, nn.Module]:
        """Person → a predictor that has not seen them; none where the config has no such stage."""
        everybody = [person for person in self.people if person != SYNTHETIC]
        if "fold" not in self.limits or len(everybody) < FOLDS:
            return {}

        def without(seen: tuple[str, ...], k: int) -> nn.Module:
            unseen = set(everybody) - set(seen)
            net, _ = networks_of(self.config, self.start, unseen)
            name = "fold_" + sha256("\n".join(sorted(seen)).encode()).hexdigest()[:8]
            if self.start is not None:  # its fold of the same people, where its run is at hand
                if weights := averaged(self.work.parent / self.start.name / name):
                    start_predictor(net, weights)
                    if self.config.teacher or self.config.behind:  # as its own refiner saw it
                        return net.to(self.fabric.device)
            step = predictor_step(self.pairs(name, 11 * (k + 1), of=seen, corrected=True))
            return self.fit("fold", name, net, step)

        return fit_folds(everybody, FOLDS, without)

    def generator(self, stage: str) -> torch.Generator:
        """Of angles and noise; seeded anew after a resume."""
        seed = _fresh_seed(self.config, self.work / stage) + 3 + self.fabric.global_rank
        return torch.Generator(self.fabric.device).manual_seed(seed)

    def residuals(
        self, stage: str, predictor: nn.Module, held_out: dict[str, nn.Module]
    ) -> Callable[[], tuple[Tensor, Tensor]]:
        """Draws residuals with their conditions, of predictors held out where there are any."""
        if held_out:
            return self._unseen(stage, held_out)
        pairs = self.pairs(stage, 7, margin=MARGIN)
        return lambda: residual(pairs.draw(), predictor)

    def steps_done(self, stage: str) -> int:
        """Steps of a stage in earlier sessions."""
        return _steps_done(self.work / stage)

    def _unseen(self, stage: str, held_out: dict[str, nn.Module]) -> FoldResidual:
        least = self.config.patch + 2 * MARGIN
        shares = {
            person: sum(s.weight for s in self.people[person] if min(s.array.shape[1:]) >= least)
            for person in held_out
        }
        pairs = {
            person: self.pairs(stage, 7 + 13 * i, margin=MARGIN, of=(person,))
            for i, person in enumerate(held_out)
            if shares[person]
        }
        weights = [shares[person] for person in pairs]
        return FoldResidual(
            held_out, lambda person: pairs[person].draw(), list(pairs), weights, self.config.seed
        )

    def fit(self, kind: str, name: str, net: nn.Module, step: LossOf) -> nn.Module:
        """Train by the schedule of ``kind`` in the folder ``name``; the average, to evaluate."""
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

    def pairs(
        self,
        stage: str,
        shift: int = 0,
        margin: int = 0,
        of: Sequence[str] | None = None,
        corrected: bool = False,
    ) -> Pairs:
        """Pairs of some people, all by default, ``margin`` pixels wider on every side.

        ``corrected`` targets carry noise of their own beside the scan's, with ``noise_aware``: a
        predictor's mean and likelihood allow for it, what is diffused would hold it.
        """
        config = self.config if corrected else replace(self.config, noise_aware=False)
        people = self.people if of is None else {p: self.people[p] for p in of if p in self.people}
        stacks = [stack for group in people.values() for stack in group]
        seed = _fresh_seed(self.config, self.work / stage) + shift
        seed += 500_000_009 * self.fabric.global_rank
        patch = self.config.patch + 2 * margin
        return Pairs(config, stacks, seed, patch, self.fabric.device)


def _fresh_seed(config: Config, folder: Path) -> int:
    """A seed that differs after a resume, so that no patch is drawn twice."""
    return config.seed + 1000 * _steps_done(folder)


def _steps_done(folder: Path) -> int:
    state = folder / "state.json"
    return int(json.loads(state.read_text())["step"]) if state.exists() else 0
