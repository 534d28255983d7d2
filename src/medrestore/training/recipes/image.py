"""A refiner of whole images, told the noisy scan, at times told nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from medrestore.core.families import FAMILIES
from medrestore.training.stages import refiner_step

if TYPE_CHECKING:
    from torch import Tensor, nn

    from medrestore.training.trainings import Trainings

__all__ = ["image"]


def image(
    trainings: Trainings, predictor: nn.Module, refiner: nn.Module
) -> tuple[nn.Module, nn.Module, dict[str, nn.Module]]:
    """Stage ``"refiner"``; the prior in the predictor's place is not trained."""
    config, generator = trainings.config, trainings.generator("refiner")
    pairs, family = trainings.pairs("refiner"), FAMILIES[config.family]

    def examples() -> tuple[Tensor, Tensor]:
        pair = pairs.draw()
        prior = predictor(pair.condition)
        told = family.condition(pair.condition, prior)
        draw = torch.rand(len(told), 1, 1, 1, generator=generator, device=told.device)
        told = told * (draw >= config.condition_dropped)
        return (pair.clean - prior.mu) / prior.log_s.exp(), told

    step = refiner_step(examples, generator, config.depth)
    return predictor, trainings.fit("refiner", "refiner", refiner, step), {}
