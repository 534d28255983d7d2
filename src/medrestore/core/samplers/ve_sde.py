"""Reverse variance-exploding SDE (Song et al. 2021, arXiv:2011.13456, eq. 46), Euler–Maruyama.

In x = z/cos t and σ = tan t our path is x = r + σ ε, whose SDE is dx = √(dσ²/dτ) dw. The reverse
diffusion predictor adds the score (r̂ − x)/σ² times what σ² falls by, and as much noise. It spreads
too wide where σ² falls far in one step; ancestral sampling (`ddpm`) does not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medrestore.core.diffusion import diffuse
from medrestore.core.samplers.sampler import Chain, sampler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ve_sde"]


@sampler("ve-sde", "Reverse diffusion (VE SDE)", ("song2021sde",))
def ve_sde(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """x_u = x_t + (σ_t² − σ_u²)(r̂ − x_t)/σ_t² + √(σ_t² − σ_u²) ε, then z_u = cos u · x_u.

    At π/2, where σ is infinite and z_t the noise alone, the path starts at its largest finite σ:
    x_u = r̂ + σ_u z_t with r̂ the mean of r. The last step adds no noise, as theirs: r̂.
    """
    if u == 0:
        return r_hat
    if chain.index == 0:
        return diffuse(r_hat, z_t, u)
    kept = (math.tan(u) / math.tan(t)) ** 2
    fallen = math.tan(t) ** 2 - math.tan(u) ** 2
    x_u = (
        kept / math.cos(t) * z_t
        + (1 - kept) * r_hat
        + math.sqrt(fallen) * chain.field.white(chain.index)
    )
    return math.cos(u) * x_u
