"""Model folders: weights, card and page.

MONAI bundles open the models through the two names here (``configs/inference.json``).
"""

from medrestore.models.card import Card
from medrestore.models.model import load

__all__ = ["Card", "load"]
