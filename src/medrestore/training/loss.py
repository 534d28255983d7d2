"""What the networks are trained to minimise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from medrestore.core.predictor import Prediction
    from medrestore.training.corrupt import Pair

__all__ = ["PredictorLoss", "predictor_loss"]

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
    """
    sigma = pair.condition.sigma
    error = ((prediction.mu - pair.clean) / sigma).square()
    log_ratio = prediction.log_s - sigma.log()
    expected = (2 * log_ratio.detach()).exp().mean(dim=(1, 2, 3), keepdim=True)
    balanced = _tailed(error / (expected + EASE)).mean()
    surprise = error.detach() * (-2 * log_ratio).exp()
    likelihood = (log_ratio + 0.5 * _tailed(surprise)).mean()
    return PredictorLoss(balanced + 0.1 * likelihood, error.mean().detach(), likelihood.detach())


def _tailed(squared: Tensor) -> Tensor:
    """As it is while small, logarithmic beyond `TAIL`: one wild voxel must not lead a step."""
    return TAIL * torch.log1p(squared / TAIL)
