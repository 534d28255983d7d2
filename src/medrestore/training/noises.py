"""Training noise by the kind that a modality has (`modalities.training.Training`)."""

from __future__ import annotations

from medrestore.training.ct_noise import CtNoise
from medrestore.training.mr_noise import MrNoise

__all__ = ["NOISES"]

NOISES: dict[str, type[MrNoise | CtNoise]] = {"magnitude": MrNoise, "projections": CtNoise}
"""One more kind is a class and an entry."""
