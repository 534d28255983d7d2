"""The noise that training targets carry themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.errors import NoiseLevelError
from medrestore.modalities import modality_named

if TYPE_CHECKING:
    from medrestore.training.data import Stack

__all__ = ["own_noise"]


def own_noise(stack: Stack, modality: str) -> float | None:
    """Standard deviation of a stack's own noise, intensity units; None where it cannot be told.

    The estimator of `core.noise_level` on the stack as it is: a binned copy gets its own, lower
    value, whatever the correlation of the scan's noise. MR: Gaussian std per channel; CT: soft
    tissue.
    """
    try:
        return float(modality_named(modality).estimate_noise(stack.array).sigma)
    except NoiseLevelError:
        return None
