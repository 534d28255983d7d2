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
