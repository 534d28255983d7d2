"""The trainings that make up a model, on the same data and devices, one after the other.

The residuals for the refiner are cross-fitted over people. A predictor's residual on its own
training people is too small; a refiner trained on it inherits that, and more steps then lose region
variance. So people are dealt into folds, one light predictor is trained without each fold, from
scratch or from a checkpoint that never saw those people (never from the shipped weights, which
did), and a person's residuals come from their fold's predictor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import torch

from medrestore.core.compute import weights_last
from medrestore.core.families import networks
from medrestore.core.predictor import start_predictor
from medrestore.errors import SettingsError
from medrestore.models.model import load
from medrestore.training.finish import people_of
from medrestore.training.loop import Schedule, averaged, fit
from medrestore.training.pairs import Pairs
from medrestore.training.session import can_compile
from medrestore.training.source import SYNTHETIC
from medrestore.training.stages import MARGIN, predictor_step, residual

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from lightning_fabric import Fabric
    from torch import Tensor, nn

    from medrestore.core.meter import Meter
    from medrestore.models.card import Card
    from medrestore.training.config import Config
    from medrestore.training.data import Stack
    from medrestore.training.stages import LossOf
    from medrestore.training.targets import Pair

__all__ = ["FOLDS", "FoldResidual", "Trainings", "fit_folds", "folds", "networks_of"]


def folds(people: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """People dealt into ``count`` groups of nearly equal size, in the order given.

    Raises
    ------
    SettingsError
        If a fold would be empty or nobody be left to train on.
    """
    if not 2 <= count <= len(people):
        raise SettingsError(
            f"{len(people)} people cannot be dealt into {count} folds; use 2 to {len(people)}"
        )
    return [tuple(people[i::count]) for i in range(count)]


def fit_folds(
    people: Sequence[str],
    count: int,
    train: Callable[[tuple[str, ...], int], nn.Module],
) -> dict[str, nn.Module]:
    """One predictor for each fold, trained without its people.

    Parameters
    ----------
    people : sequence of str
        Everybody.
    count : int
        Folds.
    train : callable
        ``train(seen, k)`` returns the predictor of fold ``k``, trained on nobody but the people
        ``seen``; it must not start from weights that know anybody else.

    Returns
    -------
    dict
        Person → the predictor that has not seen them.
    """
    held_out: dict[str, nn.Module] = {}
    for k, fold in enumerate(folds(people, count)):
        predictor = train(tuple(p for p in people if p not in fold), k).eval()
        held_out |= dict.fromkeys(fold, predictor)
    return held_out


@dataclass(frozen=True, eq=False)
class FoldResidual:
    """The refiner's examples: each patch through the predictor that has not seen its person.

    Parameters
    ----------
    held_out : mapping
        Person → predictor, from `fit_folds`.
    draw : callable
        Draws a batch of one person: ``draw(person) → Pair``.
    people : sequence of str
        People to draw from.
    weights : sequence of float
        Share of each person in the draw.
    seed : int
        Of the choice of people.
    """

    held_out: Mapping[str, nn.Module]
    draw: Callable[[str], Pair]
    people: Sequence[str]
    weights: Sequence[float]
    seed: int = 0

    def __post_init__(self) -> None:
        missing = [person for person in self.people if person not in self.held_out]
        if missing:
            raise SettingsError(
                f"no predictor is held out for {', '.join(missing)}; train one without them"
            )
        object.__setattr__(self, "_generator", torch.Generator().manual_seed(self.seed))

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Standardised residual and refiner's condition of the next batch, margins cut."""
        generator: torch.Generator = self._generator  # type: ignore[attr-defined]
        weights = torch.tensor(self.weights, dtype=torch.float64)
        person = self.people[int(torch.multinomial(weights, 1, generator=generator))]
        return residual(self.draw(person), self.held_out[person])


FOLDS = 2
"""Groups that people are dealt into for cross-fitting."""


def networks_of(
    config: Config, start: Card | None, unseen: Collection[str] = ()
) -> tuple[nn.Module, nn.Module]:
    """Both networks; from a model's weights unless it knows one of the people ``unseen``.

    Raises
    ------
    SettingsError
        If there are no networks of these arguments, or the start's refiner is of another size.
    """
    try:
        predictor, refiner = networks(config.networks)
    except (TypeError, ValueError) as error:
        said = str(error).replace(".__init__() got an unexpected keyword argument", " knows no")
        raise SettingsError(
            f"predictor and refiner of the config make no networks: {said}; take those of a "
            "shipped model's train.json"
        ) from error
    if start is not None and not {*people_of(start)} & {*unseen}:
        model = load(start)
        start_predictor(predictor, model.predictor.state_dict())
        try:
            same = config.family == model.card.known.family
            if same and config.depth == model.card.depth[0]:
                refiner.load_state_dict(model.refiner.state_dict())
        except RuntimeError as error:
            raise SettingsError(
                f"the config's refiner is not of the size of {start.name}'s; take that of its "
                "train.json, or train without --from"
            ) from error
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
