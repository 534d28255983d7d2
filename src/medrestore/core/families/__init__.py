"""Families of models: a refiner's variable, its condition, and where the image comes from.

One file each; a card names its own (``"family"``), `FAMILIES` finds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medrestore.core.families.family import Family
from medrestore.core.families.image import Image
from medrestore.core.families.latent import Latent
from medrestore.core.families.score import Score

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FAMILIES", "Family", "networks"]

FAMILIES: dict[str, Family] = {one.name: one for one in (Family(), Image(), Latent(), Score())}
"""By the name that cards and training configs use. One more is a file here and an entry."""


def networks(facts: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    """Predictor and refiner with random weights, of the kind that ``family`` names.

    ``facts`` are a card's, or those of them that a training config knows.
    """
    family = FAMILIES[facts.get("family", "residual")]
    return family.predictor(facts), family.refiner(facts)
