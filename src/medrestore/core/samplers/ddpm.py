"""DDPM ancestral sampling (Ho et al. 2020, arXiv:2006.11239), respaced to the angles asked for.

Takes r̂ for r and so loses Cov[r | z_t] at every step: too little spread in few steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.diffusion import posterior
from medrestore.core.samplers.sampler import Chain, sampler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ddpm"]


@sampler("ddpm", "DDPM", ("ho2020",))
def ddpm(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """z_u = A z_t + B r̂ + β ε; ``kernel`` and ``evaluate`` are not used."""
    q = posterior(t, u)
    z_u = q.a * z_t + q.b * r_hat
    return z_u + q.beta * chain.field.white(chain.index) if q.beta else z_u
