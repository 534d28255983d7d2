"""Families of models: a refiner's variable, its condition, and where the image comes from.

One file each; a card names its own (``"family"``), `FAMILIES` finds it.
"""

from __future__ import annotations

from medrestore.core.families.family import Family
from medrestore.core.families.image import Image
from medrestore.core.families.latent import Latent
from medrestore.core.families.score import Score

__all__ = ["FAMILIES", "Family"]

FAMILIES: dict[str, Family] = {one.name: one for one in (Family(), Image(), Latent(), Score())}
"""By the name that cards and training configs use. One more is a file here and an entry."""
