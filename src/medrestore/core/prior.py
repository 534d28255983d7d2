"""What is known of an image before it is seen: one mean and one standard deviation for all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from medrestore.core.predictor import Prediction

if TYPE_CHECKING:
    from medrestore.core.predictor import Condition

__all__ = ["Prior"]


class Prior(nn.Module):
    """Stands in a predictor's place where the image itself is diffused.

    Parameters
    ----------
    mean, std : float
        Of the voxels of clean images, in units of the scale.
    slices : int
        Neighbouring slices that a condition holds (odd).
    """

    def __init__(self, mean: float, std: float, slices: int = 1) -> None:
        super().__init__()
        self.mean, self.std, self.slices = mean, std, slices

    def forward(self, c: Condition) -> Prediction:
        """μ = m·scale and log s = log(S·scale) for the middle slices."""
        scale = torch.broadcast_to(c.scale, c.centre.shape)
        return Prediction(mu=self.mean * scale, log_s=torch.log(scale) + math.log(self.std))
