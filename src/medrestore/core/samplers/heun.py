"""Probability-flow ODE, integrated by Heun's method (Song et al. 2021, arXiv:2011.13456, §4.3).

In angle form the ODE is dz/dt = v̂(z, t): regular at π/2, and standing still for a residual of unit
variance, which it therefore hits in any number of steps. Heun's method (Karras et al. 2022,
arXiv:2206.00364, algorithm 1) is of second order; the last step, to t = 0 where nothing can be
evaluated, is Euler's. Deterministic after the first noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medrestore.core.diffusion import v_hat
from medrestore.core.samplers.sampler import Chain, sampler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["heun"]


@sampler("heun", "Heun (ODE)", ("song2021sde", "karras2022"), per_angle=2)
def heun(z_t: Tensor, r_hat: Tensor, t: float, u: float, chain: Chain) -> Tensor:
    """z_u = z_t − (t − u)·(v̂_t + v̂_u)/2; to u = 0, z_0 = z_t − t·v̂_t."""
    v_t = v_hat(z_t, r_hat, t)
    z_u = z_t - (t - u) * v_t
    if u == 0:
        return z_u
    v_u = v_hat(z_u, chain.evaluate(z_u, u), u)
    return z_t - 0.5 * (t - u) * (v_t + v_u)
