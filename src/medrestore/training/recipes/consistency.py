"""A refiner distilled to consistency behind its teacher's predictor."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from medrestore.training.consistency import Widths, consistency_step, reused

if TYPE_CHECKING:
    from torch import nn

    from medrestore.training.trainings import Trainings

__all__ = ["consistency"]

REUSED = 3
"""Steps of a distillation on the same patches: a predictor's pass costs as much as a step."""


def consistency(
    trainings: Trainings, predictor: nn.Module, refiner: nn.Module
) -> tuple[nn.Module, nn.Module, dict[str, nn.Module]]:
    """Stages ``"fold"`` and ``"consistency"``; both networks begin with the teacher's weights."""
    held_out, device = trainings.folds(), trainings.fabric.device
    teacher = copy.deepcopy(refiner).eval().requires_grad_(False).to(device)
    examples = trainings.residuals("consistency", predictor.to(device), held_out)
    step = consistency_step(
        reused(examples, REUSED),
        teacher,
        trainings.generator("consistency"),
        Widths(trainings.steps_done("consistency")),
        trainings.config.depth,
    )
    return predictor, trainings.fit("consistency", "consistency", refiner, step), held_out
