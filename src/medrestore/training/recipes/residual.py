"""A predictor, predictors that have not seen some people, and a refiner of what those leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.training.stages import predictor_step, refiner_step

if TYPE_CHECKING:
    from torch import nn

    from medrestore.training.trainings import Trainings

__all__ = ["residual"]


def residual(
    trainings: Trainings, predictor: nn.Module, refiner: nn.Module
) -> tuple[nn.Module, nn.Module, dict[str, nn.Module]]:
    """Stages ``"predictor"``, ``"fold"`` and ``"refiner"``."""
    step = predictor_step(trainings.pairs("predictor", corrected=True))
    predictor = trainings.fit("predictor", "predictor", predictor, step)
    held_out = trainings.folds()
    examples = trainings.residuals("refiner", predictor, held_out)
    step = refiner_step(examples, trainings.generator("refiner"), trainings.config.depth)
    return predictor, trainings.fit("refiner", "refiner", refiner, step), held_out
