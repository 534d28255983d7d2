"""A prior of clean images, learned without pairs; the noisy scan enters when samples are drawn.

The refiner has no condition and knows the score of clean images alone, r = (x/scale − m)/S as in
the family ``image`` (Song et al. 2021, arXiv:2011.13456). A run conditions it on the scan by an
observation with white noise (`core.guidance`), which is exact for Gaussian noise of any level; no
pair was trained on. That of a magnitude is Gaussian above some 3 σ only (`core.mr_values`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from medrestore.core.families.image import Image

if TYPE_CHECKING:
    from torch import Tensor, nn

    from medrestore.core.diffusion import Denoiser
    from medrestore.core.predictor import Condition, Prediction

__all__ = ["Score"]


class Score(Image):
    """An unconditional diffusion of the image: a plug-and-play prior."""

    name = "score"
    references = ("song2021sde", "kawar2021", "efron2011")
    summary = "a prior of images, told of the scan when samples are drawn"
    kind = "of the image, told nothing"

    def network_channels(self, facts: dict[str, Any]) -> int:
        """None: the observation says at which angle it is evaluated, and on what."""
        return 0

    def condition_channels(self, facts: dict[str, Any]) -> int:
        """The scan as r would be, and the noise's standard deviation."""
        return 2

    def condition(self, c: Condition, prediction: Prediction) -> Tensor:
        """An observation of r and its standard deviation τ = σ/S, (batch, 2, y, x)."""
        import torch

        from medrestore.core.mr_values import debiased

        unit = prediction.log_s.exp()
        seen = (debiased(c.centre, c.sigma) - prediction.mu) / unit
        return torch.cat((seen, c.sigma / unit), dim=1)

    def knows_null_condition(self, facts: dict[str, Any]) -> bool:
        """Always: the scan enters when samples are drawn only."""
        return True

    def null_condition(self, condition: Tensor) -> Tensor:
        """An observation with infinite noise."""
        dropped = condition.clone()
        dropped[:, 1:] = math.inf
        return dropped

    def denoiser(self, refiner: nn.Module) -> Denoiser:
        """The refiner, conditioned on the observation by the angle it is evaluated at."""
        from medrestore.core.guidance import informed

        return informed(refiner)
