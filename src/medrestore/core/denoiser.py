"""The contract that samplers and tiles share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Denoiser"]


class Denoiser(Protocol):
    """Predicts the residual from its noisy version."""

    def __call__(self, z_t: Tensor, t: float, condition: Tensor) -> Tensor:
        """r̂ = E[r | z_t], all (batch, channels, y, x), for one angle ``t`` in (0, π/2]."""
