"""The two networks' training steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from medrestore.core.diffusion import diffuse, velocity
from medrestore.core.refiner import refiner_condition
from medrestore.training.loss import predictor_loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.predictor import Prediction
    from medrestore.training.corrupt import Pair
    from medrestore.training.pairs import Pairs

    LossOf = Callable[[nn.Module], tuple[Tensor, dict[str, Tensor]]]

__all__ = ["MARGIN", "predictor_step", "refiner_step", "residual"]

MARGIN = 8
"""Pixels cut from every side of a patch, where the predictor lacked its surroundings."""

LARGEST_RESIDUAL = 6.0
"""Standardised residuals are cut here: a few defects of the scans must not lead."""


def predictor_step(pairs: Pairs) -> LossOf:
    """Loss of the predictor on the next batch."""

    def loss_of(net: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
        pair = pairs.draw()
        loss = predictor_loss(net(pair.condition), pair)
        return loss.total, {
            "relative_error": loss.relative_error,
            "likelihood": loss.likelihood.detach(),
        }

    return loss_of


def refiner_step(
    examples: Callable[[], tuple[Tensor, Tensor]], generator: torch.Generator, depth: int = 1
) -> LossOf:
    """Loss of the refiner: mean squared error of the velocity at a uniformly drawn angle.

    ``examples`` draws a batch of standardised residuals with their conditions. The ``depth``
    slices of a stack, which follow each other in the batch, share an angle.
    """

    def loss_of(net: nn.Module) -> tuple[Tensor, dict[str, Tensor]]:
        r, condition = examples()
        draw = torch.rand(len(r) // depth, generator=generator, device=r.device)
        draw = draw.repeat_interleave(depth)
        t = (0.02 + (math.pi / 2 - 0.02) * draw).view(-1, 1, 1, 1)
        eps = torch.randn(r.shape, generator=generator, device=r.device)
        v = net(diffuse(r, eps, t), t.flatten(), condition)
        loss = (v - velocity(r, eps, t)).square().mean()
        return loss, {"residual_power": r.square().mean()}

    return loss_of


@torch.no_grad()
def residual(pair: Pair, predictor: nn.Module) -> tuple[Tensor, Tensor]:
    """Standardised residual (x − μ)/s and the refiner's condition, margins cut."""
    prediction: Prediction = predictor(pair.condition)
    r = (pair.clean - prediction.mu) / prediction.log_s.exp()
    condition = refiner_condition(pair.condition, prediction)
    inner = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    return r[inner].clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL), condition[inner].contiguous()
