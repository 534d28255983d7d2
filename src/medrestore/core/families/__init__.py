"""Kinds of models: what a refiner's variable is, what it is told, where the image comes from.

One file each; a card names its own (``"family"``), `FAMILIES` finds it.
"""

from __future__ import annotations

from medrestore.core.families.family import Family
from medrestore.core.families.image import Image
from medrestore.core.families.latent import Latent
from medrestore.core.families.score import Score

__all__ = ["FAMILIES", "Family"]

FAMILIES: dict[str, Family] = {
    "residual": Family(),
    "image": Image(),
    "latent": Latent(),
    "score": Score(),
}
"""By the name that cards and training configs use."""
