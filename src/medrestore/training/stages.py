"""Training steps of the two networks, and the losses that they minimise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from medrestore.core.diffusion import diffuse, velocity
from medrestore.core.refiner_condition import refiner_condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from medrestore.core.predictor import Prediction
    from medrestore.training.pairs import Pairs
    from medrestore.training.targets import Pair

    LossOf = Callable[[nn.Module], tuple[Tensor, dict[str, Tensor]]]

__all__ = [
    "MARGIN",
    "PredictorLoss",
    "predictor_loss",
    "predictor_step",
    "refiner_step",
    "residual",
]

EASE = 0.05
"""Floor of the balancing weight: patches of pure air are easy and must not dominate."""


TAIL = 200.0
"""Squared standardised error beyond which both parts grow only logarithmically."""


class PredictorLoss(NamedTuple):
    """Loss to descend, and the two parts a person follows: error/σ² and calibration."""

    total: Tensor
    relative_error: Tensor
    likelihood: Tensor


def predictor_loss(prediction: Prediction, pair: Pair) -> PredictorLoss:
    """Balanced squared error for μ plus the Gaussian likelihood for s with the residual detached.

    The squared error is divided by σ² and, per patch, by its own expected size mean(s²)/σ², so
    that a decibel counts the same at every noise level; inside a patch it stays a plain mean.

    A target with independent noise of its own (``pair.target_std`` = σ_e, `training.targets`) has
    E|target − μ|² = E|x − μ|² + σ_e²: μ still goes to E[x|y], σ_e² joins the expected error, and
    the likelihood is that of N(μ, s² + σ_e²), so that s stays the error against x.
    """
    sigma = pair.condition.sigma
    error = ((prediction.mu - pair.clean) / sigma).square()
    variance = (2 * (prediction.log_s - sigma.log())).exp()
    if pair.target_std is not None:
        variance = variance + (pair.target_std / sigma).square()
    expected = variance.detach().mean(dim=(1, 2, 3), keepdim=True)
    balanced = _tailed(error / (expected + EASE)).mean()
    surprise = error.detach() / variance
    likelihood = 0.5 * (variance.log() + _tailed(surprise)).mean()
    return PredictorLoss(balanced + 0.1 * likelihood, error.mean().detach(), likelihood.detach())


def _tailed(squared: Tensor) -> Tensor:
    """As it is while small, logarithmic beyond `TAIL`: one wild voxel must not lead a step."""
    return TAIL * torch.log1p(squared / TAIL)


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
