"""What a refiner is told of the scan and of the prediction; apart, since it needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from medrestore.core.predictor import compress, smooth

if TYPE_CHECKING:
    from torch import Tensor

    from medrestore.core.predictor import Condition, Prediction

__all__ = ["CONDITION_CHANNELS", "refiner_condition"]

CONDITION_CHANNELS = 6


def refiner_condition(c: Condition, prediction: Prediction) -> Tensor:
    """Condition of the refiner, (batch, 6, y, x), all of order one.

    The noise removed, the detail left (in σ and in s), log s/σ, log σ and the local mean.
    """
    mu, log_s = prediction
    mean = smooth(mu)
    return torch.cat(
        (
            compress((c.centre - mu) / c.sigma),
            compress((mu - mean) / c.sigma),
            compress((mu - mean) / log_s.exp(), 4.0) / 4,
            log_s - torch.log(c.sigma),
            torch.log(c.sigma / c.scale) + 3.5,
            mean / c.scale,
        ),
        dim=1,
    )
