"""How each kind of model is trained: one file each, found by the config's ``family``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from medrestore.training.recipes.consistency import consistency
from medrestore.training.recipes.image import image
from medrestore.training.recipes.latent import latent
from medrestore.training.recipes.residual import residual
from medrestore.training.recipes.score import score

if TYPE_CHECKING:
    from torch import nn

    from medrestore.training.trainings import Trainings

__all__ = ["RECIPES", "Recipe"]


class Recipe(Protocol):
    """Trains the networks of a model."""

    def __call__(
        self, trainings: Trainings, predictor: nn.Module, refiner: nn.Module
    ) -> tuple[nn.Module, nn.Module, dict[str, nn.Module]]:
        """Both networks, trained, and person → a predictor that has not seen them, if any."""


RECIPES: dict[str, Recipe] = {
    "residual": residual,
    "consistency": consistency,
    "image": image,
    "latent": latent,
    "score": score,
}
"""By the config's ``family``; ``"consistency"`` where it has a teacher."""
